use super::location::Location;
use super::request_match::{BackendCondition, RequestMatch, RequestMismatch};
use super::share::by_chance;
use crate::config::{Affinity, BackendPolicies, Origin, Redirect, RouteLabels, RouteMatch, UrlRedirect};
use crate::pattern::Pattern;
use crate::policy::header_changes::HeaderChanges;
use crate::policy::{Policies, ServerPolicies};
use crate::request::RequestView;
use crate::tls::backend::BackendTls;
use crate::upstream::Upstream;
use std::sync::Arc;

/// A compiled route: all that a request keeps of the table. There are tens of thousands, so what few have is boxed, as in what it
/// is made of.
#[derive(Debug)]
pub struct Route {
    /// The rule that it comes from.
    pub origin: Origin,
    /// Its labels in metrics and logs, for requests that no backend of its own served. Interned: routes with equal labels
    /// share them across tables, so that counters outlive a table.
    pub labels: Arc<RouteLabels>,
    /// The requests that it takes.
    pub matches: RouteMatch,
    pub(super) request_match: Option<Box<RequestMatch>>,
    /// Set if it is a location of a snippet.
    pub location: Option<Box<Location>>,
    /// The locations within it, if it has any. Shared by routes that have the same ones.
    pub(super) locations: Option<Arc<Locations>>,
    /// What happens to them.
    pub action: RouteAction,
    /// What is done to the requests of its host.
    pub host: Arc<ServerPolicies>,
    /// What is done to its requests. Shared by routes with the same ones.
    pub policies: Arc<Policies>,
}

/// The locations of one host, or those within one route. A snippet has few: each kind is asked one after the other.
#[derive(Debug, Default)]
pub(super) struct Locations {
    pub(super) exact: Box<[Arc<Route>]>,
    /// The longest first.
    pub(super) prefixes: Box<[Arc<Route>]>,
    /// In the order of the snippets.
    pub(super) patterns: Box<[Arc<Route>]>,
    /// Those that no path leads to.
    pub(super) named: Box<[Arc<Route>]>,
}

/// What happens to the requests of a route.
#[derive(Debug)]
pub enum RouteAction {
    /// They go to one of these backends.
    Forward(Box<[RouteBackend]>),
    /// They go to the gateway's default backend, spoken to like this; without one they are answered 404.
    DefaultBackend(Arc<BackendPolicies>),
    /// They are answered with this status.
    Reply(u16),
    /// They are answered with 404, once they may come in.
    NotFound,
    /// They are redirected.
    Redirect(Redirect),
    /// They are redirected to a URL that is made of theirs.
    UrlRedirect(Box<UrlRedirect>),
}

/// A backend of a route.
#[derive(Debug)]
pub struct RouteBackend {
    /// Its endpoints.
    pub upstream: Arc<Upstream>,
    /// Its share of the requests that fulfil no condition.
    pub weight: u32,
    pub(super) when: Option<Box<BackendCondition>>,
    /// Its share goes to the first backend that is no canary while it has no endpoint.
    pub canary: bool,
    /// The labels of its requests in metrics and logs. Interned, as those of the route.
    pub labels: Arc<RouteLabels>,
    /// How the requests of one client stay at one of its endpoints, if they do. Shared by the routes of one Ingress.
    pub affinity: Option<Arc<Affinity>>,
    /// How TLS is spoken to it, if that is set. Shared by all with the same settings.
    pub tls: Option<Arc<BackendTls>>,
    /// What is changed of the headers of its requests; `None` is nothing.
    pub request_headers: Option<Box<HeaderChanges>>,
    /// The same of its responses.
    pub response_headers: Option<Box<HeaderChanges>>,
    /// How it is spoken to. Shared by the backends of one Ingress.
    pub policies: Arc<BackendPolicies>,
}

impl Locations {
    /// All of them, in the order in which they are asked, without those within them.
    pub(super) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.exact.iter().chain(&self.prefixes).chain(&self.patterns).chain(&self.named)
    }
}

impl RouteBackend {
    /// Whether it gets only the requests that fulfil a condition, whatever its weight is.
    pub fn is_conditional(&self) -> bool {
        self.when.is_some()
    }

    /// Whether it gets only the requests of clients that have a session with it.
    pub fn is_for_sessions(&self) -> bool {
        matches!(self.when.as_deref(), Some(BackendCondition::Session { .. }))
    }
}

