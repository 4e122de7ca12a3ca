//! Headers that are for one connection, not for the request or response.

use super::edits::RequestEdits;
use crate::grammar;
use http::{HeaderMap, HeaderName, header};

/// Removes what the client's `Connection` names, before anything of ours is set. `Upgrade` is the lane's.
pub(super) fn remove_nominated(headers: &HeaderMap, edits: &mut impl RequestEdits) {
    if nominates(headers) {
        let is_removed = |name: &&HeaderName| **name != header::UPGRADE && is_nominated_by(name, headers);
        headers.keys().filter(is_removed).for_each(|name| edits.remove(name));
    }
}

/// Hop-by-hop headers: they apply to one connection, not to the request or response. Pingora writes `Connection` itself
/// and needs `Transfer-Encoding`.
pub(super) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(name.as_str(), "keep-alive" | "proxy-connection" | "proxy-authenticate" | "te" | "trailer" | "upgrade")
}

/// Whether a `Connection` header names this header, which makes it hop-by-hop. Headers about framing never are.
fn is_nominated(name: &HeaderName, connection: &str) -> bool {
    let name = name.as_str();
    !connection.is_empty()
        && !matches!(name, "connection" | "transfer-encoding" | "content-length" | "set-cookie")
        && grammar::lists(connection.as_bytes(), name)
}

/// Whether a header of a request applies to the client's connection only, by its name or because the request's `Connection`
/// names it.
pub(crate) fn is_of_the_connection(name: &HeaderName, headers: &HeaderMap) -> bool {
    is_hop_by_hop(name) || is_nominated_by(name, headers)
}

/// Whether a `Connection` header may name another header. Nearly none does: most say one of these two.
pub(super) fn nominates(headers: &HeaderMap) -> bool {
    let mut connection = headers.get_all(header::CONNECTION).iter();
    connection.any(|value| !matches!(value.as_bytes(), b"close" | b"keep-alive"))
}

/// Whether one of the `Connection` headers names this header.
pub(super) fn is_nominated_by(name: &HeaderName, headers: &HeaderMap) -> bool {
    let mut connection = headers.get_all(header::CONNECTION).iter();
    connection.any(|value| is_nominated(name, value.to_str().unwrap_or_default()))
}
