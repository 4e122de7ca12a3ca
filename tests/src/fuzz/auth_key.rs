//! The keys under which responses of auth servers are kept (`auth-cache-key`).

use super::{lines, text};
use gateway::config::{BackendId, ExternalAuth, PathKind, PathMatch, Template};
use gateway::policy::auth_cache::AuthKey;
use gateway::policy::external_auth;
use gateway::upstream::Registry;
use http::Method;
use std::sync::Arc;

/// What a key names of a request: all that an auth server is told of its own accord, what counts of its response, the path
/// of the rule, and the text that users choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    tls: bool,
    authority: Arc<str>,
    target: Template,
    method: Option<Method>,
    redirect: Template,
    request_headers: Arc<[(Arc<str>, Template)]>,
    response_headers: Arc<[Arc<str>]>,
    host: String,
    path: PathMatch,
    text: Vec<u8>,
}

/// The input is two requests, a line each.
pub fn fuzz(input: &[u8]) {
    let mut lines = lines(input);
    let mut next = || lines.next().and_then(Asked::parse);
    let (Some(one), Some(other)) = (next(), next()) else { return };
    only_the_same_requests_share_a_response(&one, &other);
}

/// Two requests have the same key if they are the same in all that it names, and not otherwise.
pub fn only_the_same_requests_share_a_response(one: &Asked, other: &Asked) {
    let (Some(key), Some(other_key)) = (one.key(), other.key()) else { return };
    assert_eq!(key == other_key, one == other, "{one:?} {other:?}");
}

impl Asked {
    /// Reads `TLS AUTHORITY TARGET METHOD REDIRECT HEADER RESPONSE_HEADERS HOST KIND PATH TEXT` with tabs between them.
    /// TLS is anything but nothing, HEADER is `NAME: VALUE`, RESPONSE_HEADERS are names with commas between them, and KIND
    /// is `=` for an exact path.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut parts = line.splitn(11, |byte| *byte == b'\t');
        let tls = !parts.next()?.is_empty();
        let authority = text(&mut parts)?.into();
        let target = Template::parse(text(&mut parts)?).ok()?;
        let method = text(&mut parts).map(|method| method.parse().ok())?;
        let redirect = Template::parse(text(&mut parts)?).ok()?;
        let header = text(&mut parts)?.split_once(": ");
        let header = header.map(|(name, value)| Some((name.into(), Template::parse(value).ok()?)));
        let names = text(&mut parts)?.split(',').filter(|name| !name.is_empty());
        Some(Self {
            tls,
            authority,
            target,
            method,
            redirect,
            request_headers: header.into_iter().collect::<Option<_>>()?,
            response_headers: names.map(Arc::from).collect(),
            host: text(&mut parts)?.to_owned(),
            path: {
                let kind = if parts.next()? == b"=" { PathKind::Exact } else { PathKind::Prefix };
                PathMatch { kind, value: text(&mut parts)?.into() }
            },
            text: parts.next()?.to_owned(),
        })
    }

    /// `None` where a name is not one of a header.
    fn key(&self) -> Option<AuthKey> {
        let configured = ExternalAuth {
            backend: BackendId::Url { host: "auth".into(), port: 80 },
            tls: self.tls,
            tls_settings: None,
            host: "auth".into(),
            authority: self.authority.clone(),
            target: self.target.clone(),
            method: self.method.clone(),
            request_redirect: self.redirect.clone(),
            request_headers: self.request_headers.clone(),
            response_headers: self.response_headers.clone(),
            always_set_cookie: false,
            signin: None,
            cache: None,
            timeouts: None,
            snippet: None,
            variables: [].into(),
            filter: None,
        };
        let server = external_auth::ExternalAuth::compile(&configured, &Registry::new()).ok()?;
        Some(server.key(&self.host, &self.path, &self.text))
    }
}
