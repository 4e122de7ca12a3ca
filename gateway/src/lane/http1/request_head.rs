//! The head of a request, from the client's bytes to the endpoint's.

use crate::exchange::RequestEdits;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use pingora_http::RequestHeader;
use std::ops::Deref;
use std::sync::Arc;

/// Headers that a request may have at most: the head reader's limit.
const MAX_HEADERS: usize = 256;

/// A request head to be edited and sent. Headers keep their order and the case of their names; what is not edited borrows
/// the client's bytes.
#[derive(Clone, Debug)]
pub(in crate::lane) struct RequestHead {
    method: Bytes,
    target: Bytes,
    headers: Vec<Header>,
}

#[derive(Clone, Debug)]
struct Header {
    name: Name,
    value: HeaderValue,
}

/// A header's name as it is written.
#[derive(Clone, Debug)]
enum Name {
    Received(Bytes),
    /// Of a client of HTTP/2, or ours.
    Parsed(HeaderName),
    Static(&'static str),
    Configured(Arc<str>),
}

impl RequestHead {
    /// The head at the start of `bytes`, which the head reader has checked. `None` if it is not valid.
    pub(in crate::lane) fn parse(bytes: &Bytes) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(bytes).ok().filter(httparse::Status::is_complete)?;
        let header = |header: &httparse::Header<'_>| {
            let value = HeaderValue::from_maybe_shared(bytes.slice_ref(header.value)).ok()?;
            Some(Header { name: Name::Received(bytes.slice_ref(header.name.as_bytes())), value })
        };
        Some(Self {
            method: bytes.slice_ref(request.method?.as_bytes()),
            target: bytes.slice_ref(request.path?.as_bytes()),
            headers: request.headers.iter().map(header).collect::<Option<_>>()?,
        })
    }

    /// The head of a request over HTTP/2.
    pub(in crate::lane) fn of_http2(request: &RequestHeader) -> Self {
        Self::new(&request.method, request.raw_path(), &request.headers)
    }

    /// A head with these headers.
    pub(in crate::lane) fn new(method: &Method, target: &[u8], headers: &HeaderMap) -> Self {
        let header = |(name, value): (&HeaderName, &HeaderValue)| Header {
            name: Name::Parsed(name.clone()),
            value: value.clone(),
        };
        Self {
            method: Bytes::copy_from_slice(method.as_str().as_bytes()),
            target: Bytes::copy_from_slice(target),
            headers: headers.iter().map(header).collect(),
        }
    }

    /// Whether there is a header of this name.
    pub(in crate::lane) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Removes the headers of which this holds.
    pub(in crate::lane) fn remove_if(&mut self, is_removed: impl Fn(&str) -> bool) {
        self.headers.retain(|header| std::str::from_utf8(&header.name).is_ok_and(|name| !is_removed(name)));
    }

    /// The head as bytes of HTTP/1.1. `None` if its target is not a single word, which would be another request.
    pub(in crate::lane) fn encode(&self) -> Option<Vec<u8>> {
        self.encode_as(b" HTTP/1.1\r\n")
    }

    /// The same as bytes of HTTP/1.0.
    pub(in crate::lane) fn encode_http_10(&self) -> Option<Vec<u8>> {
        self.encode_as(b" HTTP/1.0\r\n")
    }

    fn encode_as(&self, version: &[u8]) -> Option<Vec<u8>> {
        if !self.target.iter().all(|byte| *byte > b' ' && *byte != 0x7f) {
            return None;
        }
        let lines = self.headers.iter().map(|header| header.name.len() + ": \r\n".len() + header.value.len());
        let length =
            self.method.len() + self.target.len() + " ".len() + version.len() + lines.sum::<usize>() + "\r\n".len();
        let mut head = Vec::with_capacity(length);
        for part in [&self.method, &b" "[..], &self.target, version] {
            head.extend_from_slice(part);
        }
        for Header { name, value } in &self.headers {
            for part in [name, &b": "[..], value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
        head.extend_from_slice(b"\r\n");
        Some(head)
    }

    /// Replaces the first header of this name and removes the others, or appends it.
    fn replace(&mut self, new: Header) {
        let name = new.name.clone();
        let mut new = Some(new);
        self.headers.retain_mut(|header| {
            if !header.name.eq_ignore_ascii_case(&name) {
                return true;
            }
            new.take().map(|new| *header = new).is_some()
        });
        self.headers.extend(new);
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Received(name) => name,
            Self::Parsed(name) => name.as_str().as_bytes(),
            Self::Static(name) => name.as_bytes(),
            Self::Configured(name) => name.as_bytes(),
        }
    }
}

