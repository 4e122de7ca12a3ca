//! Headers that are for one connection, not for the request or response.

use super::edits::RequestEdits;
use crate::grammar;
use crate::headers::{Fields, Headers};
use http::{HeaderName, header};

/// Removes what the client's `Connection` names, before anything of ours is set. `Upgrade` is the lane's, and a request without
/// a `Host` is none.
pub(super) fn remove_nominated(headers: &Headers, edits: &mut impl RequestEdits) {
    if headers.values("connection").any(nominates) {
        let is_nominated = |name: &HeaderName| is_nominated_by(name.as_str().as_bytes(), headers);
        let is_removed = |name: &&HeaderName| !matches!(**name, header::UPGRADE | header::HOST) && is_nominated(name);
        headers.map().keys().filter(is_removed).for_each(|name| edits.remove(name));
    }
}

/// Hop-by-hop headers: they apply to one connection, not to the request or response. `Connection` and `Transfer-Encoding`
/// are the lane's.
pub(super) fn is_hop_by_hop(name: &[u8]) -> bool {
    is_one_of(name, &["keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer", "upgrade"])
}

/// Whether a name, in whatever case, is one of these.
pub(super) fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

/// Whether a `Connection` header names this header, which makes it hop-by-hop. Headers about framing never are.
pub(super) fn is_nominated(name: &[u8], connection: &[u8]) -> bool {
    !is_one_of(name, &["connection", "transfer-encoding", "content-length", "set-cookie"])
        && std::str::from_utf8(name).is_ok_and(|name| grammar::lists(connection, name))
}

/// Whether a header of a request applies to the client's connection only, by its name or because the request's `Connection`
/// names it.
pub(crate) fn is_of_the_connection(name: &[u8], headers: &Headers) -> bool {
    is_hop_by_hop(name) || is_nominated_by(name, headers)
}

/// Whether a `Connection` header may name another header. Nearly none does: most say one of these two.
pub(super) fn nominates(connection: &[u8]) -> bool {
    !matches!(connection, b"close" | b"keep-alive")
}

/// Whether one of the `Connection` headers names this header.
fn is_nominated_by(name: &[u8], headers: &Headers) -> bool {
    headers.values("connection").any(|value| is_nominated(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_take_away_the_host() {
        let lines = [("connection", "close, Host, x-a, upgrade"), ("host", "h"), ("x-a", "1"), ("upgrade", "b")];
        let header = |(name, value): (&'static str, &'static str)| (HeaderName::from_static(name), value.parse());
        let headers: Headers =
            lines.map(header).map(|(name, value)| (name, value.expect("a value"))).into_iter().collect();
        let mut edits = headers.map().clone();
        remove_nominated(&headers, &mut edits);
        let left: Vec<_> = edits.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["connection", "host", "upgrade"]);
    }
}
