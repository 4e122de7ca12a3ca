use super::routes::kind;
use super::upstream::ShownUpstream;
use gateway::config::{HttpPort, PathChange, UrlRedirect};
use gateway::table::{Host, Route, RouteAction, RouteBackend, StreamBackend, StreamRoute, Table};
use serde::{Deserialize, Serialize};

/// The whole table for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownTable {
    /// Its revision.
    pub revision: u64,
    /// How paths are matched.
    pub path_matching: String,
    /// The hosts, by name.
    pub hosts: Vec<ShownHost>,
    /// The TCP and UDP services, by port.
    pub streams: Vec<ShownStream>,
    /// The ports for HTTP and HTTPS beside the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ShownPort>,
}

/// A TCP or UDP service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownStream {
    /// `TCP` or `UDP`.
    pub protocol: String,
    /// The port that it listens on.
    pub port: u16,
    /// What declares it: object and field.
    pub from: String,
    /// Connections begin with the PROXY protocol.
    pub accepts_proxy: bool,
    /// Connections to the backend begin with it.
    pub sends_proxy: bool,
    /// Where its sessions go.
    pub backends: Vec<ShownStreamBackend>,
}

/// A backend of sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownStreamBackend {
    /// Its share of the sum of all weights.
    pub weight: u32,
    /// Its endpoints.
    pub backend: ShownUpstream,
}

/// A port for HTTP or HTTPS that a listener of a Gateway asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownPort {
    /// The port that it is.
    pub port: u16,
    /// The port that clients use.
    pub advertised: u16,
    /// Its connections begin with TLS.
    pub tls: bool,
    /// What declares it: object and field.
    pub from: String,
}

/// Where the TLS connections of a host go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownTlsRoute {
    /// TLS ends here, and the backends get what comes within it.
    pub terminates: bool,
    /// Who gets them.
    pub backends: Vec<ShownStreamBackend>,
}

/// A virtual host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownHost {
    /// Its name; `*` takes any host. In brackets the entry point that has it alone, if one does.
    pub host: String,
    /// The host that its requests are redirected to, if it is only that.
    pub redirects_to: Option<String>,
    /// Where its TLS connections go, if they are led on as connections.
    pub tls_route: Option<ShownTlsRoute>,
    /// The locations of its snippets.
    pub locations: Vec<ShownRoute>,
    /// Its routes, in the order they match.
    pub routes: Vec<ShownRoute>,
}

/// A route of a host, or a location of a snippet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownRoute {
    /// The path as declared.
    pub path: String,
    /// How it matches, as in [`super::RouteCandidate::kind`].
    pub kind: String,
    /// What declares it: object and field.
    pub from: String,
    /// The Ingress, as `namespace/name`.
    pub ingress: String,
    /// Why its requests are refused, if they are.
    pub denied: Option<String>,
    /// What happens to its requests.
    pub action: ShownAction,
    /// The locations within it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Self>,
}

/// What happens to the requests of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ShownAction {
    /// They go to one of these backends.
    Forward(Vec<ShownRouteBackend>),
    /// They go to the gateway's default backend.
    DefaultBackend,
    /// They are answered with 404.
    NotFound,
    /// They are answered with this status.
    Reply(u16),
    /// They are redirected.
    Redirect {
        /// The status.
        code: u16,
        /// Where to.
        location: String,
    },
}

/// A backend of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownRouteBackend {
    /// Its share of the requests that fulfil no condition.
    pub weight: u32,
    /// It gets only requests that fulfil a condition.
    pub conditional: bool,
    /// It is a canary.
    pub canary: bool,
    /// The cookie that keeps a client at an endpoint.
    pub affinity: Option<String>,
    /// Its endpoints.
    pub backend: ShownUpstream,
}

