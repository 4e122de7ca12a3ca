//! How an endpoint is chosen for a request, in words.

use gateway::connection::Connection;
use gateway::exchange::Decision;
use gateway::request::RequestView;
use gateway::upstream::HashKey;

/// Which endpoint its session or its key leads to, or that a session begins; nothing where neither counts.
pub(super) fn sentence(decision: &Decision, connection: &Connection, request: &RequestView<'_>) -> Option<String> {
    of_session(decision).or_else(|| of_key(decision, connection, request))
}

fn of_session(decision: &Decision) -> Option<String> {
    let affinity = decision.affinity()?;
    let cookie = &affinity.cookie;
    Some(match (decision.pick_for_session(), &affinity.sets) {
        (Some(pick), _) => format!("by its cookie {cookie} at {}", pick.address()),
        (None, Some(_)) => {
            format!("at any of them, and the response sets the cookie {cookie}, which leads there again")
        }
        (None, None) => format!("at any of them: the request has no cookie {cookie}, and its own Ingress sets none"),
    })
}

fn of_key(decision: &Decision, connection: &Connection, request: &RequestView<'_>) -> Option<String> {
    let text = decision.hashed_text(connection, request)?;
    let endpoints = decision.upstream()?.find_by_key(HashKey::of(&text));
    let addresses: Vec<_> = endpoints.iter().map(|endpoint| endpoint.address().to_string()).collect();
    let one_of = if addresses.len() > 1 { "one of " } else { "" };
    let (text, addresses) = (text.escape_ascii(), addresses.join(", "));
    (!endpoints.is_empty()).then(|| format!("by its key \"{text}\" (upstream-hash-by) at {one_of}{addresses}"))
}
