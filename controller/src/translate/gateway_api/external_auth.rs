//! The filter `ExternalAuth`.

use super::backends::Destination;
use super::wrong::{Read, wrong};
use crate::gateway_api::{ExternalAuthFilter, ForwardBody, GrpcAuth, HttpAuth, RouteBackendRef};
use gateway::config::{
    AuthFilter, AuthProtocol, BackendProtocol, ExternalAuth, FRAMING_HEADERS, Piece, Template, Variable,
};
use http::HeaderName;
use std::sync::Arc;

/// Bytes of the largest body that an auth server may get. Each is in memory, whole, until the request has been served.
const MAX_BODY: usize = 8 << 20;

/// A server that a rule has its requests authorized by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AuthServer {
    pub(super) reference: RouteBackendRef,
    /// Where that is: `filters[0].externalAuth.backendRef`.
    pub(super) field: String,
    /// Path and query of auth requests, where these have them.
    target: Template,
    response_headers: Arc<[Arc<str>]>,
    asked: AuthFilter,
}

/// Reads the filter that is at this place.
///
/// # Errors
/// The first value that is malformed or not supported.
pub(super) fn parse(filter: &ExternalAuthFilter, index: usize) -> Read<AuthServer> {
    let parsed = AuthServer {
        reference: filter.backend_ref.clone().into(),
        field: format!("filters[{index}].externalAuth.backendRef"),
        target: Template::default(),
        response_headers: [].into(),
        asked: AuthFilter {
            protocol: AuthProtocol::Http,
            request_headers: None,
            copies_all: false,
            body_memory: body(filter.forward_body.as_ref())?,
        },
    };
    match (&*filter.protocol, &filter.http, &filter.grpc) {
        ("HTTP", http, None) => parsed.of_http(http.as_ref().unwrap_or(&HttpAuth::default())),
        ("GRPC", None, grpc) => parsed.of_grpc(grpc.as_ref().unwrap_or(&GrpcAuth::default())),
        ("HTTP", _, Some(_)) => wrong("externalAuth.grpc", "", "is there with the protocol HTTP: expected none"),
        ("GRPC", Some(_), _) => wrong("externalAuth.http", "", "is there with the protocol GRPC: expected none"),
        (other, ..) => wrong("externalAuth.protocol", other, "is not a protocol: expected HTTP or GRPC"),
    }
}

/// Whether the header of this name of an auth request cannot be the client's. A server always gets a length, that of what it gets.
fn frames_request(name: &str) -> bool {
    FRAMING_HEADERS.contains(&name) && name != "content-length"
}

/// Whether the header of this name of an auth response cannot be one of the backend's request.
fn frames_response(name: &str) -> bool {
    FRAMING_HEADERS.contains(&name) || name == "host"
}

/// Names of headers, in lower case.
fn names(field: &str, texts: &[String], is_ours: fn(&str) -> bool) -> Read<Vec<Arc<str>>> {
    let parse = |(index, text): (usize, &String)| {
        let name = text.to_ascii_lowercase();
        let message = match HeaderName::from_bytes(name.as_bytes()) {
            Err(_) => "is not the name of a header: expected a token",
            Ok(_) if is_ours(&name) => "is a header that Adit sets itself: expected another one",
            Ok(_) => return Ok(name.into()),
        };
        wrong(format!("externalAuth.{field}[{index}]"), text, message)
    };
    texts.iter().enumerate().map(parse).collect()
}

/// The path that comes before that of each request, without a slash at its end.
fn prefix(path: &str) -> Read<Option<Piece>> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let is_path = trimmed.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment));
    if !trimmed.is_empty() && !is_path {
        let message =
            "is not a path that can come before another one: expected one such as /check, without //, . and ..";
        return wrong("externalAuth.http.path", path, message);
    }
    Ok((!trimmed.is_empty()).then(|| Piece::Literal(trimmed.into())))
}

