//! `auth-url`: what the response of an auth server means for the client's request.

use super::Invalid;
use super::auth_cache::{AuthKey, AuthResponse};
use super::auth_filter::{self, AuthFilter};
use super::auth_header::{AuthHeader, letters};
use super::snippet::Snippet;
use super::status::gets_headers;
use crate::config;
use crate::config::{PathMatch, Piece, Variable};
use crate::headers::{Fields, Headers};
use crate::request::{Reason, Reply};
use crate::tls::backend::BackendTls;
use crate::upstream::{Registry, Upstream};
use crate::variables;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::ops::Deref;
use std::sync::Arc;

/// An auth server. Derefs to how it was configured.
#[derive(Debug)]
pub struct ExternalAuth {
    configured: config::ExternalAuth,
    /// Its endpoints.
    pub upstream: Arc<Upstream>,
    /// How TLS is spoken to them.
    pub(crate) backend_tls: Option<Arc<BackendTls>>,
    /// What is otherwise than with `auth-url`.
    pub(crate) filter: Option<AuthFilter>,
    /// What is run before it is asked.
    pub snippet: Option<Snippet>,
    /// Its `response_headers`, in their order.
    headers: Box<[ResponseHeader]>,
    /// Those that variables are made of.
    variable_headers: Box<[HeaderName]>,
    /// The auth request and what counts of its response: responses are kept for that alone.
    identity: AuthKey,
}

/// A header of the auth response that the backend gets.
#[derive(Debug)]
struct ResponseHeader {
    name: HeaderName,
    /// Letters and digits of the name.
    letters: Box<[u8]>,
}

/// How many auth requests have been made for one another, this one included.
pub(crate) const DEPTH: HeaderName = HeaderName::from_static("x-adit-auth-depth");
/// How many may be: an auth server that is behind itself would be asked without end.
const MAX_DEPTH: u32 = 4;

/// The depth of the auth request for a request with these headers; `None` where there may be none. A client can only make it
/// greater.
pub(crate) fn next_depth(headers: &Headers) -> Option<HeaderValue> {
    let depths = headers.values("x-adit-auth-depth").filter_map(|value| std::str::from_utf8(value).ok()?.parse().ok());
    let depth = depths.max().unwrap_or(0);
    (depth < MAX_DEPTH).then(|| HeaderValue::from(depth + 1))
}

/// Adit does not let the request through, because it does not know whether it may.
pub(crate) const FAILED: Reply = Reply::new(500, Reason::AuthFailed);

/// What goes with a request that an auth server has allowed.
#[derive(Debug, Default)]
pub(crate) struct Authorization {
    /// The values of the auth server's `response_headers`, in their order: `None` where the auth response has none.
    pub(crate) headers: Vec<Option<HeaderValue>>,
    /// What else becomes of headers of the request, in their order.
    pub(crate) changes: Vec<AuthHeader>,
    /// Headers that the backend does not get.
    pub(crate) removed: Vec<HeaderName>,
    /// What becomes of headers of the backend's response, in their order.
    pub(crate) response_changes: Vec<AuthHeader>,
    /// Cookies that the client gets.
    pub(crate) cookies: Vec<HeaderValue>,
}

impl ExternalAuth {
    /// Compiles the setting.
    ///
    /// # Errors
    /// A name that is not one of a header, TLS settings that cannot be used, or a fault of its snippet.
    pub fn compile(configured: &config::ExternalAuth, registry: &Registry) -> Result<Self, Invalid> {
        let header = |name: &Arc<str>| -> Result<_, Invalid> {
            let invalid = |_| Invalid { value: Arc::clone(name), reason: "is not the name of a header".to_owned() };
            let name: HeaderName = name.parse().map_err(invalid)?;
            Ok(ResponseHeader { letters: letters(&name).collect(), name })
        };
        let unusable = |reason| Invalid { value: "TLS to the auth server".into(), reason };
        let backend_tls = configured.tls_settings.as_deref().map(BackendTls::compile).transpose().map_err(unusable)?;
        Ok(Self {
            upstream: registry.upstream(&configured.backend),
            backend_tls: backend_tls.map(Arc::new),
            filter: configured.filter.as_ref().map(AuthFilter::compile).transpose()?,
            snippet: configured.snippet.as_deref().map(Snippet::compile_aside).transpose()?,
            headers: configured.response_headers.iter().map(header).collect::<Result<_, _>>()?,
            variable_headers: variable_headers(configured),
            identity: identity(configured),
            configured: configured.clone(),
        })
    }

