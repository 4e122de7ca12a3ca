//! What a request would get, as the table and the policies of its route have it.

use super::entry::Entry;
use gateway::config::Owner;
use gateway::connection::{Connection, TlsSession};
use gateway::exchange::{AccessStep, Decision};
use gateway::headers::Headers;
use gateway::policy::Verdict;
use gateway::request::{Reason, RequestView};
use gateway::table::{Route, Table};
use gateway::upstream::Upstream;
use http::{HeaderName, HeaderValue, Version, header};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// What a request would get.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The route that takes it.
    pub(super) route: Option<Arc<Route>>,
    pub(super) fate: Fate,
    /// A password or an auth server decides, and was presumed to let it in.
    pub(super) asks: bool,
}

/// What becomes of it.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It goes to a backend. Whether that has an endpoint is not looked at: the log is of another time.
    Forward(Arc<Upstream>),
    /// Adit answers.
    Answer(u16, Reason),
}

impl Outcome {
    /// Puts a request to the table, at this host and with or without TLS. `None` if the host cannot be sent.
    pub(super) fn of(table: &Table, entry: &Entry<'_>, host: &str, is_tls: bool) -> Option<Self> {
        let headers = headers(entry, host)?;
        let view = RequestView::new(&entry.method, &entry.target, &headers, Version::HTTP_11);
        let connection = connection(entry.client, is_tls);
        let mut decision = Decision::of(table, &connection, &view);
        let (step, asks) = let_in(&mut decision, &connection, &view);
        let fate = match step {
            AccessStep::Reply(reply) => {
                let reply = decision.in_place_of_error(reply);
                Fate::Answer(reply.status, reply.reason)
            }
            _ => match decision.upstream() {
                Some(upstream) => Fate::Forward(upstream.clone()),
                None => Fate::Answer(503, Reason::NoEndpoint),
            },
        };
        Some(Self { route: decision.route, fate, asks })
    }

    /// Whether TLS alone would change it.
    pub(super) fn wants_tls(&self) -> bool {
        matches!(self.fate, Fate::Answer(_, Reason::HttpsRedirect | Reason::NoClientCertificate))
    }

    /// Whether its route leads to the upstream that ingress-nginx calls by this name.
    pub(super) fn leads_to(&self, name: &str) -> bool {
        let Some(route) = &self.route else { return false };
        is_named(&route.labels.owner, name) || route.backends().iter().any(|backend| backend.upstream.name() == name)
    }
}

/// Whether this is the `namespace-service-port` of an owner.
fn is_named(owner: &Owner, name: &str) -> bool {
    let part = |rest: &str, part: &str| rest.strip_prefix(part)?.strip_prefix('-').map(str::len);
    let after = |rest: usize| &name[name.len() - rest..];
    let rest = part(name, &owner.namespace).and_then(|rest| part(after(rest), &owner.service));
    rest.is_some_and(|rest| *after(rest) == *owner.service_port)
}

/// Follows the steps of access, where everyone who has to be asked allows the request.
fn let_in(decision: &mut Decision, connection: &Connection, view: &RequestView<'_>) -> (AccessStep, bool) {
    let (mut step, mut asks) = (decision.step(), false);
    loop {
        step = match step {
            AccessStep::Verify(_) => decision.hear(Verdict::Allowed),
            AccessStep::Ask => match decision.after_auth_snippet(connection, view) {
                Some(decided) => decided,
                None => decision.hear(Verdict::Allowed),
            },
            AccessStep::Forward | AccessStep::Reply(_) => return (step, asks),
        };
        asks = true;
    }
}

fn headers(entry: &Entry<'_>, host: &str) -> Option<Headers> {
    let text = |name: HeaderName, text: &str| Some((name, HeaderValue::from_str(text).ok()?));
    let host = text(header::HOST, host)?;
    let user_agent = entry.user_agent.as_deref().and_then(|agent| text(header::USER_AGENT, agent));
    let referer = entry.referer.as_deref().and_then(|referer| text(header::REFERER, referer));
    Some([Some(host), user_agent, referer].into_iter().flatten().collect())
}

/// A connection of that client to the usual ports.
fn connection(client: Option<IpAddr>, is_tls: bool) -> Connection {
    let advertised_port = if is_tls { 443 } else { 80 };
    let peer = SocketAddr::from((client.unwrap_or(Ipv4Addr::LOCALHOST.into()), 0));
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, advertised_port));
    Connection {
        id: 0,
        peer,
        local,
        advertised_port,
        proxied: None,
        own_port: None,
        tls: is_tls.then(TlsSession::default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_known_by_their_names() {
        let owner =
            Owner { namespace: "a-b".into(), ingress: "i".into(), service: "c".into(), service_port: "80".into() };
        assert!(is_named(&owner, "a-b-c-80"));
        for name in ["a-b-c-8", "a-b-c-800", "a-b-c", "b-c-80", "", "a-b", "\u{e9}"] {
            assert!(!is_named(&owner, name), "{name}");
        }
    }
}