/// Whether this is one segment of a path, however its escapes are read.
fn is_segment(segment: &str) -> bool {
    let may_be_there = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte);
    let mut escapes = segment.split('%').skip(1);
    let is_escape = |escape: &str| {
        let code = escape.get(..2).filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()));
        code.is_some_and(|code| !["2e", "2E", "2f", "2F"].contains(&code))
    };
    !matches!(segment, "" | "." | "..") && segment.bytes().all(may_be_there) && escapes.all(is_escape)
}

/// Bytes of the largest body that the server gets; `None` if it gets none.
fn body(forward: Option<&ForwardBody>) -> Read<Option<usize>> {
    let size = forward.and_then(|forward| forward.max_size).unwrap_or(0);
    match usize::try_from(size).ok().filter(|size| *size <= MAX_BODY) {
        Some(0) => Ok(None),
        Some(size) => Ok(Some(size)),
        None => {
            let message = format!("is not a size that is supported: expected 0 to {MAX_BODY} bytes");
            wrong("externalAuth.forwardBody.maxSize", &size.to_string(), message)
        }
    }
}

impl AuthServer {
    fn of_http(mut self, http: &HttpAuth) -> Read<Self> {
        let prefix = http.path.as_deref().map(prefix).transpose()?.flatten();
        self.target = Template(prefix.into_iter().chain([Piece::Variable(Variable::RequestUri)]).collect());
        let named = names("http.allowedHeaders", &http.allowed_headers, frames_request)?;
        let sent = named.into_iter().chain(["authorization".into()]).collect();
        let copied = names("http.allowedResponseHeaders", &http.allowed_response_headers, frames_response)?;
        self.asked.request_headers = Some(sent);
        self.asked.copies_all = copied.is_empty();
        self.response_headers = copied.into();
        Ok(self)
    }

    fn of_grpc(mut self, grpc: &GrpcAuth) -> Read<Self> {
        let named = names("grpc.allowedHeaders", &grpc.allowed_headers, frames_request)?;
        self.asked.protocol = AuthProtocol::Grpc;
        self.asked.request_headers = (!named.is_empty()).then(|| named.into());
        Ok(self)
    }

    /// Bytes of the largest body that a request may have, if the server gets it.
    pub(super) fn largest_body(&self) -> Option<u64> {
        self.asked.body_memory.map(|size| size as u64)
    }

