//! What an [echo server](crate::echo_server) says of a request: the JSON object of the ingress conformance suite's
//! backends, with more of our own.

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{Context, SHA256};
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// A request as a backend received it, and who the backend is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// The request's path and query, byte for byte.
    pub path: String,
    /// `Host`, or `:authority`.
    pub host: String,
    /// The method.
    pub method: String,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub proto: String,
    /// All headers but `Host`, by their names as Go writes them: `User-Agent`. See [`Said::header`].
    pub headers: BTreeMap<String, Vec<String>>,
    /// The backend's namespace, of NAMESPACE in its environment.
    pub namespace: String,
    /// The Ingress that it serves, of INGRESS_NAME.
    pub ingress: String,
    /// Its Service, of SERVICE_NAME.
    pub service: String,
    /// Its Pod, of POD_NAME; the machine's name where that is not set.
    pub pod: String,
    /// The other end of the connection.
    pub remote_address: SocketAddr,
    /// What the request carried.
    pub body: Body,
    /// How it was encrypted; `None` in cleartext.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// A body, without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Its bytes.
    pub length: u64,
    /// Their SHA-256, in lower-case hexadecimal digits, as `sha256sum` writes it.
    pub sha256: String,
}

/// What came of a handshake, from the server's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// `TLSv1_2` or `TLSv1_3`.
    pub version: String,
    /// The suite as the registry of IANA names it.
    pub cipher_suite: String,
    /// The name that the client asked for (SNI), if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The protocol that was agreed upon (ALPN), if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negotiated_protocol: Option<String>,
}

impl Said {
    /// Reads a response's body.
    ///
    /// # Errors
    /// If it is something else.
    pub fn read(body: &[u8]) -> Result<Self> {
        serde_json::from_slice(body).with_context(|| format!("no echo: {:?}", String::from_utf8_lossy(body)))
    }

    /// All values of a header, joined by `, `. Case does not matter.
    pub fn header(&self, name: &str) -> Option<String> {
        let (_, values) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(values.join(", "))
    }
}

impl Body {
    /// What there is to say of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut summary = Summary::default();
        summary.add(bytes);
        summary.finish()
    }
}

/// A body as it comes in.
pub(crate) struct Summary {
    length: u64,
    digest: Context,
}

impl Default for Summary {
    fn default() -> Self {
        Self { length: 0, digest: Context::new(&SHA256) }
    }
}

impl Summary {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.digest.update(bytes);
    }

    pub(crate) fn finish(self) -> Body {
        let mut sha256 = String::new();
        for byte in self.digest.finish().as_ref() {
            // Nothing can go wrong with a String.
            let _ = write!(sha256, "{byte:02x}");
        }
        Body { length: self.length, sha256 }
    }
}

/// All headers but `Host`, named and sorted as Go's `net/http` would.
pub(crate) fn headers(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| *name != http::header::HOST) {
        said.entry(canonical(name)).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    said
}

/// A header's name with a capital at its start and after each hyphen, as Go: textproto.CanonicalMIMEHeaderKey.
fn canonical(name: &HeaderName) -> String {
    let mut capital = true;
    let letter = |letter: char| {
        let written = if capital { letter.to_ascii_uppercase() } else { letter };
        capital = letter == '-';
        written
    };
    name.as_str().chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn names_are_written_as_go_does() {
        for (name, expected) in [
            ("user-agent", "User-Agent"),
            ("x-b3-traceid", "X-B3-Traceid"),
            ("ETAG", "Etag"),
            ("x--y", "X--Y"),
            ("x_y-", "X_y-"),
            ("1st-2nd", "1st-2nd"),
        ] {
            let name: HeaderName = name.parse().expect("a name");
            assert_eq!(canonical(&name), expected);
        }
    }

    proptest! {
        #[test]
        fn a_canonical_name_is_the_same_name(text in "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}") {
            let name: HeaderName = text.parse().expect("a name");
            let written = canonical(&name);
            prop_assert!(written.eq_ignore_ascii_case(&text));
            prop_assert_eq!(canonical(&written.parse().expect("a name")), written);
        }
    }

    #[test]
    fn headers_are_lists_and_the_host_is_none_of_them() {
        let mut received = HeaderMap::new();
        for (name, value) in [("host", "h"), ("accept", "a"), ("accept", "b")] {
            received.append(name, HeaderValue::from_static(value));
        }
        let said = headers(&received);
        assert_eq!(said, BTreeMap::from([("Accept".to_owned(), vec!["a".to_owned(), "b".to_owned()])]));
    }

    #[test]
    fn the_object_has_the_names_that_the_conformance_suite_reads() {
        let said = Said {
            path: "/sub-path?a=b".into(),
            host: "my-host".into(),
            method: "GET".into(),
            proto: "HTTP/1.1".into(),
            headers: BTreeMap::from([("User-Agent".into(), vec!["Go-http-client/1.1".into()])]),
            namespace: "n".into(),
            ingress: "i".into(),
            service: "s".into(),
            pod: "p".into(),
            remote_address: "10.244.0.1:4711".parse().expect("an address"),
            body: Body::of(b"abc"),
            tls: None,
        };
        let written = serde_json::to_value(&said).expect("JSON");
        assert_eq!(
            written,
            json!({
                "path": "/sub-path?a=b",
                "host": "my-host",
                "method": "GET",
                "proto": "HTTP/1.1",
                "headers": {"User-Agent": ["Go-http-client/1.1"]},
                "namespace": "n",
                "ingress": "i",
                "service": "s",
                "pod": "p",
                "remoteAddress": "10.244.0.1:4711",
                "body": {
                    "length": 3,
                    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                },
            })
        );
        assert_eq!(serde_json::from_value::<Said>(written).expect("the same"), said);
        assert_eq!(said.header("user-agent").as_deref(), Some("Go-http-client/1.1"));
        assert_eq!(said.header("agent"), None);
    }
}
