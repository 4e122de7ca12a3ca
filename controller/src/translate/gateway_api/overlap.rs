//! Listeners for HTTPS whose hosts overlap.

use super::host_names::covers;
use super::listeners::ParsedListener;
use crate::gateway_api::Condition;

/// The condition that tells of another listener for HTTPS of its port, the hostname of which takes hosts that a listener's own one
/// takes, too; there is none where no other does. A client may send requests for the one on a connection that it has opened for the
/// other, and they are answered with 421.
pub(super) fn overlap(listener: &ParsedListener, all: &[ParsedListener]) -> Option<Condition> {
    let overlaps = |other: &&ParsedListener| {
        let is_other = (&other.set, &other.name) != (&listener.set, &listener.name);
        let share_hosts = covers(&other.host, &listener.host) || covers(&listener.host, &other.host);
        is_other && is_https(other) && other.port == listener.port && share_hosts
    };
    let other = all.iter().find(overlaps).filter(|_| is_https(listener))?;
    let of_set = other.set.as_ref().map(|set| format!(" of {}", set.key)).unwrap_or_default();
    let message = format!(
        "its hostname overlaps with that of listener {}{of_set}: requests for one that come on a connection for the other are \
         answered with 421",
        other.name
    );
    Some(Condition { message, ..Condition::holds("OverlappingTLSConfig", "OverlappingHostnames") })
}

fn is_https(listener: &ParsedListener) -> bool {
    listener.is_accepted && listener.protocol == "HTTPS"
}