impl RequestEdits for RequestHead {
    fn set(&mut self, name: &'static str, value: HeaderValue) {
        self.replace(Header { name: Name::Static(name), value });
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        if HeaderName::from_bytes(name.as_bytes()).is_ok() {
            self.replace(Header { name: Name::Configured(name.clone()), value });
        }
    }

    fn remove(&mut self, name: &HeaderName) {
        self.headers.retain(|header| !header.name.eq_ignore_ascii_case(name.as_str().as_bytes()));
    }

    fn set_target(&mut self, target: &[u8]) {
        if *self.target != *target {
            self.target = Bytes::copy_from_slice(target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;
    use proptest::prelude::*;

    fn head(text: &str) -> RequestHead {
        RequestHead::parse(&Bytes::copy_from_slice(text.as_bytes())).expect("a valid head")
    }

    fn encoded(head: &RequestHead) -> String {
        String::from_utf8(head.encode().expect("a valid target")).expect("text")
    }

    #[test]
    fn what_is_not_edited_stays_as_it_was_sent() {
        let text = "GET /a?b HTTP/1.1\r\nHost: h\r\nx-LOWER: 1\r\nAccept: a\r\nACCEPT: b\r\n\r\n";
        assert_eq!(encoded(&head(text)), text);
        assert_eq!(encoded(&head(&format!("\r\n{text}"))), text, "an empty line before it is dropped");
    }

    #[test]
    fn edits_replace_all_headers_of_a_name() {
        let mut head =
            head("GET http://h/a HTTP/1.1\r\nHost: h\r\nx-real-ip: 1\r\nTE: x\r\nX-Real-IP: 2\r\nx-set: 1\r\n\r\n");
        head.set_target(b"/b");
        head.set("X-Real-IP", HeaderValue::from_static("3"));
        head.set_named(&"X-Set".into(), HeaderValue::from_static("2"));
        head.set("X-New", HeaderValue::from_static("4"));
        head.remove(&header::TE);
        assert_eq!(encoded(&head), "GET /b HTTP/1.1\r\nHost: h\r\nX-Real-IP: 3\r\nX-Set: 2\r\nX-New: 4\r\n\r\n");
        head.remove_if(|name| name.eq_ignore_ascii_case("x-new") || name == "Host");
        assert_eq!(encoded(&head), "GET /b HTTP/1.1\r\nX-Real-IP: 3\r\nX-Set: 2\r\n\r\n");
    }

    #[test]
    fn no_edit_makes_another_request() {
        let mut head = head("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        head.set_named(&"X: 1\r\nY".into(), HeaderValue::from_static("2"));
        assert_eq!(encoded(&head), "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        for target in [&b"/a b"[..], b"/a\r\nX: 1", b"/a\0"] {
            head.set_target(target);
            assert_eq!(head.encode(), None);
        }
    }

    #[test]
    fn what_is_no_head_is_not_parsed() {
        for text in ["", "GET / HTTP/1.1\r\nHost: h\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n"] {
            assert!(RequestHead::parse(&Bytes::from(text)).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_encoded_head_is_parsed_back(
            method in "[A-Z]{1,8}",
            target in "/[!-~]{0,30}",
            headers in prop::collection::vec(("[A-Za-z][A-Za-z0-9_-]{0,12}", "([!-~]([ -~\t]{0,20}[!-~])?)?"), 0..12),
        ) {
            let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let text = format!("{method} {target} HTTP/1.1\r\n{lines}\r\n");
            prop_assert_eq!(encoded(&head(&text)), text);
        }

        #[test]
        fn edits_are_those_of_a_map(
            names in prop::collection::vec("[a-cA-C]", 0..8), set in "[a-c]", removed in "[a-c]",
        ) {
            let lines: String = names.iter().map(|name| format!("{name}: 1\r\n")).collect();
            let mut head = head(&format!("GET / HTTP/1.1\r\n{lines}\r\n"));
            head.set_named(&set.as_str().into(), HeaderValue::from_static("2"));
            head.remove(&removed.parse().expect("a name"));
            let left = |name: &str| head.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name.as_bytes())).count();
            prop_assert_eq!(left(&removed), 0);
            prop_assert_eq!(left(&set), usize::from(set != removed));
            let others = names.iter().filter(|name| ![&set, &removed].iter().any(|edited| name.eq_ignore_ascii_case(edited)));
            let all: usize = head.headers.len();
            prop_assert_eq!(all, others.count() + usize::from(set != removed));
        }
    }
}
