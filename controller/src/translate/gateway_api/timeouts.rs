//! The timeouts of a rule.

use super::durations;
use super::wrong::{Read, wrong};
use crate::gateway_api::Timeouts;
use gateway::config::{BackendPolicies, Deadlines};
use std::time::Duration;

/// In place of a limit where there is to be none: eleven years.
const NO_LIMIT: Duration = Duration::from_secs(99_999 * 3600);

/// How long the requests of a rule may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuleTimeouts {
    deadlines: Deadlines,
    /// For so long a backend may be silent: the deadlines are to end a request, and nothing before.
    silence: Duration,
}

/// Reads timeouts; a zero is no limit.
///
/// # Errors
/// One is malformed, or that of an attempt is longer than that of all.
pub(super) fn parse(timeouts: &Timeouts) -> Read<RuleTimeouts> {
    let request = duration("timeouts.request", timeouts.request.as_deref())?;
    let attempt = duration("timeouts.backendRequest", timeouts.backend_request.as_deref())?;
    let limit = |time: Option<Duration>| time.filter(|time| !time.is_zero());
    let deadlines = Deadlines { request: limit(request), attempt: limit(attempt) };
    if let (Some(all), Some(one)) = (deadlines.request, deadlines.attempt)
        && one > all
    {
        let value = timeouts.backend_request.as_deref().unwrap_or_default();
        return wrong("timeouts.backendRequest", value, "is longer than timeouts.request: expected that at most");
    }
    // Neither is set: nothing is asked for.
    let silence = attempt.or(request).map_or(Duration::ZERO, |time| limit(Some(time)).unwrap_or(NO_LIMIT));
    Ok(RuleTimeouts { deadlines, silence })
}

fn duration(field: &str, text: Option<&str>) -> Read<Option<Duration>> {
    let Some(text) = text else { return Ok(None) };
    match durations::parse(text) {
        Some(time) => Ok(Some(time)),
        None => wrong(field, text, "is not a duration: expected one such as 500ms, 10s or 1h30m; 0s is no limit"),
    }
}

impl RuleTimeouts {
    /// Sets them for a backend.
    pub(super) fn apply(self, policies: &mut BackendPolicies) {
        policies.deadlines = self.deadlines;
        for time in [&mut policies.timeouts.send, &mut policies.timeouts.read] {
            *time = self.silence.max(*time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The deadlines of a backend, and how long it may be silent.
    fn applied(request: Option<&str>, backend_request: Option<&str>) -> Result<(Deadlines, Duration), String> {
        let [request, backend_request] = [request, backend_request].map(|text| text.map(str::to_owned));
        let read = parse(&Timeouts { request, backend_request });
        let mut policies = BackendPolicies::DEFAULT;
        read.map_err(|wrong| format!("{}: {}", wrong.field, wrong.message))?.apply(&mut policies);
        assert_eq!(policies.timeouts.read, policies.timeouts.send);
        Ok((policies.deadlines, policies.timeouts.read))
    }

    #[test]
    fn nothing_ends_a_request_before_its_own_timeouts() {
        let deadlines = |request, attempt| Deadlines { request, attempt };
        for (request, attempt, expected) in [
            (None, None, (deadlines(None, None), 60 * SECOND)),
            (Some("10s"), None, (deadlines(Some(10 * SECOND), None), 60 * SECOND)),
            (Some("5m"), None, (deadlines(Some(300 * SECOND), None), 300 * SECOND)),
            (Some("5m"), Some("2m"), (deadlines(Some(300 * SECOND), Some(120 * SECOND)), 120 * SECOND)),
            (Some("0s"), Some("2m"), (deadlines(None, Some(120 * SECOND)), 120 * SECOND)),
            (Some("10s"), Some("0s"), (deadlines(Some(10 * SECOND), None), NO_LIMIT)),
            (Some("0s"), None, (deadlines(None, None), NO_LIMIT)),
        ] {
            assert_eq!(applied(request, attempt), Ok(expected), "{request:?} {attempt:?}");
        }
    }

    #[test]
    fn what_is_malformed_or_too_long_is_named() {
        for (request, attempt, expected) in [
            (Some("1d"), None, "timeouts.request: is not a duration"),
            (None, Some(""), "timeouts.backendRequest: is not a duration"),
            (Some("1s"), Some("2s"), "timeouts.backendRequest: is longer than timeouts.request"),
        ] {
            let wrong = applied(request, attempt).expect_err("wrong");
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }
}
