//! Listeners for HTTPS whose hosts overlap.

use super::host_names::and_wider;
use super::listener::ParsedListener;
use crate::gateway_api::Condition;
use gateway::config::HostName;
use std::collections::BTreeMap;

/// Gives each of a Gateway's listeners for HTTPS the condition that tells of another one of its port, the hostname of which takes
/// hosts that its own one takes, too. A client may send requests for the one on a connection that it has opened for the other, and
/// they are answered with 421.
pub(super) fn tell(listeners: &mut [ParsedListener]) {
    for (index, other) in overlaps(listeners) {
        let condition = condition(&listeners[other]);
        listeners[index].conditions.push(condition);
    }
}

/// Each listener that overlaps with others, with the first of these. Of two overlapping names one is the other, or wider than it.
fn overlaps(listeners: &[ParsedListener]) -> BTreeMap<usize, usize> {
    let https = || listeners.iter().enumerate().filter(|(_, listener)| is_https(listener));
    let mut by_host: BTreeMap<(i32, &HostName), Vec<usize>> = BTreeMap::new();
    for (index, listener) in https() {
        by_host.entry((listener.port, &listener.host)).or_default().push(index);
    }
    let mut first: BTreeMap<usize, usize> = BTreeMap::new();
    let mut note = |index, other: usize| {
        first.entry(index).and_modify(|first| *first = other.min(*first)).or_insert(other);
    };
    for (index, listener) in https() {
        for host in and_wider(&listener.host) {
            let others = by_host.get(&(listener.port, &host)).into_iter().flatten();
            for other in others.copied().filter(|other| *other != index) {
                note(index, other);
                note(other, index);
            }
        }
    }
    first
}

fn condition(other: &ParsedListener) -> Condition {
    let of_set = other.set.as_ref().map(|set| format!(" of {}", set.key)).unwrap_or_default();
    let message = format!(
        "its hostname overlaps with that of listener {}{of_set}: requests for one that come on a connection for the other are \
         answered with 421",
        other.name
    );
    Condition { message, ..Condition::holds("OverlappingTLSConfig", "OverlappingHostnames") }
}

fn is_https(listener: &ParsedListener) -> bool {
    listener.is_accepted && listener.protocol == "HTTPS"
}
