//! CORS (`enable-cors`): answers preflight requests, and says in each response which origin may read it.

use super::Invalid;
use crate::config::{self, AllowedOrigins, CorsManner, OriginPattern};
use crate::headers::Fields;
use crate::request::{Reason, Reply, RequestView};
use http::{HeaderValue, Method};
use std::ops::ControlFlow;
use std::sync::Arc;

const ANY: HeaderValue = HeaderValue::from_static("*");
/// What all headers of responses begin with that are about CORS, in lower case.
const PREFIX: &[u8] = b"access-control-";

/// The policy, as far as it does not depend on a request.
#[derive(Debug)]
pub struct Cors {
    manner: CorsManner,
    origins: AllowedOrigins,
    /// Whether an origin that is allowed is named, and not `*`.
    names_origin: bool,
    /// What every response has that an allowed origin may read, beside `Access-Control-Allow-Origin`.
    headers: Vec<(&'static str, HeaderValue)>,
    /// What only that to a preflight request has, beside those.
    permissions: Vec<(&'static str, Permission)>,
}

/// What a preflight request is told.
#[derive(Debug)]
enum Permission {
    /// This.
    Fixed(HeaderValue),
    /// What it has asked for in this header.
    Asked(&'static str),
}

impl Cors {
    /// Compiles the policy.
    ///
    /// # Errors
    /// If one of its values cannot be that of a header.
    pub fn compile(configured: &config::Cors) -> Result<Self, Invalid> {
        let mut permissions = Vec::new();
        for (name, allowed, asked) in [
            ("Access-Control-Allow-Methods", &configured.methods, "access-control-request-method"),
            ("Access-Control-Allow-Headers", &configured.headers, "access-control-request-headers"),
        ] {
            let Some(allowed) = allowed else { continue };
            let names_asked = configured.manner == CorsManner::Standard && configured.credentials && **allowed == *"*";
            permissions
                .push((name, if names_asked { Permission::Asked(asked) } else { Permission::Fixed(value(allowed)?) }));
        }
        permissions.push(("Access-Control-Max-Age", Permission::Fixed(configured.max_age.into())));
        let mut headers = Vec::new();
        if configured.manner == CorsManner::Nginx {
            let fixed = permissions.drain(..).filter_map(|(name, permission)| Some((name, permission.value(None)?)));
            headers.extend(fixed);
        }
        if configured.credentials {
            headers.push(("Access-Control-Allow-Credentials", HeaderValue::from_static("true")));
        }
        if let Some(exposed) = &configured.expose {
            headers.push(("Access-Control-Expose-Headers", value(exposed)?));
        }
        let is_any = matches!(configured.origins, AllowedOrigins::All);
        let says_any = is_any && !(configured.manner == CorsManner::Standard && configured.credentials);
        let (manner, origins) = (configured.manner, configured.origins.clone());
        Ok(Self { manner, origins, names_origin: !says_any, headers, permissions })
    }

    /// Which requests are answered, and how.
    pub fn manner(&self) -> CorsManner {
        self.manner
    }

    /// The value of `Access-Control-Allow-Origin` for a request; `None` where its origin is not allowed, or it names
    /// none.
    pub(crate) fn allowed_origin(&self, request: &RequestView<'_>) -> Option<HeaderValue> {
        if !self.names_origin {
            return Some(ANY);
        }
        let origin = only(request, "origin")?;
        self.allows(origin).then(|| HeaderValue::from_bytes(origin).ok())?
    }

    /// Whether pages of this origin may use the route.
    pub fn allows(&self, origin: &[u8]) -> bool {
        match &self.origins {
            AllowedOrigins::All => true,
            AllowedOrigins::Listed(patterns) => patterns.iter().any(|pattern| describes(pattern, origin)),
        }
    }

    /// Whether a cache must keep the response for one origin from another.
    pub(crate) fn varies(&self) -> bool {
        self.names_origin
    }

    /// The headers of a response that an allowed origin may read, but for `Access-Control-Allow-Origin`.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &(&'static str, HeaderValue)> {
        self.headers.iter()
    }

    /// Whether this header of a backend's response says what only the policy may say.
    pub(crate) fn replaces(&self, name: &[u8]) -> bool {
        let is_of_cors = name.get(..PREFIX.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(PREFIX));
        self.manner == CorsManner::Standard && is_of_cors
    }

    /// Answers a preflight request: the question of an origin, which is `allowed` if this is its value, what it may do.
    pub(crate) fn preflight(&self, allowed: Option<&HeaderValue>, request: &RequestView<'_>) -> ControlFlow<Reply> {
        let is_asked = match self.manner {
            CorsManner::Nginx => allowed.is_some(),
            CorsManner::Standard => {
                ["origin", "access-control-request-method"].iter().all(|name| request.headers.has(name))
            }
        };
        if !is_asked || *request.method != Method::OPTIONS {
            return ControlFlow::Continue(());
        }
        let headers = match self.manner {
            CorsManner::Nginx => vec![("Content-Type", HeaderValue::from_static("text/plain charset=UTF-8"))],
            CorsManner::Standard => allowed.map_or_else(Vec::new, |_| self.permissions(request)),
        };
        ControlFlow::Break(Reply { headers, ..Reply::new(204, Reason::CorsPreflight) })
    }

    fn permissions(&self, request: &RequestView<'_>) -> Vec<(&'static str, HeaderValue)> {
        let permissions = self.permissions.iter();
        permissions.filter_map(|(name, permission)| Some((*name, permission.value(Some(request))?))).collect()
    }
}

impl Permission {
    fn value(&self, request: Option<&RequestView<'_>>) -> Option<HeaderValue> {
        match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Asked(name) => HeaderValue::from_bytes(only(request?, name)?).ok(),
        }
    }
}

/// The value of a header that a request has once.
fn only<'r>(request: &RequestView<'r>, name: &'static str) -> Option<&'r [u8]> {
    let mut values = request.headers.values(name);
    values.next().filter(|_| values.next().is_none())
}

fn value(text: &Arc<str>) -> Result<HeaderValue, Invalid> {
    let invalid = |_| Invalid { value: text.clone(), reason: "cannot be the value of a header".to_owned() };
    HeaderValue::from_str(text).map_err(invalid)
}

/// Whether one of these values of `Vary` says already that a response depends on the origin.
pub(crate) fn is_varied<'a>(values: impl Iterator<Item = &'a [u8]>) -> bool {
    values
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|name| name == "*" || name.eq_ignore_ascii_case("origin"))
}

