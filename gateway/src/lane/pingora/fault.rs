//! Classifies Pingora's errors of requests that got no response.

use crate::connection::MalformedBody;
use crate::exchange::Failure;
use h2::Reason;
use http::Method;
use pingora_core::{Error, ErrorType, RetryType};
use std::io::{self, ErrorKind};

/// Whether the backend has certainly not processed the request (RFC 9113, section 8.7): it refused the stream, or its GOAWAY
/// has an earlier one as its last stream. h2 reports a GOAWAY only to streams after that one.
pub(super) fn is_unprocessed(error: &Error) -> bool {
    let Some(error) = error.root_cause().downcast_ref::<h2::Error>() else { return false };
    error.is_remote() && (error.is_go_away() || error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM))
}

/// Whether a request with this method may be sent again, though an endpoint may have seen it: as in nginx, all but those that
/// are known to change something anew each time.
pub(in crate::lane) fn is_repeatable(method: &Method) -> bool {
    !matches!(method.as_str(), "POST" | "LOCK" | "PATCH")
}

/// Whether a read or a write took too long.
pub(super) fn is_timeout(error: &Error) -> bool {
    let io = error.root_cause().downcast_ref::<io::Error>();
    matches!(error.etype(), ErrorType::ReadTimedout | ErrorType::WriteTimedout)
        || io.is_some_and(|error| error.kind() == ErrorKind::TimedOut)
}

/// Whether the client's body is not what its framing says.
fn is_malformed_body(error: &Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is_some_and(|cause| cause.is::<MalformedBody>())
}

/// What an error of the client's session is to the exchange.
pub(in crate::lane) fn of_client(error: &Error) -> Failure {
    match error.etype() {
        _ if is_timeout(error) => Failure::ClientTimeout,
        _ if is_malformed_body(error) => Failure::ClientMalformed,
        ErrorType::ReadError
        | ErrorType::WriteError
        | ErrorType::ConnectionClosed
        | ErrorType::ConnectError
        | ErrorType::H2Error => Failure::ClientGone,
        _ => Failure::ClientMalformed,
    }
}

/// Whether the connection was closed, or accepts no more bytes.
pub(super) fn is_cut_off(error: &Error) -> bool {
    error.retry == RetryType::ReusedOnly || error.etype() == &ErrorType::WriteError || is_end_of_connection(error)
}

/// Pingora takes an end of the connection without TLS's close_notify for a truncation attack (and many backends never send
/// one). As long as no byte of the response has come, nothing was truncated.
fn is_end_of_connection(error: &Error) -> bool {
    let cause = error.root_cause();
    let io = cause.downcast_ref::<io::Error>().or_else(|| cause.downcast_ref::<h2::Error>()?.get_io());
    let ends = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    io.is_some_and(|error| ends.contains(&error.kind()))
}
