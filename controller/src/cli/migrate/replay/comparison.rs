//! Whether a request would get what the log says it got.

use super::entry::{Entry, Upstream};
use super::outcome::{Fate, Outcome};
use gateway::request::Reason;

/// Whether the outcome contradicts the log.
pub(super) fn differs(entry: &Entry<'_>, outcome: &Outcome) -> bool {
    match &outcome.fate {
        // Whose password it is, the log does not say.
        Fate::Answer(_, Reason::BadCredentials) => false,
        Fate::Answer(status, _) => *status != entry.status && !is_of_the_moment(entry.status),
        Fate::Forward(_) => goes_elsewhere(entry, outcome) || was_answered(entry, outcome),
    }
}

/// It goes to another backend than it went to.
fn goes_elsewhere(entry: &Entry<'_>, outcome: &Outcome) -> bool {
    match &entry.upstream {
        Some(Upstream::Named(name)) => !outcome.leads_to(name),
        Some(Upstream::Default) => outcome.route.is_some() && !is_of_the_moment(entry.status),
        None => false,
    }
}

/// nginx answered it by itself, in a way that its configuration decides and not the moment.
fn was_answered(entry: &Entry<'_>, outcome: &Outcome) -> bool {
    let is_configured = entry.is_redirect() || matches!(entry.status, 403 | 404 | 405 | 410);
    entry.is_own_answer && is_configured && !outcome.asks
}

/// Statuses that depend on the body, on rates, on the client, or on how the backend did.
fn is_of_the_moment(status: u16) -> bool {
    matches!(status, 400 | 408 | 413 | 414 | 429 | 494..=500 | 502..=504)
}
