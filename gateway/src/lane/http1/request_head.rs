//! The head of a request, from the client's bytes to the endpoint's.

use crate::exchange::RequestEdits;
use crate::lane::head::{Headers, Name};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Headers that a request may have at most: the head reader's limit.
const MAX_HEADERS: usize = 256;

/// A request head to be edited and sent. Headers keep their order and the case of their names; what is not edited borrows
/// the client's bytes.
#[derive(Clone, Debug)]
pub(in crate::lane) struct RequestHead {
    method: Bytes,
    target: Bytes,
    headers: Headers,
}

impl RequestHead {
    /// The head at the start of `bytes`, which the head reader has checked. `None` if it is not valid.
    pub(in crate::lane) fn parse(bytes: &Bytes) -> Option<Self> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut []);
        request.parse_with_uninit_headers(bytes, &mut headers).ok().filter(httparse::Status::is_complete)?;
        Some(Self {
            method: bytes.slice_ref(request.method?.as_bytes()),
            target: bytes.slice_ref(request.path?.as_bytes()),
            headers: Headers::parsed(bytes, request.headers)?,
        })
    }

    /// A head with these headers.
    pub(in crate::lane) fn new(method: &Method, target: &[u8], headers: &HeaderMap) -> Self {
        Self {
            method: Bytes::copy_from_slice(method.as_str().as_bytes()),
            target: Bytes::copy_from_slice(target),
            headers: headers.into(),
        }
    }

    /// Whether there is a header of this name.
    pub(in crate::lane) fn has(&self, name: &str) -> bool {
        self.headers.has(name)
    }

    /// Removes the headers of which this holds.
    pub(in crate::lane) fn remove_if(&mut self, is_removed: impl Fn(&[u8]) -> bool) {
        self.headers.retain(|name| !is_removed(name));
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
        let around = self.method.len() + self.target.len() + version.len() + " \r\n".len();
        let mut head = Vec::with_capacity(around + self.headers.length());
        for part in [&self.method, &b" "[..], &self.target, version] {
            head.extend_from_slice(part);
        }
        self.headers.write(&mut head);
        head.extend_from_slice(b"\r\n");
        Some(head)
    }
}

impl RequestEdits for RequestHead {
    fn set(&mut self, name: &'static str, value: HeaderValue) {
        self.headers.set(Name::Static(name), value);
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        if let Some(name) = Name::configured(name) {
            self.headers.set(name, value);
        }
    }

    fn remove(&mut self, name: &HeaderName) {
        self.headers.remove(name.as_str());
    }

    fn set_method(&mut self, method: &Method) {
        self.method = Bytes::copy_from_slice(method.as_str().as_bytes());
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
        head.remove_if(|name| name.eq_ignore_ascii_case(b"x-new") || name == b"Host");
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
    }
}
