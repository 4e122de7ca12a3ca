//! What Pingora's errors say of a request that got no answer.

use h2::Reason;
use pingora_core::{Error, ErrorType, RetryType};
use std::io::{self, ErrorKind};

/// Whether the backend has certainly not touched the request (RFC 9113, section 8.7): it refused the stream, or its GOAWAY
/// names an earlier one as the last that it will answer. h2 gives a GOAWAY only to streams after that one.
pub(super) fn is_unprocessed(error: &Error) -> bool {
    let Some(error) = error.root_cause().downcast_ref::<h2::Error>() else { return false };
    error.is_remote() && (error.is_go_away() || error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM))
}

/// Whether the connection ended, or would take nothing any more.
pub(super) fn is_cut_off(error: &Error) -> bool {
    error.retry == RetryType::ReusedOnly || error.etype() == &ErrorType::WriteError || is_end_of_connection(error)
}

/// Pingora takes an end without TLS's farewell for an attack (and many backends never say farewell). As long as nothing
/// of the answer has come, nothing was cut short.
fn is_end_of_connection(error: &Error) -> bool {
    let cause = error.root_cause();
    let io = cause.downcast_ref::<io::Error>().or_else(|| cause.downcast_ref::<h2::Error>()?.get_io());
    let ends = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    io.is_some_and(|error| ends.contains(&error.kind()))
}
