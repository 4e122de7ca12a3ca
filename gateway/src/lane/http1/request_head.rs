//! The head of a request, from the client's to the endpoint's.

use crate::exchange::RequestEdits;
use crate::headers::{Fields, Headers, Name};
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method};
use std::sync::Arc;

/// A request head to be edited and sent. What is not edited is written as the client sent it.
#[derive(Clone, Debug)]
pub(in crate::lane) struct RequestHead {
    method: Method,
    target: Bytes,
    headers: Headers,
}

impl RequestHead {
    pub(in crate::lane) fn new(method: &Method, target: Bytes, headers: Headers) -> Self {
        Self { method: method.clone(), target, headers }
    }

    /// Whether there is a header of this name.
    pub(in crate::lane) fn has(&self, name: &str) -> bool {
        self.headers.has(name)
    }

    /// Removes the headers of these names.
    pub(in crate::lane) fn remove_all(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.headers.remove(name));
    }

    /// Writes it as HTTP/1.1. `None` if its target is not a single word, which would be another request.
    pub(in crate::lane) fn write(&self, output: &mut BytesMut) -> Option<()> {
        self.write_as(b" HTTP/1.1\r\n", output)
    }

    /// The same as HTTP/1.0.
    pub(in crate::lane) fn write_http_10(&self, output: &mut BytesMut) -> Option<()> {
        self.write_as(b" HTTP/1.0\r\n", output)
    }

    fn write_as(&self, version: &[u8], output: &mut BytesMut) -> Option<()> {
        if !self.target.iter().all(|byte| *byte > b' ' && *byte != 0x7f) {
            return None;
        }
        let method = self.method.as_str().as_bytes();
        output
            .reserve(method.len() + self.target.len() + version.len() + " \r\n".len() + self.headers.length_at_most());
        for part in [method, b" ", &self.target, version] {
            output.extend_from_slice(part);
        }
        self.headers.write(output);
        output.extend_from_slice(b"\r\n");
        Some(())
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
        self.method = method.clone();
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
    use crate::lane::client::ClientHead;
    use http::header;
    use proptest::prelude::*;

    fn head(text: &str) -> RequestHead {
        let head = ClientHead::parse(Bytes::copy_from_slice(text.as_bytes()), None).expect("a valid head");
        RequestHead::new(&head.method, head.target, head.headers)
    }

    fn encoded(head: &RequestHead) -> String {
        let mut output = BytesMut::new();
        head.write(&mut output).expect("a valid target");
        String::from_utf8(output.to_vec()).expect("text")
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
        head.remove_all(&["x-new", "host"]);
        assert_eq!(encoded(&head), "GET /b HTTP/1.1\r\nX-Real-IP: 3\r\nX-Set: 2\r\n\r\n");
    }

    #[test]
    fn no_edit_makes_another_request() {
        let mut head = head("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        head.set_named(&"X: 1\r\nY".into(), HeaderValue::from_static("2"));
        assert_eq!(encoded(&head), "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        for target in [&b"/a b"[..], b"/a\r\nX: 1", b"/a\0"] {
            head.set_target(target);
            assert_eq!(head.write(&mut BytesMut::new()), None);
        }
    }

    #[test]
    fn what_is_no_head_is_not_parsed() {
        for text in ["", "GET / HTTP/1.1\r\nHost: h\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n"] {
            assert!(ClientHead::parse(Bytes::from(text), None).is_none(), "{text}");
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
