use super::backend_tls;
use super::canary;
use super::limits;
use super::policies::{self, Decided, Policy};
use super::reason::{no_backend, why};
use super::refusal;
use super::request::Request;
use super::session;
use super::source::Source;
use crate::translate::Translator;
use gateway::config::{BackendId, Endpoints, VerifyClient};
use gateway::connection::{Connection, OwnPort, TlsSession};
use gateway::exchange::{AccessStep, Decision, Stage};
use gateway::policy::Verdict;
use gateway::policy::client_certificates::ClientCertificates;
use gateway::request::{Reason, Reply, RequestView};
use gateway::table::{Found, Table, TlsRoute};
use gateway::upstream::Upstream;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Action {
    /// It goes to a backend.
    Forward {
        /// `namespace/service:port`.
        backend: String,
        /// Where the backend is.
        at: Reach,
        /// Those of its endpoints that get no requests now, because they have failed too often.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ejected: Vec<SocketAddr>,
        /// How TLS is spoken to it, if it is: a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tls: Option<String>,
        /// The request target that the backend sees.
        target: String,
        /// Why it goes there and not to the canary, or the other way round: a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        canary: Option<String>,
        /// How its client stays at an endpoint, or which one its key leads to: a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
        /// The auth server that must allow it first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        auth: Option<AuthServer>,
        /// The mirrors that get copies of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mirrors: Vec<MirrorServer>,
        /// Which client certificate it needs: a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<String>,
        /// How much one client may ask, and how fast it is answered: a sentence each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        limits: Vec<String>,
        /// In place of which error it goes there: a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error_page: Option<String>,
    },
    /// Its TLS connection goes to a backend as a connection.
    #[serde(rename = "passThrough")]
    PassThrough {
        /// TLS ends here, and the backend gets what comes within it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        terminates: bool,
        /// `namespace/service:port`; of several the one that gets most connections.
        backend: String,
        /// Of how many connections, if not of all: `9 of 10`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<String>,
        /// Where the backend is; `None` if it has no endpoint, so that connections are closed.
        at: Option<Reach>,
        /// How TLS is spoken to it again, if it is, or why nobody gets what comes: a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tls: Option<String>,
        /// What asks for it.
        source: Source,
    },
    /// The gateway answers it.
    Reply {
        /// The status.
        status: u16,
        /// Why.
        why: String,
        /// The `Location` of a redirect.
        location: Option<String>,
    },
}

/// A server that authorizes requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthServer {
    /// Scheme and host of its URL.
    pub url: String,
    /// Where it is.
    pub at: Reach,
}

/// A server that gets copies of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorServer {
    /// Scheme and host of its URL.
    pub url: String,
    /// Where it is; `None` if it has no endpoint, so that there are no copies.
    pub at: Option<Reach>,
    /// Of how many requests, if not of all: `20 of 100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
}

/// Where a backend is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Reach {
    /// At one of these addresses.
    Addresses(Vec<SocketAddr>),
    /// At the addresses of a DNS name: `name:port`.
    Name(String),
}

/// What happens to a request, of whose host and path the table says `found`, and what acts on it in which order.
pub(super) fn decide(
    table: &Table,
    translator: &Translator,
    request: &Request,
    found: Option<&Found<'_>>,
) -> (Action, Vec<Policy>) {
    let view = request.view();
    if request.tls
        && let Some(route) = table.tls_route(request.entry_point(table), &request.server_name)
    {
        return (lead_on(route, translator), Vec::new());
    }
    let connection = connection(request, table);
    let mut decision = Decision::of(table, &connection, &view);
    let first = decision.step();
    let (mut step, mut asks) = settle(&mut decision, first, &connection, &view);
    while let Some(reply) =
        own_reply(&step, &decision, translator).filter(|reply| decision.is_answered_elsewhere(reply))
    {
        let turned = decision.turn_to_error_page(table, &connection, &view, &reply);
        (step, asks) = settle(&mut decision, turned, &connection, &view);
    }
    let (action, answered_at) = match step {
        AccessStep::Reply(reply) => {
            let stage = decision.stage_of(&reply);
            (answer(reply, table, translator, &decision, found), Some(stage))
        }
        _ => forward(translator, request, &connection, &decision, asks),
    };
    let policies = policies::list(&decided(translator, request, &decision, &action, answered_at));
    (action, policies)
}

