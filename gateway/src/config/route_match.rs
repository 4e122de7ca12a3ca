use http::Method;
use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

/// The requests that a route takes: those that fulfil each part.
///
/// Longer paths come first, as ingress-nginx writes its locations; then, as Gateway API has it, those with a method, with
/// more headers, with more arguments of the query. A look-up knows one exception: an Exact path that is the request's
/// wins over longer ones.
///
/// Of routes for one path those for calls of gRPC come before the others, and of these those that want a longer service, then a
/// longer method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteMatch {
    /// Its path.
    pub path: PathMatch,
    /// Its method; `None` is any.
    pub method: Option<Method>,
    /// Headers that it must have.
    pub headers: Arc<[HeaderMatch]>,
    /// Arguments that its query must have.
    pub query: Arc<[QueryMatch]>,
    /// It must be a call of gRPC, and one of these. Default none: calls are requests like others.
    pub call: Option<Arc<CallMatch>>,
}

/// Which calls of gRPC, beside what their path `/SERVICE/METHOD` says already.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallMatch {
    /// The service. Default any.
    pub service: Option<ValueMatch>,
    /// The method. Default any.
    pub method: Option<ValueMatch>,
}

/// A path, and how it matches the decoded and normalised path of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathMatch {
    /// How it matches.
    pub kind: PathKind,
    /// The path as declared: `/shop`, `/shop/`, or a regular expression.
    pub value: Arc<str>,
}

/// How a path matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathKind {
    /// Byte for byte.
    Exact,
    /// By whole path elements.
    Prefix,
    /// As `(?i)^PATH`: without regard to case, anchored at the start only.
    Regex,
}

/// A header that a request must have. Of several with the name, all values count, joined by `, ` (cookies by `; `).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderMatch {
    /// Its name, in lower case.
    pub name: Arc<str>,
    /// Its value.
    pub value: ValueMatch,
}

/// An argument that a query must have. Of several with the name, the first counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryMatch {
    /// Its name, in the case that is wanted.
    pub name: Arc<str>,
    /// Its value, decoded.
    pub value: ValueMatch,
}

/// A value that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueMatch {
    /// This one, byte for byte.
    Exact(Arc<str>),
    /// One in which this regular expression matches somewhere.
    Regex(Arc<str>),
}

/// A request that goes to one backend of a route, whatever the weights are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// It has this header.
    Header(HeaderMatch),
    /// It has this cookie. Of several with the name, the first counts.
    Cookie {
        /// Its name, without regard to case, as nginx has them.
        name: Arc<str>,
        /// Its value.
        value: ValueMatch,
    },
    /// It belongs to a session with the backend that this is the condition of, which has an endpoint.
    Session {
        /// The name of the cookie that says so, with regard to case.
        cookie: Arc<str>,
    },
}

impl RouteMatch {
    /// Every request for a path.
    pub fn path(kind: PathKind, value: impl Into<Arc<str>>) -> Self {
        let path = PathMatch { kind, value: value.into() };
        Self { path, method: None, headers: Arc::default(), query: Arc::default(), call: None }
    }

    /// Of two routes that take a request the lesser one wins, and of equal ones that which is declared first.
    pub fn precedence(&self, other: &Self) -> Ordering {
        let decisive = |it: &Self| {
            let call = it.call.as_deref().map(CallMatch::lengths);
            (Reverse(call), it.method.is_none(), Reverse(it.headers.len()), Reverse(it.query.len()))
        };
        self.path.cmp(&other.path).then_with(|| decisive(self).cmp(&decisive(other)))
    }
}

impl CallMatch {
    /// How long the service is that it wants, and the method.
    fn lengths(&self) -> (usize, usize) {
        let length = |wanted: &Option<ValueMatch>| wanted.as_ref().map_or(0, ValueMatch::len);
        (length(&self.service), length(&self.method))
    }
}

impl ValueMatch {
    fn len(&self) -> usize {
        let (Self::Exact(text) | Self::Regex(text)) = self;
        text.len()
    }
}

impl Ord for PathMatch {
    /// Longer paths first, then by kind, then in descending order: the order in which ingress-nginx writes locations.
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |it: &Self| (Reverse(it.value.len()), it.kind);
        key(self).cmp(&key(other)).then_with(|| other.value.cmp(&self.value))
    }
}

impl PartialOrd for PathMatch {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str) -> HeaderMatch {
        HeaderMatch { name: name.into(), value: ValueMatch::Exact("1".into()) }
    }

    #[test]
    fn the_more_specific_come_first() {
        let shop = || RouteMatch::path(PathKind::Prefix, "/shop");
        let query = QueryMatch { name: "q".into(), value: ValueMatch::Regex("^a".into()) };
        let call = |service: Option<&str>, method: Option<&str>| {
            let [service, method] = [service, method].map(|text| text.map(|text| ValueMatch::Exact(text.into())));
            RouteMatch { call: Some(Arc::new(CallMatch { service, method })), ..shop() }
        };
        let in_order = [
            RouteMatch::path(PathKind::Regex, "/shop/[a-z]"),
            RouteMatch::path(PathKind::Exact, "/shop"),
            call(Some("a.Shop"), None),
            call(Some("Shop"), Some("Get")),
            RouteMatch { headers: [header("x-a")].into(), ..call(None, Some("GetAll")) },
            call(None, Some("GetAll")),
            call(None, Some("Get")),
            call(None, None),
            RouteMatch { method: Some(Method::GET), ..shop() },
            RouteMatch { headers: [header("x-a"), header("x-b")].into(), ..shop() },
            RouteMatch { headers: [header("x-a")].into(), query: [query.clone()].into(), ..shop() },
            RouteMatch { headers: [header("x-a")].into(), ..shop() },
            RouteMatch { query: [query].into(), ..shop() },
            shop(),
            RouteMatch::path(PathKind::Prefix, "/cart"),
            RouteMatch::path(PathKind::Regex, "/shop"),
            RouteMatch::path(PathKind::Prefix, "/"),
        ];
        assert!(in_order.windows(2).all(|pair| pair[0].precedence(&pair[1]) == Ordering::Less), "{in_order:#?}");
    }

    #[test]
    fn what_is_wanted_of_a_header_decides_nothing() {
        let with = |name| RouteMatch { headers: [header(name)].into(), ..RouteMatch::path(PathKind::Prefix, "/") };
        assert_eq!(with("x-b").precedence(&with("x-a")), Ordering::Equal);
    }
}