    /// The server, at the place that its reference leads to. `None` if that does not speak its protocol.
    pub(super) fn at(&self, destination: &Destination) -> Option<ExternalAuth> {
        let tls = match (destination.protocol, self.asked.protocol) {
            (BackendProtocol::Http, _) | (BackendProtocol::Grpc, AuthProtocol::Grpc) => false,
            (BackendProtocol::Https, _) | (BackendProtocol::Grpcs, AuthProtocol::Grpc) => true,
            _ => return None,
        };
        let service = &destination.id;
        let host = format!("{}.{}.svc", service.service, service.namespace);
        Some(ExternalAuth {
            backend: service.clone().into(),
            tls,
            tls_settings: destination.tls.clone(),
            authority: format!("{host}:{}", service.port).into(),
            host: host.into(),
            target: self.target.clone(),
            method: None,
            request_redirect: Template::default(),
            request_headers: [].into(),
            response_headers: Arc::clone(&self.response_headers),
            always_set_cookie: false,
            signin: None,
            cache: None,
            timeouts: None,
            snippet: None,
            variables: [].into(),
            filter: Some(self.asked.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str) -> Result<AuthServer, String> {
        let filter = serde_saphyr::from_str(&format!("{{backendRef: {{name: auth, port: 80}}, {yaml}}}"));
        let parsed = parse(&filter.expect("a filter"), 1);
        parsed.map_err(|wrong| format!("{}: {:?} {}", wrong.field, wrong.value, wrong.message))
    }

    #[test]
    fn without_more_a_server_of_http_gets_little_and_says_all() {
        let plain = of("protocol: HTTP").expect("a server");
        assert_eq!(plain.field, "filters[1].externalAuth.backendRef");
        assert_eq!((&*plain.target.0, plain.largest_body()), (&[Piece::Variable(Variable::RequestUri)][..], None));
        assert_eq!(plain.asked.request_headers.as_deref(), Some(&["authorization".into()][..]));
        assert!(plain.asked.copies_all);
        assert_eq!(of("protocol: HTTP, http: {path: ''}, forwardBody: {maxSize: 0}"), Ok(plain));
    }

    #[test]
    fn without_more_a_server_of_grpc_gets_all() {
        let plain = of("protocol: GRPC").expect("a server");
        assert_eq!((plain.asked.protocol, &plain.asked.request_headers), (AuthProtocol::Grpc, &None));
        assert_eq!(of("protocol: GRPC, grpc: {allowedHeaders: []}"), Ok(plain));
        let named = of("protocol: GRPC, grpc: {allowedHeaders: [X-A]}, forwardBody: {maxSize: 7}").expect("a server");
        assert_eq!(named.asked.request_headers.as_deref(), Some(&["x-a".into()][..]));
        assert_eq!(named.largest_body(), Some(7));
    }

    #[test]
    fn what_is_said_is_read() {
        let server = of("protocol: HTTP, forwardBody: {maxSize: 10}, \
                         http: {path: /a/%20/, allowedHeaders: [X-A, Content-Length], allowedResponseHeaders: [X-B]}");
        let server = server.expect("a server");
        let target = [Piece::Literal("/a/%20".into()), Piece::Variable(Variable::RequestUri)];
        assert_eq!((&*server.target.0, server.largest_body()), (&target[..], Some(10)));
        let sent = ["x-a".into(), "content-length".into(), "authorization".into()];
        assert_eq!(server.asked.request_headers.as_deref(), Some(&sent[..]));
        assert_eq!((&*server.response_headers, server.asked.copies_all), (&["x-b".into()][..], false));
    }

    #[test]
    fn what_is_not_known_or_malformed_is_named() {
        for (yaml, expected) in [
            ("protocol: SMTP", "externalAuth.protocol: \"SMTP\" is not a protocol"),
            ("protocol: GRPC, http: {}", "externalAuth.http: \"\" is there with"),
            ("protocol: GRPC, grpc: {allowedHeaders: [te]}", "externalAuth.grpc.allowedHeaders[0]: \"te\" is a header"),
            ("http: {}", "externalAuth.protocol: \"\" is not a protocol"),
            ("protocol: HTTP, grpc: {}", "externalAuth.grpc: \"\" is there with"),
            ("protocol: HTTP, http: {path: check}", "externalAuth.http.path: \"check\" is not a path"),
            ("protocol: HTTP, http: {path: /a//b}", "externalAuth.http.path: \"/a//b\" "),
            ("protocol: HTTP, http: {path: /a/../b}", "externalAuth.http.path: \"/a/../b\" "),
            ("protocol: HTTP, http: {path: '/a?b'}", "externalAuth.http.path: \"/a?b\" "),
            ("protocol: HTTP, http: {path: '/%2e%2e'}", "externalAuth.http.path: \"/%2e%2e\" "),
            ("protocol: HTTP, http: {path: '/%2'}", "externalAuth.http.path: \"/%2\" "),
            (
                "protocol: HTTP, http: {allowedHeaders: [a b]}",
                "externalAuth.http.allowedHeaders[0]: \"a b\" is not the name",
            ),
            (
                "protocol: HTTP, http: {allowedHeaders: [TE]}",
                "externalAuth.http.allowedHeaders[0]: \"TE\" is a header that Adit",
            ),
            (
                "protocol: HTTP, http: {allowedResponseHeaders: [a, Content-Length]}",
                "externalAuth.http.allowedResponseHeaders[1]: \"Content-Length\" is a header that Adit",
            ),
            (
                "protocol: HTTP, http: {allowedResponseHeaders: [Host]}",
                "externalAuth.http.allowedResponseHeaders[0]: \"Host\" is a header that Adit",
            ),
            ("protocol: HTTP, forwardBody: {maxSize: -1}", "externalAuth.forwardBody.maxSize: \"-1\" is not a size"),
            ("protocol: HTTP, forwardBody: {maxSize: 8388609}", "externalAuth.forwardBody.maxSize: \"8388609\" "),
        ] {
            let wrong = of(yaml).expect_err(yaml);
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }
}
