use crate::connection::Connection;
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView, canonical_host};
use http::Version;
use std::ops::ControlFlow;

/// Refuses a host that is not covered by the connection's certificate: HTTP/2 clients may reuse one connection for several
/// hosts of the same certificate (RFC 9113, section 9.1.2). Without a name in the handshake any host is accepted.
pub(super) fn reject_misdirected(connection: &Connection, request: &RequestView<'_>) -> ControlFlow<Reply> {
    if request.version != Version::HTTP_2 {
        return ControlFlow::Continue(());
    }
    let Some(tls) = &connection.tls else { return ControlFlow::Continue(()) };
    let mut buffer = [0; HOST_LIMIT];
    let host = canonical_host(request.host(), &mut buffer);
    match &tls.server_name {
        Some(name) if **name != *host && !tls.presented.covers(host) => {
            ControlFlow::Break(Reply::new(421, Reason::Misdirected))
        }
        _ => ControlFlow::Continue(()),
    }
}