/// The gateway's own answer.
fn answer(
    reply: Reply,
    table: &Table,
    translator: &Translator,
    decision: &Decision,
    found: Option<&Found<'_>>,
) -> Action {
    if reply.reason == Reason::BadCredentials && decision.auth_server().is_some_and(|server| server.signin.is_some()) {
        let why = "auth-signin: the request has no name and password of a user".to_owned();
        return Action::Reply { status: 302, why, location: None };
    }
    let reply = decision.in_place_of_error(reply);
    let why = why(&reply, table, translator, decision, found);
    Action::Reply {
        status: reply.status,
        why: match error_page(decision) {
            Some(instead) => format!("{why}, {instead}"),
            None => why,
        },
        location: reply.location().map(|location| String::from_utf8_lossy(location.as_bytes()).into_owned()),
    }
}

/// What becomes of a request that may come in, and where it is answered if it goes no further.
fn forward(
    translator: &Translator,
    request: &Request,
    connection: &Connection,
    decision: &Decision,
    asks: bool,
) -> (Action, Option<Stage>) {
    let view = &request.view();
    let auth = match auth_server(translator, decision).filter(|_| asks).transpose() {
        Ok(auth) => auth,
        Err(url) => {
            let why = format!("the auth server {url} has no endpoint");
            return (Action::Reply { status: 500, why, location: None }, Some(Stage::AuthServer));
        }
    };
    let Some((upstream, at)) = reached(decision, translator) else {
        let backend = decision.upstream().map(|upstream| upstream.id().to_string()).unwrap_or_default();
        let Reply { status, reason, .. } = decision.no_endpoint();
        let why = match reason {
            Reason::NoBackend => no_backend(decision, translator),
            _ => format!("{backend} has no endpoint"),
        };
        return (Action::Reply { status, why, location: None }, Some(Stage::Backend));
    };
    let action = Action::Forward {
        backend: upstream.id().to_string(),
        at,
        ejected: upstream.passed_over(),
        tls: backend_tls::of_request(decision, request.tls, translator),
        target: String::from_utf8_lossy(decision.target(view)).into_owned(),
        canary: canary::share(decision, translator),
        session: session::sentence(decision, connection, view),
        auth,
        mirrors: mirrors(translator, decision).collect(),
        certificate: if request.tls { client_certificate(decision) } else { None },
        limits: limits::list(decision),
        error_page: error_page(decision),
    };
    (action, None)
}

fn decided<'d>(
    translator: &Translator,
    request: &Request,
    decision: &'d Decision,
    action: &'d Action,
    answered_at: Option<Stage>,
) -> Decided<'d> {
    let (why, backend) = match action {
        Action::Forward { backend, at, tls, canary, session, .. } => {
            let chosen = [Some(format!("{backend}, {at}")), tls.clone(), canary.clone(), session.clone()];
            (None, chosen.into_iter().flatten().collect())
        }
        Action::Reply { why, .. } => (Some(why.as_str()), Vec::new()),
        Action::PassThrough { .. } => (None, Vec::new()),
    };
    Decided {
        decision,
        tls: request.tls,
        answered_at,
        why,
        backend,
        auth: decision.auth_server().map(|server| {
            let by = if server.filter.is_some() { "ExternalAuth" } else { "auth-url" };
            format!("{by}: asks {}", url(server.tls, &server.authority))
        }),
        mirrors: mirrors(translator, decision).map(|mirror| mirror.to_string()).collect(),
        certificate: client_certificate(decision),
    }
}

/// The upstream that serves the request, and where it is.
fn reached<'d>(decision: &'d Decision, translator: &Translator) -> Option<(&'d Arc<Upstream>, Reach)> {
    let upstreams = [decision.upstream(), decision.fallback()];
    upstreams.into_iter().flatten().find_map(|upstream| Some((upstream, reach(translator, upstream)?)))
}

/// The gateway's own reply to a request, if it gets one.
fn own_reply(step: &AccessStep, decision: &Decision, translator: &Translator) -> Option<Reply> {
    match step {
        AccessStep::Reply(reply) => Some(reply.clone()),
        AccessStep::Forward if reached(decision, translator).is_none() => Some(decision.no_endpoint()),
        _ => None,
    }
}

/// Verifies a password, and presumes that an auth server allows the request. Returns what becomes of it then, and whether that
/// server is asked.
fn settle(
    decision: &mut Decision,
    step: AccessStep,
    connection: &Connection,
    view: &RequestView<'_>,
) -> (AccessStep, bool) {
    let step = match step {
        AccessStep::Verify(verification) => decision.hear(verification.verdict(verification.run())),
        step => step,
    };
    if !matches!(step, AccessStep::Ask) {
        return (step, false);
    }
    match decision.after_auth_snippet(connection, view) {
        Some(decided) => (decided, false),
        None => (decision.hear(Verdict::Allowed), true),
    }
}