    /// The key of the response for a request to this path of a rule of this host. `text` is the rendered `cache.key`.
    pub fn key(&self, host: &str, path: &PathMatch, text: &[u8]) -> AuthKey {
        let kind = [path.kind as u8];
        AuthKey::of(&[self.identity.as_bytes(), host.as_bytes(), &kind, path.value.as_bytes(), text])
    }

    /// A response as it is kept; `None` if it is not. `request` has the headers of the client's request, and `is_ours` says
    /// which headers of an auth request are not the client's.
    pub(crate) fn kept(
        &self,
        status: u16,
        headers: &HeaderMap,
        request: &Headers,
        is_ours: impl Fn(&HeaderName) -> bool,
    ) -> Option<AuthResponse> {
        let counts = |name: &HeaderName| {
            *name == header::WWW_AUTHENTICATE
                || self.headers.iter().any(|header| header.name == *name)
                || self.variable_headers.contains(name)
        };
        AuthResponse::keep(self.cache.as_ref()?, (status, headers), request, is_ours, counts)
    }

    /// What a response with this status and these headers means. `body` is all of its body, where that is at hand; `signin` is the
    /// rendered URL of the sign-in page, if there is one.
    ///
    /// # Errors
    /// The answer to the client's request, where that is not allowed.
    pub(crate) fn judge(
        &self,
        (status, headers): (u16, &HeaderMap),
        body: Option<Bytes>,
        signin: Option<&[u8]>,
    ) -> Result<Authorization, Reply> {
        if let Some(filter) = &self.filter {
            return match status {
                200 => Ok(Authorization { changes: filter.copied(headers), ..self.authorization(headers) }),
                201..=299 => Err(Reply::new(403, Reason::AuthDenied)), // it would look like success
                300..=499 => Err(auth_filter::denial(status, headers, body)),
                _ => Err(FAILED),
            };
        }
        let cookies = || headers.get_all(header::SET_COOKIE).iter().cloned();
        match (status, signin) {
            (200..=299, _) => Ok(Authorization { cookies: cookies().collect(), ..self.authorization(headers) }),
            (401, Some(signin)) => {
                let mut reply = Reply::redirect(302, Reason::AuthSignin, signin);
                reply.headers.extend(cookies().map(|cookie| ("Set-Cookie", cookie)));
                Err(reply)
            }
            (401 | 403, _) => {
                let mut reply = Reply::new(status, Reason::AuthDenied);
                let challenges = headers.get_all(header::WWW_AUTHENTICATE).iter().filter(|_| status == 401);
                reply.headers.extend(challenges.map(|value| ("WWW-Authenticate", value.clone())));
                if self.always_set_cookie {
                    reply.headers.extend(cookies().map(|cookie| ("Set-Cookie", cookie)));
                }
                Err(reply)
            }
            _ => Err(FAILED),
        }
    }

    /// What the backend gets of a response that allows a request.
    fn authorization(&self, headers: &HeaderMap) -> Authorization {
        let named = self.headers.iter().map(|header| variables::joined(headers, header.name.as_str()));
        Authorization { headers: named.collect(), ..Authorization::default() }
    }

    /// The headers that the backend gets of the auth response, by name, and as the user wrote that.
    pub(crate) fn headers<'a>(
        &'a self,
        authorization: &'a Authorization,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a HeaderName, Option<&'a HeaderValue>)> {
        let names = self.response_headers.iter().zip(&self.headers);
        names.zip(&authorization.headers).map(|((written, header), value)| (written, &header.name, value.as_ref()))
    }

    /// Whether the backend gets what the auth server says instead of a client's header of this name. Some backends take
    /// `X_User` and `X.User` for `X-User`.
    pub(crate) fn replaces(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|header| letters(name).eq(header.letters.iter().copied()))
    }

    /// Whether a response of the backend with this status gets the cookies of the auth response (nginx: `add_header`).
    pub(crate) fn sets_cookies(&self, status: u16) -> bool {
        self.always_set_cookie && status >= 200 || gets_headers(status)
    }
}

impl Deref for ExternalAuth {
    type Target = config::ExternalAuth;

    fn deref(&self) -> &config::ExternalAuth {
        &self.configured
    }
}

/// Which responses are of the same server to the same request. Where its endpoints are does not count: a response is kept
/// also when they are gone.
fn identity(configured: &config::ExternalAuth) -> AuthKey {
    let config::ExternalAuth { tls, authority, target, method, request_redirect, request_headers, .. } = configured;
    let request = (tls, authority, target, method, request_redirect, request_headers);
    let counts = (&configured.response_headers, variable_headers(configured));
    AuthKey::of(&[format!("{request:?}").as_bytes(), format!("{counts:?}").as_bytes()])
}

