use super::{
    Affinity, BackendId, BackendPolicies, Condition, LocationKind, Origin, Owner, Redirect, RouteMatch, RoutePolicies,
    UrlRedirect,
};
use std::sync::Arc;

/// Which requests of a virtual host are taken, and what happens to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The rule that it comes from.
    pub origin: Origin,
    /// Who owns it, for metrics and logs of requests that no backend served.
    pub owner: Owner,
    /// The requests that it takes.
    pub matches: RouteMatch,
    /// What happens to them.
    pub action: Action,
    /// What is done to them on the way. Shared by all routes with equal ones.
    pub policies: Arc<RoutePolicies>,
    /// The locations that its snippets have within it, in their order: they take those of its requests that they match. Shared by
    /// routes that have the same ones. Default none.
    pub locations: Arc<[Location]>,
}

/// A `location` of a snippet. In a `server-snippet` it stands among the paths of its host, elsewhere within a route; nginx's order
/// decides which of all takes a request.
///
/// One that is the path, byte for byte (`=`), comes first. Then, of all prefixes and paths, the longest is remembered, and the
/// locations within it are asked: one of them that is the path, or whose regular expression matches, takes the request. Then,
/// unless the prefix is `^~`, the regular expressions are asked in their order, those of locations before those of paths, and
/// those within the first that matches. Where none does, the prefix takes the request, or the longest one within it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// How it matches.
    pub kind: LocationKind,
    /// What it does. Its path is the location's text; it wants nothing else of a request.
    pub route: Route,
}

/// What happens to the requests of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// They go to one of these backends. Where it has no endpoint, they are answered 503, or by the route's
    /// `default_backend`.
    Forward(Arc<[RouteBackend]>),
    /// They go to the gateway's default backend, with these policies; without one they are answered with 404.
    DefaultBackend(Arc<BackendPolicies>),
    /// They are answered with this status, 200 to 599, and its page.
    Reply(u16),
    /// They are answered with 404, once they may come in: a location without content, for which nginx would look for a file.
    NotFound,
    /// They are redirected.
    Redirect(Redirect),
    /// They are redirected to a URL that is made of theirs.
    UrlRedirect(Box<UrlRedirect>),
}

/// A backend of a route.
///
/// The first whose condition a request fulfils gets it; of those without a condition one is chosen at random, in
/// proportion to the weights. A backend may stand there several times, with different conditions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteBackend {
    /// Whose endpoints serve the requests.
    pub backend: BackendId,
    /// Its share of the requests that fulfil no condition; of 0 it gets none of them.
    pub weight: u32,
    /// The requests that it gets whatever the weights are.
    pub when: Option<Condition>,
    /// It is a canary, for metrics and logs, and its share of the requests goes to the first backend that is none while
    /// it has no endpoint. Default false.
    pub canary: bool,
    /// How the requests of one client stay at one of its endpoints. Default none. Shared by the routes of one Ingress.
    pub affinity: Option<Arc<Affinity>>,
    /// Who owns it, for metrics and logs of the requests that it gets. Of a canary that is who owns the main backend.
    pub owner: Owner,
    /// Its policies. Shared by the backends of one Ingress.
    pub policies: Arc<BackendPolicies>,
}
