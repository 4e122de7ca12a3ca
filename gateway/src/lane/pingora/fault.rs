//! Classifies the errors of clients' sessions.

use crate::connection::MalformedBody;
use crate::exchange::Failure;
use pingora_core::{Error, ErrorType};
use std::io::{self, ErrorKind};

/// Whether a read or a write took too long.
fn is_timeout(error: &Error) -> bool {
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
