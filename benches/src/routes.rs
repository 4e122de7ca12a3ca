//! Routes with policies, to be compared with one that has none.

use crate::cluster;
use std::net::SocketAddr;

/// A setting of ingress-nginx, without its prefix, and its value.
type Annotation = (&'static str, &'static str);

/// A route, which has a host of its own.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What it has, for a report.
    pub name: &'static str,
    annotations: &'static [Annotation],
    /// The annotations of a canary beside it, if it has one.
    canary: &'static [Annotation],
}

/// The first is what the others are compared with.
pub const ROUTES: [Route; 11] = [
    route("without policies", &[]),
    route("an address list of 2 networks", &[LIST]),
    route("a rate and a number of requests", &[RATE, IN_PROGRESS]),
    route("CORS", &[CORS]),
    route("all of them", &[LIST, RATE, IN_PROGRESS, CORS]),
    route("a password with bcrypt, verified before", &[("auth-type", "basic"), ("auth-secret", "users")]),
    route(
        "an auth server, its response kept",
        &[("auth-url", "http://backend.default.svc.cluster.local/auth"), ("auth-cache-key", "$remote_user")],
    ),
    route("sessions by a cookie", &[("affinity", "cookie")]),
    route("endpoints by a key", &[("upstream-hash-by", "$request_uri")]),
    Route { name: "a canary by weight", annotations: &[], canary: &[("canary", "true"), ("canary-weight", "20")] },
    route("without policies again, for the noise", &[]),
];
const LIST: Annotation = ("denylist-source-range", "192.0.2.0/24, 2001:db8::/32");
const RATE: Annotation = ("limit-rps", "4000000000");
const IN_PROGRESS: Annotation = ("limit-connections", "1000000");
const CORS: Annotation = ("enable-cors", "true");

/// `htpasswd -nbB alice secret`, and what Alice sends.
const USERS: &str = concat!(
    "apiVersion: v1\nkind: Secret\nmetadata: {name: users}\nstringData:\n",
    "  auth: alice:$2y$05$MkPE6l1OwxhWsYtM1YYKXO73rungQyTz/tiuNbZ28bhgd0n87pjbm\n---\n"
);
/// The Service of canaries.
const CANARY: &str = "canary";
/// The credentials that all routes with authentication let in.
pub const CREDENTIALS: &str = "Basic YWxpY2U6c2VjcmV0";

const fn route(name: &'static str, annotations: &'static [Annotation]) -> Route {
    Route { name, annotations, canary: &[] }
}

/// The host of the route with this number.
pub fn host(number: usize) -> String {
    format!("r{number}.example.com")
}

/// Manifests with all routes, to a Service at `backend`.
pub fn manifest(backend: SocketAddr) -> String {
    let mut yaml = cluster::config_map("") + &cluster::backend("backend", backend) + USERS;
    yaml.push_str(&cluster::backend(CANARY, backend));
    for (number, route) in ROUTES.iter().enumerate() {
        yaml.push_str(&ingress(&format!("r{number}"), number, route.annotations));
        if !route.canary.is_empty() {
            let canary = ingress(&format!("r{number}-canary"), number, route.canary);
            yaml.push_str(&canary.replace("{name: backend,", &format!("{{name: {CANARY},")));
        }
    }
    yaml
}

fn ingress(name: &str, number: usize, annotations: &[Annotation]) -> String {
    let lines = annotations.iter().map(|(key, value)| format!("nginx.ingress.kubernetes.io/{key}: '{value}'"));
    let lines = lines.collect::<Vec<_>>().join(", ");
    let metadata = format!("{{name: {name}, annotations: {{{lines}}}}}");
    cluster::ingress_with("NAME", &host(number), &["/"]).replace("{name: NAME}", &metadata)
}
