//! Why a watch fails, and how long to wait before it is tried again.

use http::StatusCode;
use kube::core::Status;
use std::error::Error;
use std::io;
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
    /// 401, or no TLS: the credentials or the authorities are no longer good. Read them again.
    Unauthorized,
    /// 410, or an event that could not be read: the place in the stream is lost. List again.
    Lost,
    /// Everything else: try again.
    Other,
}

impl Cause {
    /// That of an error of kube's, where the server's answer is one, too.
    pub(super) fn of(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_code(status.code),
            _ if is_of_tls(innermost(error)) => Self::Unauthorized,
            _ => Self::Other,
        }
    }

    fn of_code(code: u16) -> Self {
        match StatusCode::from_u16(code) {
            Ok(StatusCode::FORBIDDEN) => Self::Forbidden,
            Ok(StatusCode::UNAUTHORIZED) => Self::Unauthorized,
            Ok(StatusCode::GONE) => Self::Lost,
            _ => Self::Other,
        }
    }
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
        let cause = Cause::of_code(status.code);
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
            _ => Self { cause: Cause::of(&error), message: shortened(&innermost(&error).to_string()) },
        }
    }
}

/// The last cause says what happened; those before it, where in the program.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

/// Whether one side would not believe the other's certificate, or TLS failed in another way. An error of I/O does not name
/// what is within it as its source.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || within.is_some_and(|within| is_of_tls(within))
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

/// The waits of one watch.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    failures: Backoff,
    /// Of lists: after an outage the server no longer knows our place in its stream, and the list that follows must not
    /// wait as long as the outage made us.
    losses: Backoff,
}

impl Pauses {
    /// The wait after one more failure.
    pub(super) fn after(&mut self, cause: Cause) -> Duration {
        match cause {
            Cause::Lost => self.losses.next(),
            Cause::Forbidden | Cause::Unauthorized | Cause::Other => self.failures.next(),
        }
    }

    /// How many failures there were in a row, without those that were only losses.
    pub(super) fn failures(&self) -> u32 {
        self.failures.failures()
    }

    /// All is well.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
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
    fn an_outage_does_not_hold_up_the_list_after_it() {
        let mut pauses = Pauses::default();
        for _ in 0..10 {
            pauses.after(Cause::Other);
        }
        assert!(pauses.after(Cause::Lost) <= FIRST);
        for _ in 0..10 {
            pauses.after(Cause::Lost);
        }
        assert!(pauses.after(Cause::Lost) >= CAP / 2, "lists are dear, too");
        pauses.reset();
        assert!(pauses.after(Cause::Lost) <= FIRST && pauses.after(Cause::Other) <= FIRST);
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
    fn tls_that_fails_asks_for_other_credentials() {
        let refused = || io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        let cause = |error: io::Error| Failure::from(kube::Error::Service(error.into())).cause;
        assert_eq!(cause(refused()), Cause::Unauthorized);
        assert_eq!(cause(io::Error::other(refused())), Cause::Unauthorized);
        assert_eq!(cause(io::Error::other("no way")), Cause::Other);
    }

    #[test]
    fn what_cannot_be_parsed_is_not_quoted() {
        let error = serde_json::from_str::<u8>("\"hunter2\"").expect_err("no number");
        assert!(!Failure::from(kube::Error::SerdeError(error)).message.contains("hunter2"));
    }
}