impl Route {
    /// What it wants otherwise of a request whose normalised path fits; it takes the request if that is nothing. The error is a
    /// pattern that takes too long on it.
    pub(super) fn mismatch(
        &self,
        request: &RequestView<'_>,
        path: &[u8],
    ) -> Result<Option<RequestMismatch<'_>>, &Pattern> {
        self.request_match.as_ref().map_or(Ok(None), |wanted| wanted.mismatch(request, path))
    }

    /// The locations within it, as [`Host::locations`](super::Host::locations) has those of a host.
    pub fn locations(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.locations.iter().flat_map(|locations| locations.routes())
    }

    /// Its backends.
    pub fn backends(&self) -> &[RouteBackend] {
        match &self.action {
            RouteAction::Forward(backends) => backends,
            RouteAction::DefaultBackend(_)
            | RouteAction::Reply(_)
            | RouteAction::NotFound
            | RouteAction::Redirect(_)
            | RouteAction::UrlRedirect(_) => &[],
        }
    }

    /// Whether clients stay with one of several backends: who has a session with one of them goes there.
    pub fn keeps_sessions_apart(&self) -> bool {
        self.backends().iter().any(RouteBackend::is_for_sessions)
    }

    /// Which of its backends a request goes to: that of the first condition that it fulfils, else one chosen at random in
    /// proportion to the weights; none where all weights are 0.
    pub fn choose(&self, request: &RequestView<'_>) -> Option<usize> {
        if let [RouteBackend { when: None, weight: 1.., .. }] = self.backends() {
            return Some(0);
        }
        self.choose_by(request, at_random)
    }

    /// The same for an explanation: by weight not one at random, but the one that is chosen most often.
    pub fn choose_likeliest(&self, request: &RequestView<'_>) -> Option<usize> {
        self.choose_by(request, heaviest)
    }

    fn choose_by(&self, request: &RequestView<'_>, by_weight: fn(&[RouteBackend]) -> Option<usize>) -> Option<usize> {
        let backends = self.backends();
        for (at, backend) in backends.iter().enumerate() {
            match backend.when.as_ref().map(|when| when.accepts(request)) {
                None | Some(Ok(false)) => {}
                Some(Ok(true)) => return Some(at),
                // A pattern that takes too long: such a request goes to no canary, as in ingress-nginx.
                Some(Err(_)) => return main(backends),
            }
        }
        let chosen = by_weight(backends)?;
        if backends[chosen].upstream.is_empty() { self.instead_of(chosen).or(Some(chosen)) } else { Some(chosen) }
    }

    /// The backend that has the share of this one while that has no endpoint, if another one has: that of a canary.
    pub(crate) fn instead_of(&self, chosen: usize) -> Option<usize> {
        let backend = self.backends().get(chosen)?;
        let is_share_of_canary = backend.canary && backend.when.is_none();
        if is_share_of_canary { main(self.backends()) } else { None }
    }
}

fn at_random(backends: &[RouteBackend]) -> Option<usize> {
    by_chance(backends.iter().map(weight))
}

/// The first of those with the most weight.
fn heaviest(backends: &[RouteBackend]) -> Option<usize> {
    let most = backends.iter().map(weight).max().filter(|most| *most > 0)?;
    backends.iter().position(|backend| weight(backend) == most)
}

/// The share of the requests that fulfil no condition.
fn weight(backend: &RouteBackend) -> u64 {
    if backend.when.is_none() { u64::from(backend.weight) } else { 0 }
}

