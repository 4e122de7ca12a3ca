use super::infrastructure::PENDING;
use super::listener::ParsedListener;
use crate::gateway_api::Condition;

/// Whether one of these listeners is served. The reason counts where none is, and none will be.
pub(super) fn programmed<'a>(
    listeners: impl Iterator<Item = &'a ParsedListener> + Clone,
    reason: &'static str,
) -> Condition {
    if listeners.clone().any(ParsedListener::is_served) {
        return Condition::holds("Programmed", "Programmed");
    }
    match listeners.into_iter().any(|listener| listener.is_pending) {
        true => Condition::fails("Programmed", "Pending", PENDING),
        false => Condition::fails("Programmed", reason, "no listener is served"),
    }
}