/// The headers of the response that variables are made of.
fn variable_headers(configured: &config::ExternalAuth) -> Box<[HeaderName]> {
    let pieces = configured.variables.iter().flat_map(|(_, value)| &*value.0);
    let name = |piece: &Piece| match piece {
        Piece::Variable(Variable::UpstreamHeader(name)) => name.parse().ok(),
        _ => None,
    };
    pieces.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BackendId, Template};

    fn server(always_set_cookie: bool) -> ExternalAuth {
        let configured = config::ExternalAuth {
            backend: BackendId::Url { host: "auth".into(), port: 80 },
            tls: false,
            tls_settings: None,
            host: "auth".into(),
            authority: "auth".into(),
            target: Template::default(),
            method: None,
            request_redirect: Template::default(),
            request_headers: Arc::default(),
            response_headers: ["x-user".into(), "X-Groups".into()].into(),
            always_set_cookie,
            signin: None,
            cache: None,
            timeouts: None,
            snippet: None,
            variables: Arc::default(),
            filter: None,
        };
        ExternalAuth::compile(&configured, &Registry::new()).expect("names of headers")
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_success_allows() {
        for status in 100..600 {
            let verdict = server(false).judge((status, &HeaderMap::new()), None, None);
            match status {
                200..=299 => assert!(verdict.is_ok(), "{status}"),
                401 | 403 => assert_eq!(verdict.expect_err("refused").status, status),
                _ => assert_eq!(verdict.expect_err("refused"), FAILED),
            }
        }
    }

    #[test]
    fn only_200_allows_with_the_filter() {
        let protocol = config::AuthProtocol::Http;
        let filter = config::AuthFilter { protocol, request_headers: None, copies_all: true, body_memory: None };
        let configured = config::ExternalAuth { filter: Some(filter), ..server(false).configured };
        let server = ExternalAuth::compile(&configured, &Registry::new()).expect("names of headers");
        for status in 100..600 {
            let verdict = server.judge((status, &headers(&[("x-a", "b")])), None, None);
            match status {
                200 => assert_eq!(verdict.expect("allowed").changes.len(), 1),
                201..=299 => assert_eq!(verdict.expect_err("refused"), Reply::new(403, Reason::AuthDenied)),
                300..=499 => assert_eq!(verdict.expect_err("refused").status, status),
                _ => assert_eq!(verdict.expect_err("refused"), FAILED, "{status}"),
            }
        }
    }

    #[test]
    fn the_backend_gets_the_headers_that_are_named() {
        let response = headers(&[("x-groups", "a"), ("x-groups", "b"), ("x-other", "c"), ("set-cookie", "d=e")]);
        let authorization = server(false).judge((200, &response), None, None).expect("allowed");
        assert_eq!(authorization.headers, [None, Some(HeaderValue::from_static("a, b"))]);
        assert_eq!(authorization.cookies, ["d=e"]);
    }

    #[test]
    fn who_is_not_known_may_sign_in() {
        let response = headers(&[("www-authenticate", "Basic"), ("set-cookie", "d=e")]);
        let names = |reply: Reply| reply.headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let redirect = server(false).judge((401, &response), None, Some(b"http://h/start")).expect_err("a redirect");
        assert_eq!((redirect.status, redirect.reason), (302, Reason::AuthSignin));
        assert_eq!(names(redirect), ["Location", "Set-Cookie"]);
        let refused =
            |server: ExternalAuth, status| names(server.judge((status, &response), None, None).expect_err("refused"));
        assert_eq!(refused(server(false), 401), ["WWW-Authenticate"]);
        assert_eq!(refused(server(true), 401), ["WWW-Authenticate", "Set-Cookie"]);
        assert_eq!(refused(server(false), 403), [""; 0]);
        let forbidden = server(false).judge((403, &response), None, Some(b"http://h/start")).expect_err("refused");
        assert_eq!(forbidden.status, 403, "who is known need not sign in");
    }

    #[test]
    fn a_name_that_is_none_is_named() {
        let configured = config::ExternalAuth { response_headers: ["a b".into()].into(), ..server(false).configured };
        let fault = ExternalAuth::compile(&configured, &Registry::new()).err().map(|fault| fault.value);
        assert_eq!(fault.as_deref(), Some("a b"));
    }
}