/// The first backend that is no canary.
fn main(backends: &[RouteBackend]) -> Option<usize> {
    backends.iter().position(|backend| !backend.canary)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::config::{self, Condition, HeaderMatch, ValueMatch};
    use crate::headers::Headers;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method, Version};

    fn backend(name: &str, weight: u32, when: Option<Condition>) -> config::RouteBackend {
        config::RouteBackend { weight, when, ..fixtures::backend(name) }
    }

    /// How often each backend was chosen in so many requests with these headers.
    fn chosen(backends: &[config::RouteBackend], headers: &HeaderMap, requests: usize) -> Vec<(String, usize)> {
        let route = fixtures::forward(backends);
        let headers = Headers::from(headers);
        let view = RequestView::new(&Method::GET, b"/", &headers, Version::HTTP_11);
        let mut counts: Vec<(String, usize)> = Vec::new();
        for _ in 0..requests {
            let Some(chosen) = route.choose(&view) else { continue };
            let name = route.backends()[chosen].upstream.id().to_string();
            match counts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count += 1,
                None => counts.push((name, 1)),
            }
        }
        counts.sort();
        counts
    }

    #[test]
    fn weights_share_the_requests() {
        let backends = [backend("a", 3, None), backend("b", 1, None), backend("none", 0, None)];
        let counts = chosen(&backends, &HeaderMap::new(), 10_000);
        let [(a, first), (b, second)] = &counts[..] else { panic!("{counts:?}") };
        assert_eq!((a.as_str(), b.as_str(), first + second), ("default/a:80", "default/b:80", 10_000));
        // 20 standard deviations of 43.
        assert!((6_600..8_400).contains(first), "{counts:?}");
    }

    #[test]
    fn without_weights_there_is_no_backend() {
        assert_eq!(chosen(&[backend("a", 0, None)], &HeaderMap::new(), 10), []);
        assert_eq!(chosen(&[backend("a", 0, None), backend("b", 0, None)], &HeaderMap::new(), 10), []);
        assert_eq!(chosen(&[], &HeaderMap::new(), 10), []);
    }

    fn canary(weight: u32, when: Option<Condition>) -> config::RouteBackend {
        config::RouteBackend { canary: true, ..backend("canary", weight, when) }
    }

    fn header(value: ValueMatch) -> Option<Condition> {
        Some(Condition::Header(HeaderMatch { name: "x-canary".into(), value }))
    }

    fn with_header(value: String) -> HeaderMap {
        let value = HeaderValue::from_maybe_shared(Bytes::from(value)).expect("a value");
        HeaderMap::from_iter([(http::HeaderName::from_static("x-canary"), value)])
    }

    /// The upstreams of these routes have no endpoints.
    #[test]
    fn the_share_of_a_canary_without_endpoints_goes_to_the_main_backend() {
        let backends =
            [canary(0, header(ValueMatch::Exact("always".into()))), canary(100, None), backend("main", 0, None)];
        assert_eq!(chosen(&backends, &HeaderMap::new(), 20), [("default/main:80".to_owned(), 20)]);
        let asked = chosen(&backends, &with_header("always".to_owned()), 20);
        assert_eq!(asked, [("default/canary:80".to_owned(), 20)], "K03: who asks for it learns that it is gone");
    }

    #[test]
    fn a_pattern_that_takes_too_long_chooses_the_main_backend() {
        let backends = [
            canary(0, header(ValueMatch::Regex("(?=(a+)+$)b".into()))),
            canary(0, header(ValueMatch::Regex("^".into()))),
            backend("main", 1, None),
        ];
        let slow = with_header("a".repeat(5000));
        assert_eq!(chosen(&backends, &slow, 3), [("default/main:80".to_owned(), 3)]);
        assert_eq!(chosen(&backends, &with_header("a".to_owned()), 3), [("default/canary:80".to_owned(), 3)]);
    }

    #[test]
    fn an_explanation_names_the_likeliest_backend() {
        let backends = [backend("a", 2, None), backend("b", 5, None), backend("c", 5, None), backend("none", 0, None)];
        let likeliest = |backends: &[config::RouteBackend]| {
            let route = fixtures::forward(backends);
            let headers = HeaderMap::new();
            let headers = Headers::from(&headers);
            route.choose_likeliest(&RequestView::new(&Method::GET, b"/", &headers, Version::HTTP_11))
        };
        assert_eq!(likeliest(&backends), Some(1));
        assert_eq!(likeliest(&backends[3..]), None);
    }

    #[test]
    fn a_condition_comes_before_weights() {
        let header = HeaderMatch { name: "x-canary".into(), value: ValueMatch::Regex("^(always|yes)$".into()) };
        let cookie = Condition::Cookie { name: "canary".into(), value: ValueMatch::Exact("always".into()) };
        let backends = [
            backend("main", 1, None),
            backend("by-header", 0, Some(Condition::Header(header))),
            backend("by-cookie", 7, Some(cookie)),
        ];
        let headers = |name: &'static str, value| {
            HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(value))])
        };
        for (name, value, expected) in [
            ("x-canary", "always", "default/by-header:80"),
            ("x-canary", "Always", "default/main:80"),
            ("x-canary", "never", "default/main:80"),
            ("cookie", "a=1; canary=always", "default/by-cookie:80"),
            ("cookie", "canary=alway", "default/main:80"),
        ] {
            let counts = chosen(&backends, &headers(name, value), 20);
            assert_eq!(counts, [(expected.to_owned(), 20)], "{name}: {value}");
        }
    }
}
