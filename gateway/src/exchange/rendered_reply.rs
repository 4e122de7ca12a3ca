//! Renders the gateway's own responses: for every lane, and for heads that are refused before they reach a lane.

use super::grpc;
use crate::headers::Headers;
use crate::policy::error_pages::ErrorPage;
use crate::request::{GRPC, Reply, is_call, reason_phrase};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use smallvec::SmallVec;

/// A response of the gateway's own, complete but for the headers that are added to every response.
#[derive(Debug)]
pub(crate) struct RenderedReply {
    /// The status in its head.
    pub(crate) status: u16,
    /// The status for logs and metrics: for a gRPC error, the equivalent HTTP status.
    pub(crate) logged_status: u16,
    /// The headers, in their order; names as they are written here.
    pub(crate) headers: SmallVec<[(&'static str, HeaderValue); 4]>,
    /// Headers of another server's answer that it passes on.
    pub(crate) passed: Option<Box<HeaderMap>>,
    /// May be empty: then the head ends the response.
    pub(crate) body: Bytes,
}

impl RenderedReply {
    /// The response to a request with these headers: a page of the user's for the error, or a status page; or a gRPC error for a
    /// gRPC call that failed.
    pub(crate) fn new(reply: &Reply, request: &Headers, page: Option<ErrorPage>, server_tokens: bool) -> Self {
        if reply.status >= 400 && is_call(request) {
            return Self::grpc(reply);
        }
        let mut answer = match (&reply.text, page) {
            (Some(text), _) => Self::text(reply.status, text.clone()),
            (None, Some(page)) => Self::error_page(reply.status, page),
            (None, None) => Self::page(reply.status, reply.reason.explanation(), server_tokens),
        };
        answer.set_all(&reply.headers);
        answer.passed.clone_from(&reply.passed);
        answer
    }

    /// The response to a head that is refused: no route adds headers to it.
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
        Self { status, logged_status: status, headers, passed: None, body }
    }

    fn error_page(status: u16, page: ErrorPage) -> Self {
        let mut answer = Self::text(status, page.body);
        answer.headers.push(("Content-Type", page.media_type));
        if page.varies {
            answer.headers.push(("Vary", HeaderValue::from_static("Accept")));
        }
        answer
    }

    /// A text, whose type is one of the reply's headers.
    fn text(status: u16, body: Bytes) -> Self {
        let mut headers = SmallVec::new();
        if !matches!(status, 204 | 304) {
            headers.push(("Content-Length", body.len().into()));
        }
        Self { status, logged_status: status, headers, passed: None, body }
    }

    /// Puts these headers in the place of the page's. Of one name there may be several.
    fn set_all(&mut self, headers: &[(&'static str, HeaderValue)]) {
        self.headers.retain(|(own, _)| !headers.iter().any(|(name, _)| name == own));
        self.headers.extend(headers.iter().cloned());
    }

    /// A gRPC "Trailers-Only" response: the stream ends with the head.
    fn grpc(reply: &Reply) -> Self {
        let mut headers = SmallVec::new();
        headers.push(("Content-Type", GRPC));
        headers.push(("Content-Length", 0.into()));
        headers.push(("grpc-status", grpc::status(reply.status)));
        headers.extend(grpc::message(reply.status, reply.reason.label()).map(|message| ("grpc-message", message)));
        Self { status: 200, logged_status: reply.status, headers, passed: None, body: Bytes::new() }
    }

    /// The reason phrase of its status.
    pub(crate) fn reason_phrase(&self) -> &'static str {
        reason_phrase(self.status)
    }

    /// The response in HTTP/1.1, with this `Date` and `Connection: close`.
    pub(crate) fn http1(&self, date: &HeaderValue) -> Vec<u8> {
        let mut response = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason_phrase()).into_bytes();
        for (name, value) in self.headers.iter().chain([&("Date", date.clone())]) {
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
    // nginx names it otherwise on its page than in its head.
    let title = if status == 401 { "Authorization Required" } else { reason_phrase(status) };
    let reason = explanation.unwrap_or(title);
    let explanation = explanation.map(|text| format!("<center>{text}</center>\r\n")).unwrap_or_default();
    let server = if server_tokens { "<hr><center>adit</center>\r\n" } else { "" };
    Bytes::from(format!(
        "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {title}</h1></center>\r\n\
         {explanation}{server}</body>\r\n</html>\r\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Reason;
    use http::HeaderMap;

    #[test]
    fn a_refusal_is_a_whole_response() {
        let date = HeaderValue::from_static("now");
        let response = RenderedReply::refusal(400, Some("why"), true).http1(&date);
        let response = String::from_utf8(response).expect("text");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head");
        let length = body.len();
        assert_eq!(
            head,
            format!(
                "HTTP/1.1 400 Bad Request\r\nServer: adit\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
                 Date: now\r\nConnection: close"
            )
        );
        assert!(body.contains("<center>why</center>") && body.contains("<center>adit</center>"), "{body}");
        assert!(!RenderedReply::refusal(400, None, false).http1(&date).windows(4).any(|bytes| bytes == b"adit"));
    }

    #[test]
    fn a_call_that_fails_is_answered_in_grpc() {
        let call = HeaderMap::from_iter([(http::header::CONTENT_TYPE, GRPC)]);
        let answer = RenderedReply::new(&Reply::new(503, Reason::NoEndpoint), &Headers::from(&call), None, false);
        assert_eq!((answer.status, answer.logged_status, answer.body.len()), (200, 503, 0));
        assert!(answer.headers.contains(&("grpc-status", HeaderValue::from_static("14"))), "{answer:?}");
        let healthy = RenderedReply::new(&Reply::new(200, Reason::Healthz), &Headers::from(&call), None, false);
        assert_eq!((healthy.status, healthy.headers[0].1.as_bytes()), (200, &b"text/html"[..]));
    }

    #[test]
    fn headers_of_a_reply_take_the_place_of_the_pages_not_of_each_other() {
        let header = |name, value| (name, HeaderValue::from_static(value));
        let challenges = [header("WWW-Authenticate", "Basic"), header("WWW-Authenticate", "Bearer")];
        let headers = [&challenges[..], &[header("Content-Type", "text/plain")]].concat();
        let reply = Reply { headers, ..Reply::new(401, Reason::BadCredentials) };
        let answer = RenderedReply::new(&reply, &Headers::default(), None, false);
        let of = |name: &str| {
            let found = answer.headers.iter().filter(|(other, _)| *other == name);
            found.map(|(_, value)| value.as_bytes()).collect::<Vec<_>>()
        };
        assert_eq!(of("WWW-Authenticate"), [&b"Basic"[..], b"Bearer"]);
        assert_eq!(of("Content-Type"), [b"text/plain"]);
    }

    #[test]
    fn a_redirect_has_a_location() {
        let answer =
            RenderedReply::new(&Reply::redirect(308, Reason::Redirect, b"/x"), &Headers::default(), None, false);
        assert_eq!(answer.headers.last(), Some(&("Location", HeaderValue::from_static("/x"))));
    }
}
