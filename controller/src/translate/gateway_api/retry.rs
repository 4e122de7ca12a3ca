//! The retries of a rule.

use super::durations;
use super::wrong::{Read, Wrong, wrong};
use crate::gateway_api::Retry;
use gateway::config::{Again, Retries, RetryCondition, RetryConditions};
use std::num::NonZero;
use std::time::Duration;

/// Of a request, besides its first try: more would be a load without a use.
const ATTEMPTS: i32 = 100;
/// Before endpoints are tried again, where the rule says nothing of it.
const PAUSE: Duration = Duration::from_millis(25);

/// Which tries of a rule's requests are repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleRetries {
    on: RetryConditions,
    tries: NonZero<u32>,
    again: Again,
    /// What of it has no effect, or another one.
    pub(super) told: Vec<Wrong>,
}

/// Reads retries.
///
/// # Errors
/// A value that is malformed.
pub(super) fn parse(retry: &Retry) -> Read<RuleRetries> {
    let mut told = Vec::new();
    // As nginx, when there is no response.
    let mut on = RetryConditions::NONE.with(RetryCondition::Error).with(RetryCondition::Timeout);
    for (index, code) in retry.codes.iter().enumerate() {
        let (field, value) = (format!("retry.codes[{index}]"), code.to_string());
        match u16::try_from(*code).ok().filter(|code| (400..600).contains(code)).map(RetryCondition::of_status) {
            Some(Some(condition)) => on = on.with(condition),
            Some(None) => told.push(Wrong::new(
                field,
                &value,
                "is not retried: expected 403, 404, 429, 500, 502, 503 or 504; the other codes are",
            )),
            None => return wrong(field, &value, "is not the status of an error: expected 400 to 599"),
        }
    }
    let attempts = retry.attempts.unwrap_or(1);
    if attempts > ATTEMPTS {
        told.push(Wrong::new("retry.attempts", &attempts.to_string(), "is more than a request gets: it counts as 100"));
    }
    let attempts = attempts.min(ATTEMPTS);
    let Some(tries) = u32::try_from(attempts).ok().map(|attempts| NonZero::<u32>::MIN.saturating_add(attempts)) else {
        return wrong("retry.attempts", &attempts.to_string(), "is not a number of attempts: expected 0 or more");
    };
    let backoff = match retry.backoff.as_deref().map(|text| durations::parse(text).ok_or(text)) {
        Some(Err(text)) => {
            return wrong("retry.backoff", text, "is not a duration: expected one such as 500ms, 10s or 1h30m");
        }
        Some(Ok(pause)) => Some(pause).filter(|pause| !pause.is_zero()),
        None => None,
    };
    let again = Again { pause: backoff.unwrap_or(PAUSE), before_each: backoff.is_some() };
    Ok(RuleRetries { on, tries, again, told })
}

impl RuleRetries {
    /// Sets them for a backend.
    pub(super) fn apply(&self, retries: &mut Retries) {
        (retries.on, retries.tries, retries.again) = (self.on, Some(self.tries), Some(self.again));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str) -> Result<(Retries, Vec<String>), String> {
        let retry = serde_saphyr::from_str(yaml).expect("retries");
        let text = |wrong: &Wrong| format!("{}: {:?} {}", wrong.field, wrong.value, wrong.message);
        let read = parse(&retry).map_err(|wrong| text(&wrong))?;
        let mut retries = Retries::DEFAULT;
        read.apply(&mut retries);
        Ok((retries, read.told.iter().map(text).collect()))
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let (retries, told) = of("{}").expect("retries");
        let again = Some(Again { pause: PAUSE, before_each: false });
        assert_eq!(retries, Retries { tries: NonZero::new(2), again, ..Retries::DEFAULT });
        assert!(told.is_empty());
    }

    #[test]
    fn all_of_it_counts() {
        let (retries, told) = of("{codes: [500, 503], attempts: 0, backoff: 100ms}").expect("retries");
        let on = Retries::DEFAULT.on.with(RetryCondition::Http500).with(RetryCondition::Http503);
        let again = Some(Again { pause: Duration::from_millis(100), before_each: true });
        assert_eq!(retries, Retries { on, tries: NonZero::new(1), again, ..Retries::DEFAULT });
        assert!(told.is_empty());
    }

    #[test]
    fn what_has_another_effect_is_told() {
        let (retries, told) = of("{codes: [500, 501], attempts: 1000}").expect("retries");
        assert_eq!(retries.tries, NonZero::new(101));
        assert!(told[0].starts_with("retry.codes[1]: \"501\" is not retried"), "{told:?}");
        assert!(told[1].starts_with("retry.attempts: \"1000\" is more than a request gets"), "{told:?}");
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (yaml, expected) in [
            ("{codes: [503, 200]}", "retry.codes[1]: \"200\" is not the status of an error"),
            ("{attempts: -1}", "retry.attempts: \"-1\" is not a number of attempts"),
            ("{backoff: 1d}", "retry.backoff: \"1d\" is not a duration"),
        ] {
            let wrong = of(yaml).expect_err(yaml);
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }
}