fn describes(pattern: &OriginPattern, origin: &[u8]) -> bool {
    match pattern {
        OriginPattern::Exact(exact) => origin.eq_ignore_ascii_case(exact.as_bytes()),
        OriginPattern::Subdomains { scheme, suffix } => is_between(scheme, suffix, origin, b"-"),
        OriginPattern::Below { scheme, suffix } => is_between(scheme, suffix, origin, b"-."),
    }
}

/// Whether an origin has something between these two: letters, digits and what is among `others`.
fn is_between(scheme: &str, suffix: &str, origin: &[u8], others: &[u8]) -> bool {
    let Some((first, rest)) = origin.split_at_checked(scheme.len()) else { return false };
    let labels = rest.len().checked_sub(suffix.len()).and_then(|length| rest.split_at_checked(length));
    let Some((labels, last)) = labels else { return false };
    first.eq_ignore_ascii_case(scheme.as_bytes())
        && last.eq_ignore_ascii_case(suffix.as_bytes())
        && !labels.is_empty()
        && labels.iter().all(|byte| byte.is_ascii_alphanumeric() || others.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::Headers;
    use http::HeaderMap;
    use http::Version;
    use http::header;

    fn cors(origins: &[&str]) -> Cors {
        let origins = origins.iter().map(|text| text.parse().expect("an origin")).collect();
        Cors::compile(&config::Cors { origins: AllowedOrigins::Listed(origins), ..config::Cors::default() })
            .expect("valid")
    }

    #[test]
    fn an_origin_is_allowed_as_a_whole() {
        let cors = cors(&["https://a.example:8080", "http://*.b.example", "null"]);
        for origin in
            ["https://a.example:8080", "HTTPS://A.example:8080", "http://x-1.b.example", "http://X.B.example", "null"]
        {
            assert!(cors.allows(origin.as_bytes()), "{origin}");
        }
        for origin in [
            "",
            "https://a.example",
            "https://evil.example/https://a.example:8080",
            "xhttps://a.example:8080",
            "https://a.example:80801",
            "http://b.example",
            "http://.b.example",
            "http://x.y.b.example",
            "http://x@b.example",
            "http://x_.b.example",
            "https://x.b.example",
            "https://notnull",
        ] {
            assert!(!cors.allows(origin.as_bytes()), "{origin}");
        }
    }

    #[test]
    fn a_wildcard_may_stand_for_several_labels() {
        let below = |suffix: &str| {
            let pattern = OriginPattern::Below { scheme: "https://".into(), suffix: suffix.into() };
            let origins = AllowedOrigins::Listed([pattern].into());
            Cors::compile(&config::Cors { origins, ..config::Cors::default() }).expect("valid")
        };
        let (of_domain, of_any) = (below(".a.example:8443"), below(""));
        for origin in ["https://b.a.example:8443", "https://C.b.A.example:8443"] {
            assert!(of_domain.allows(origin.as_bytes()) && !of_any.allows(origin.as_bytes()), "{origin}");
        }
        for origin in
            ["https://a.example:8443", "https://b.a.example", "http://b.a.example:8443", "https://x@b.a.example:8443"]
        {
            assert!(!of_domain.allows(origin.as_bytes()), "{origin}");
        }
        assert!(
            of_any.allows(b"https://a.example") && !of_any.allows(b"https://") && !of_any.allows(b"http://a.example")
        );
    }

    #[test]
    fn only_an_allowed_origin_is_answered() {
        let cors = cors(&["https://a.example"]);
        let answer = |method: Method, origins: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append(header::ORIGIN, HeaderValue::from_static(origin));
            }
            let headers = Headers::from(&headers);
            let request = RequestView::new(&method, b"/", &headers, Version::HTTP_11);
            let origin = cors.allowed_origin(&request);
            (cors.preflight(origin.as_ref(), &request).is_break(), origin)
        };
        let allowed = Some(HeaderValue::from_static("https://A.example"));
        assert_eq!(answer(Method::OPTIONS, &["https://A.example"]), (true, allowed.clone()));
        assert_eq!(answer(Method::GET, &["https://A.example"]), (false, allowed));
        for origins in [&[][..], &["https://b.example"], &["https://a.example", "https://a.example"]] {
            assert_eq!(answer(Method::OPTIONS, origins), (false, None), "{origins:?}");
        }
    }

    #[test]
    fn a_vary_of_the_backend_is_respected() {
        let varied = |value: &str| is_varied([value.as_bytes()].into_iter());
        assert!(varied("Accept-Encoding, ORIGIN") && varied("*"));
        assert!(!varied("Accept-Encoding") && !varied("X-Origin") && !is_varied([].into_iter()));
    }
}
