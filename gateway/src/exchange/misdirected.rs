use crate::connection::Connection;
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView, canonical_host};
use crate::table::Table;
use http::Version;
use std::ops::ControlFlow;

/// Refuses a host that has to be asked on another connection. Where a listener of a Gateway has the host or the connection, that
/// is one of another listener, as Gateway API has it. Else it is one that the connection's certificate does not cover: HTTP/2
/// clients may reuse one connection for several hosts of the same certificate (RFC 9113, section 9.1.2). Without a name in
/// the handshake any host is accepted.
pub(super) fn reject_misdirected(
    table: &Table,
    connection: &Connection,
    request: &RequestView<'_>,
) -> ControlFlow<Reply> {
    let Some(tls) = &connection.tls else { return ControlFlow::Continue(()) };
    let Some(name) = &tls.server_name else { return ControlFlow::Continue(()) };
    let (is_http2, at) = (request.version == Version::HTTP_2, connection.entry_point());
    let has_listeners = table.has_own_hosts(at);
    if !is_http2 && !has_listeners {
        return ControlFlow::Continue(());
    }
    let mut buffer = [0; HOST_LIMIT];
    let host = canonical_host(request.host(), &mut buffer);
    if **name == *host {
        return ControlFlow::Continue(());
    }
    let by_listeners = has_listeners.then(|| table.is_misdirected(at, name, host)).flatten();
    match by_listeners.unwrap_or_else(|| is_http2 && !tls.presented.covers(host)) {
        true => ControlFlow::Break(Reply::new(421, Reason::Misdirected)),
        false => ControlFlow::Continue(()),
    }
}
