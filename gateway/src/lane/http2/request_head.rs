//! The head of a request, from the client's to the endpoint's.

use crate::exchange::RequestEdits;
use crate::lane::client::ClientHead;
use crate::lane::endpoint::without_connection_headers;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use std::net::SocketAddr;
use std::sync::Arc;

/// A request head to be edited and sent. Names are in lower case, as HTTP/2 has them.
#[derive(Clone, Debug)]
pub(super) struct RequestHead {
    method: Method,
    target: Bytes,
    headers: HeaderMap,
}

impl RequestHead {
    /// The head of a client's request, without the headers of its connection.
    pub(super) fn new(request: &ClientHead) -> Self {
        let headers = without_connection_headers(&request.headers);
        Self { method: request.method.clone(), target: request.target.clone(), headers }
    }

    /// The head of a request of our own accord.
    pub(super) fn own(method: Method, target: Bytes, headers: HeaderMap) -> Self {
        Self { method, target, headers }
    }

    /// Whether there is a header of this name.
    pub(super) fn has(&self, name: &HeaderName) -> bool {
        self.headers.contains_key(name)
    }

    /// The head as h2 takes it: the `Host` is its authority, or the endpoint's address where a client of HTTP/1.0 has named
    /// none. `None` if that or the target cannot be written.
    pub(super) fn into_request(mut self, scheme: Scheme, endpoint: SocketAddr) -> Option<Request<()>> {
        let authority = match self.headers.remove(header::HOST) {
            Some(host) => Authority::try_from(host.as_bytes()),
            None => Authority::try_from(endpoint.to_string()),
        };
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(authority.ok().filter(|authority| !authority.as_str().contains('@'))?)
            .path_and_query(PathAndQuery::from_maybe_shared(self.target).ok()?);
        let mut request = Request::new(());
        *request.method_mut() = self.method;
        *request.uri_mut() = uri.build().ok()?;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.headers;
        Some(request)
    }
}

impl RequestEdits for RequestHead {
    fn set(&mut self, name: &'static str, value: HeaderValue) {
        self.headers.set(name, value);
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        self.headers.set_named(name, value);
    }

    fn remove(&mut self, name: &HeaderName) {
        self.headers.remove(name);
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

    fn head(target: &str, headers: &[(&str, &str)]) -> RequestHead {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let text = format!("POST {target} HTTP/1.1\r\n{lines}\r\n");
        RequestHead::new(&ClientHead::parse(text.into(), None).expect("a head"))
    }

    fn sent(head: RequestHead) -> Option<Request<()>> {
        head.into_request(Scheme::HTTPS, "[::1]:8080".parse().expect("an address"))
    }

    #[test]
    fn the_host_is_the_authority() -> Result<(), header::InvalidHeaderValue> {
        let mut head = head("/a?b", &[("Host", "h:81"), ("X-Real-IP", "1"), ("x-real-ip", "2"), ("Accept", "a")]);
        head.set("X-Real-IP", HeaderValue::from_static("3"));
        head.set_named(&"X-Named".into(), HeaderValue::from_static("4"));
        head.set_named(&"not a name".into(), HeaderValue::from_static("5"));
        head.remove(&header::ACCEPT);
        let request = sent(head).expect("valid");
        assert_eq!((request.uri().to_string(), request.method()), ("https://h:81/a?b".to_owned(), &Method::POST));
        assert_eq!((&request.headers()["x-real-ip"], &request.headers()["x-named"]), (&"3".parse()?, &"4".parse()?));
        assert_eq!(request.headers().len(), 2);
        Ok(())
    }

    #[test]
    fn a_request_without_a_host_is_for_the_endpoint() {
        assert_eq!(sent(head("/", &[])).expect("valid").uri().to_string(), "https://[::1]:8080/");
    }

    #[test]
    fn headers_of_the_clients_connection_stay_there() {
        let head = head("/", &[("Connection", "keep-alive"), ("TE", "gzip"), ("Upgrade", "h2c"), ("X-B", "1")]);
        assert_eq!(head.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-b"]);
    }

    #[test]
    fn what_is_no_uri_is_not_sent() {
        let mut escaped = head("/", &[("Host", "h")]);
        escaped.set_target(b"/a b");
        assert!(sent(escaped).is_none());
        for host in ["", "a b", "user@h", "h/path"] {
            assert!(sent(head("/", &[("Host", host)])).is_none(), "{host}");
        }
    }
}
