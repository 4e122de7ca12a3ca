//! Why asking the API server fails.

use http::StatusCode;
use kube::core::Status;
use std::error::Error;
use std::io;

/// A failure, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiFailure {
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

impl ApiFailure {
    /// A failure without a status of its own.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { cause: Cause::Other, message: message.into() }
    }

    /// The same failure in the middle of a watch, where nobody knows what was lost with it (client-go lists again, too).
    pub(crate) fn within_watch(self) -> Self {
        let cause = if self.cause == Cause::Other { Cause::Lost } else { self.cause };
        Self { cause, ..self }
    }
}

impl From<&Status> for ApiFailure {
    fn from(status: &Status) -> Self {
        let cause = Cause::of_code(status.code);
        let message = if status.message.is_empty() { &status.reason } else { &status.message };
        Self { cause, message: format!("{} ({})", shortened(message), status.code) }
    }
}

impl From<kube::Error> for ApiFailure {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) => status.as_ref().into(),
            // Its text may quote what could not be parsed, and that may be a Secret.
            kube::Error::SerdeError(_) => Self::other("the response is not one of a Kubernetes API server"),
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

#[cfg(test)]
mod tests {
    use super::*;

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
            let expected = ApiFailure { cause, message: format!("no ({code})") };
            assert_eq!(ApiFailure::from(kube::Error::Api(status.boxed())), expected);
        }
    }

    #[test]
    fn tls_that_fails_asks_for_other_credentials() {
        let refused = || io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        let cause = |error: io::Error| ApiFailure::from(kube::Error::Service(error.into())).cause;
        assert_eq!(cause(refused()), Cause::Unauthorized);
        assert_eq!(cause(io::Error::other(refused())), Cause::Unauthorized);
        assert_eq!(cause(io::Error::other("no way")), Cause::Other);
    }

    #[test]
    fn what_cannot_be_parsed_is_not_quoted() {
        let error = serde_json::from_str::<u8>("\"hunter2\"").expect_err("no number");
        assert!(!ApiFailure::from(kube::Error::SerdeError(error)).message.contains("hunter2"));
    }
}
