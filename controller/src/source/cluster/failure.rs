//! Why a watch fails, and how long to wait before it is tried again.

use http::StatusCode;
use kube::core::Status;
use std::time::Duration;

/// A failure, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    /// What the API server said, or what became of the connection.
    pub(crate) message: String,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// 403: we may not. Go without until we may.
    Forbidden,
    /// 401: the credentials are no longer good. Read them again.
    Unauthorized,
    /// 410, or an event that could not be read: the place in the stream is lost. List again.
    Lost,
    /// Everything else: try again.
    Other,
}

impl Failure {
    /// A failure without a status of its own.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { cause: Cause::Other, message: message.into() }
    }

    /// The same failure in the middle of a watch, where nobody knows what was lost with it (client-go lists again, too).
    pub(super) fn within_watch(self) -> Self {
        let cause = if self.cause == Cause::Other { Cause::Lost } else { self.cause };
        Self { cause, ..self }
    }
}

impl From<&Status> for Failure {
    fn from(status: &Status) -> Self {
        let cause = match StatusCode::from_u16(status.code) {
            Ok(StatusCode::FORBIDDEN) => Cause::Forbidden,
            Ok(StatusCode::UNAUTHORIZED) => Cause::Unauthorized,
            Ok(StatusCode::GONE) => Cause::Lost,
            _ => Cause::Other,
        };
        let message = if status.message.is_empty() { &status.reason } else { &status.message };
        Self { cause, message: format!("{} ({})", shortened(message), status.code) }
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) => status.as_ref().into(),
            // Its text may quote what could not be parsed, and that may be a Secret.
            kube::Error::SerdeError(_) => Self::other("the answer is not what the API server would send"),
            _ => Self::other(shortened(&innermost(&error))),
        }
    }
}

/// The last cause says what happened; those before it, where in the program.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// The first line of what may be a proxy's whole page.
fn shortened(message: &str) -> String {
    const SHOWN: usize = 300;
    message.trim().lines().next().unwrap_or_default().chars().take(SHOWN).collect()
}

/// How long to wait between tries: longer each time, and not at the same time as everyone else.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

/// The longest wait after the first failure.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait.
const CAP: Duration = Duration::from_secs(30);

impl Backoff {
    /// The wait after one more failure: half of it for sure, the rest by chance.
    pub(crate) fn next(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.failures.min(16)).min(CAP);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// How many failures there were in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// All is well: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_cap_and_begin_anew() {
        let mut backoff = Backoff::default();
        for longest in [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
            let wait = backoff.next().as_millis();
            assert!((longest / 2..=longest).contains(&wait), "{wait} of {longest}");
        }
        backoff.failures = u32::MAX;
        assert!(backoff.next() <= CAP);
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }

    #[test]
    fn causes_follow_the_status() {
        for (code, cause) in [
            (401, Cause::Unauthorized),
            (403, Cause::Forbidden),
            (404, Cause::Other),
            (410, Cause::Lost),
            (429, Cause::Other),
            (500, Cause::Other),
            (0, Cause::Other),
        ] {
            let status = Status::failure("no\nand more", "Reason").with_code(code);
            let expected = Failure { cause, message: format!("no ({code})") };
            assert_eq!(Failure::from(kube::Error::Api(status.boxed())), expected);
        }
    }

    #[test]
    fn what_cannot_be_parsed_is_not_quoted() {
        let error = serde_json::from_str::<u8>("\"hunter2\"").expect_err("no number");
        assert!(!Failure::from(kube::Error::SerdeError(error)).message.contains("hunter2"));
    }
}
