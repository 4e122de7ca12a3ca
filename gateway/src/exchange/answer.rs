//! Our own answers, whoever writes them: one renderer for every lane, and for heads that are refused before a lane has
//! them.

use super::grpc;
use crate::request::{Reply, reason_phrase};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use smallvec::SmallVec;

/// An answer of ours, whole but for the headers that go with every response.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status in its head.
    pub(crate) status: u16,
    /// The status for logs and metrics: of a gRPC error, the one that we would have answered over HTTP.
    pub(crate) meant: u16,
    /// The headers, in their order; names as they are written here.
    pub(crate) headers: SmallVec<[(&'static str, HeaderValue); 4]>,
    /// May be empty: then the head is the answer's end.
    pub(crate) body: Bytes,
}

impl Answer {
    /// A reply to a request with these headers: a status page, or for a gRPC call that failed an answer of gRPC.
    pub(crate) fn new(reply: &Reply, request: &HeaderMap, server_tokens: bool) -> Self {
        if reply.status >= 400 && grpc::is_call(request) {
            return Self::grpc(reply);
        }
        let mut answer = Self::page(reply.status, None, server_tokens);
        answer.headers.extend(reply.headers.iter().cloned());
        answer
    }

    /// An answer to a head that is refused, before a route could say what else is to be sent.
    pub(crate) fn refusal(status: u16, explanation: Option<&str>, server_tokens: bool) -> Self {
        let mut answer = Self::page(status, explanation, server_tokens);
        if server_tokens {
            answer.headers.insert(0, ("Server", HeaderValue::from_static("adit")));
        }
        answer
    }

    fn page(status: u16, explanation: Option<&str>, server_tokens: bool) -> Self {
        let body = page(status, explanation, server_tokens);
        let mut headers = SmallVec::new();
        headers.push(("Content-Type", HeaderValue::from_static("text/html")));
        headers.push(("Content-Length", body.len().into()));
        Self { status, meant: status, headers, body }
    }

    /// The end of a call is in the head's own frame: then its client takes the head for trailers.
    fn grpc(reply: &Reply) -> Self {
        let mut headers = SmallVec::new();
        headers.push(("Content-Type", grpc::MEDIA_TYPE));
        headers.push(("Content-Length", 0.into()));
        headers.push(("grpc-status", grpc::status(reply.status)));
        headers.extend(grpc::message(reply.status, reply.reason.label()).map(|message| ("grpc-message", message)));
        Self { status: 200, meant: reply.status, headers, body: Bytes::new() }
    }

    /// The reason phrase of its status.
    pub(crate) fn reason_phrase(&self) -> &'static str {
        reason_phrase(self.status)
    }

    /// The whole of it in HTTP/1.1. It closes the connection.
    pub(crate) fn http1(&self) -> Vec<u8> {
        let mut response = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason_phrase()).into_bytes();
        for (name, value) in &self.headers {
            for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                response.extend_from_slice(part);
            }
        }
        response.extend_from_slice(b"Connection: close\r\n\r\n");
        response.extend_from_slice(&self.body);
        response
    }
}

/// The HTML page of a status, with a line that explains it, if there is one: nginx's, and like ingress-nginx's without a
/// product's name unless `server-tokens` is on.
fn page(status: u16, explanation: Option<&str>, server_tokens: bool) -> Bytes {
    if matches!(status, 200 | 204 | 304) {
        return Bytes::new();
    }
    let title = reason_phrase(status);
    let explanation = explanation.map(|text| format!("<center>{text}</center>\r\n")).unwrap_or_default();
    let server = if server_tokens { "<hr><center>adit</center>\r\n" } else { "" };
    Bytes::from(format!(
        "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n<center><h1>{status} {title}</h1></center>\r\n\
         {explanation}{server}</body>\r\n</html>\r\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Reason;

    #[test]
    fn a_refusal_is_a_whole_response() {
        let response = Answer::refusal(400, Some("why"), true).http1();
        let response = String::from_utf8(response).expect("text");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head");
        let length = body.len();
        assert_eq!(
            head,
            format!(
                "HTTP/1.1 400 Bad Request\r\nServer: adit\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
                 Connection: close"
            )
        );
        assert!(body.contains("<center>why</center>") && body.contains("<center>adit</center>"), "{body}");
        assert!(!Answer::refusal(400, None, false).http1().windows(4).any(|bytes| bytes == b"adit"));
    }

    #[test]
    fn a_call_that_fails_is_answered_in_grpc() {
        let call = HeaderMap::from_iter([(http::header::CONTENT_TYPE, grpc::MEDIA_TYPE)]);
        let answer = Answer::new(&Reply::new(503, Reason::NoEndpoint), &call, false);
        assert_eq!((answer.status, answer.meant, answer.body.len()), (200, 503, 0));
        assert!(answer.headers.contains(&("grpc-status", HeaderValue::from_static("14"))), "{answer:?}");
        let healthy = Answer::new(&Reply::new(200, Reason::Healthz), &call, false);
        assert_eq!((healthy.status, healthy.headers[0].1.as_bytes()), (200, &b"text/html"[..]));
    }

    #[test]
    fn a_redirect_says_where_to() {
        let answer = Answer::new(&Reply::redirect(308, Reason::Redirect, b"/x"), &HeaderMap::new(), false);
        assert_eq!(answer.headers.last(), Some(&("Location", HeaderValue::from_static("/x"))));
    }
}
