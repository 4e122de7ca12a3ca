//! How a request stays at an endpoint, in words.

use gateway::exchange::Decision;

/// Which endpoint its session leads to, or that one begins; nothing where its backend has no affinity.
pub(super) fn sentence(decision: &Decision) -> Option<String> {
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