/// Why the request is answered where it is, if that is in place of an error.
fn error_page(decision: &Decision) -> Option<String> {
    let (status, origin) = decision.answered_error()?;
    Some(format!("in place of an error with {status}: {}", Source::from(origin)))
}

/// What the certificate of the client has to be. The decision presumes one.
fn client_certificate(decision: &Decision) -> Option<String> {
    let Some(ClientCertificates::Verified(verification)) = decision.client_certificates() else { return None };
    let who = match verification.verify {
        VerifyClient::Off => return None,
        VerifyClient::On | VerifyClient::AtHandshake => "if its client has a valid certificate",
        VerifyClient::Optional => "if its client has a valid certificate, or none",
        VerifyClient::OptionalNoCa => "if its client has a certificate, valid but for its authority, or none",
        VerifyClient::Any => "whatever the certificate of its client is",
    };
    let subject = verification.subject.as_ref().map(|subject| format!(", whose subject matches {subject:?}"));
    Some(format!("{who}{}: {}", subject.unwrap_or_default(), Source::from(&verification.origin)))
}

/// Who is asked before the backend. The error is the URL of one that is nowhere.
fn auth_server(translator: &Translator, decision: &Decision) -> Option<Result<AuthServer, String>> {
    let server = decision.auth_server()?;
    let url = url(server.tls, &server.authority);
    Some(match reach(translator, &server.upstream) {
        Some(at) => Ok(AuthServer { url, at }),
        None => Err(url),
    })
}

/// Who gets a copy of the request.
fn mirrors(translator: &Translator, decision: &Decision) -> impl Iterator<Item = MirrorServer> {
    decision.mirrors().iter().map(move |mirror| MirrorServer {
        url: url(mirror.tls, &mirror.server_name),
        at: reach(translator, &mirror.upstream),
        share: mirror.share.map(|share| format!("{} of {}", share.numerator, share.denominator)),
    })
}

/// Scheme and host of a URL.
fn url(tls: bool, authority: &str) -> String {
    format!("{}://{authority}", if tls { "https" } else { "http" })
}

/// A connection from this machine to the port of a request.
fn connection(request: &Request, table: &Table) -> Connection {
    let port = request.own_port(table);
    let advertised_port = port.map_or(if request.tls { 443 } else { 80 }, |port| port.advertised);
    let server_name = Some(&request.server_name).filter(|name| !name.is_empty() && name.parse::<IpAddr>().is_err());
    let session = || TlsSession { server_name: server_name.map(|name| name.as_str().into()), ..TlsSession::default() };
    Connection {
        id: 0,
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        local: SocketAddr::from((Ipv4Addr::LOCALHOST, advertised_port)),
        advertised_port,
        proxied: None,
        own_port: port.map(|port| Arc::new(OwnPort::new(port.port))),
        tls: request.tls.then(session),
    }
}

/// What happens to a TLS connection that is led on.
fn lead_on(route: &TlsRoute, translator: &Translator) -> Action {
    let total: u64 = route.backends.iter().map(|backend| u64::from(backend.weight)).sum();
    let most = route.backends.iter().rev().max_by_key(|backend| backend.weight).filter(|_| total > 0);
    let id = most.map_or(&BackendId::Nowhere, |backend| backend.upstream.id());
    let tls = most.and_then(|backend| backend.tls.as_ref());
    Action::PassThrough {
        terminates: route.terminates,
        backend: id.to_string(),
        share: most
            .map(|backend| backend.weight)
            .filter(|weight| u64::from(*weight) < total)
            .map(|weight| format!("{weight} of {total}")),
        at: most.and_then(|backend| reach(translator, &backend.upstream)),
        tls: match id {
            BackendId::Nowhere => refusal::of_route(&route.origin, translator),
            id => tls.map(|tls| backend_tls::sentence(Some(tls), id, translator)),
        },
        source: Source::from(&route.origin),
    }
}

/// Where an upstream is: its addresses as they are used now, or its DNS name where nobody has resolved it yet.
fn reach(translator: &Translator, upstream: &Upstream) -> Option<Reach> {
    let addresses: Vec<_> = upstream.endpoints().iter().map(|endpoint| endpoint.address()).collect();
    if !addresses.is_empty() {
        return Some(Reach::Addresses(addresses));
    }
    match &translator.backend(upstream.id())?.endpoints {
        Endpoints::Name { name, port, .. } => Some(Reach::Name(format!("{name}:{port}"))),
        Endpoints::Addresses(_) | Endpoints::Unchanged => None,
    }
}