/// The whole table for a person: hosts by name, their routes in the order they match, TCP and UDP services by port, the
/// endpoints of now.
pub fn describe(table: &Table) -> ShownTable {
    let mut hosts: Vec<_> = table.hosts().collect();
    hosts.sort_by_key(|host| host.name());
    ShownTable {
        revision: table.revision(),
        path_matching: format!("{:?}", table.settings().path_matching),
        hosts: hosts.into_iter().map(|host| describe_host(host)).collect(),
        streams: table.streams().iter().map(|stream| describe_stream(stream)).collect(),
        ports: table.ports().iter().map(describe_port).collect(),
    }
}

fn describe_port(port: &HttpPort) -> ShownPort {
    let HttpPort { port, advertised, tls, ref origin } = *port;
    ShownPort { port, advertised, tls, from: origin.to_string() }
}

fn describe_stream(stream: &StreamRoute) -> ShownStream {
    let listener = &stream.listener;
    ShownStream {
        protocol: listener.protocol.name().to_owned(),
        port: listener.port,
        from: listener.origin.to_string(),
        accepts_proxy: listener.accept_proxy,
        sends_proxy: listener.send_proxy,
        backends: stream.backends().map(describe_stream_backend).collect(),
    }
}

fn describe_stream_backend(backend: &StreamBackend) -> ShownStreamBackend {
    ShownStreamBackend { weight: backend.weight, backend: ShownUpstream::of(&backend.upstream) }
}

/// A host for a person.
pub fn describe_host(host: &Host) -> ShownHost {
    ShownHost {
        host: host.title(),
        redirects_to: host.www_redirect().map(|redirect| redirect.to.to_string()),
        tls_route: host.tls_route().map(|route| ShownTlsRoute {
            terminates: route.terminates,
            backends: route.backends.iter().map(describe_stream_backend).collect(),
        }),
        locations: host.locations().map(|route| describe_route(route)).collect(),
        routes: host.routes().iter().chain(host.less_specific()).map(|route| describe_route(route)).collect(),
    }
}

fn describe_route(route: &Route) -> ShownRoute {
    let owner = &route.labels.owner;
    ShownRoute {
        path: route.labels.path.to_string(),
        kind: kind(route),
        from: route.origin.to_string(),
        ingress: format!("{}/{}", owner.namespace, owner.ingress),
        denied: route.policies.denied.as_ref().map(|denied| denied.reason.to_string()),
        action: describe_action(&route.action),
        locations: route.locations().map(|location| describe_route(location)).collect(),
    }
}

fn describe_action(action: &RouteAction) -> ShownAction {
    match action {
        RouteAction::Forward(backends) => ShownAction::Forward(backends.iter().map(describe_backend).collect()),
        RouteAction::DefaultBackend(_) => ShownAction::DefaultBackend,
        RouteAction::NotFound => ShownAction::NotFound,
        RouteAction::Reply(status) => ShownAction::Reply(*status),
        RouteAction::Redirect(redirect) => {
            ShownAction::Redirect { code: redirect.code, location: redirect.location.to_string() }
        }
        RouteAction::UrlRedirect(redirect) => {
            ShownAction::Redirect { code: redirect.code, location: url_pattern(redirect) }
        }
    }
}

/// Where a redirect leads, with the parts that are the request's in braces.
pub(super) fn url_pattern(redirect: &UrlRedirect) -> String {
    let scheme = redirect.scheme.as_deref().unwrap_or("{scheme}");
    let host = redirect.host.as_deref().unwrap_or("{host}");
    let port = redirect.port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = match &redirect.path {
        None => "{path}".to_owned(),
        Some(PathChange::Full(path)) => path.to_string(),
        Some(PathChange::Prefix { replacement, .. }) => format!("{replacement}{{rest of the path}}"),
    };
    format!("{scheme}://{host}{port}{path}")
}

fn describe_backend(backend: &RouteBackend) -> ShownRouteBackend {
    ShownRouteBackend {
        weight: backend.weight,
        conditional: backend.is_conditional(),
        canary: backend.canary,
        affinity: backend.affinity.as_ref().map(|affinity| affinity.cookie.to_string()),
        backend: ShownUpstream::of(&backend.upstream),
    }
}
