use super::{ServerUrl, SnippetBlock};
use gateway::config::Template;
use http::Method;
use std::sync::Arc;
use std::time::Duration;

/// What annotations say of the auth server of an Ingress, or the ConfigMap of that of all. The names are those of the
/// annotations; the keys of the ConfigMap are called `global-` and that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalAuthSettings {
    /// `auth-url`. Without it, the others ask for nothing.
    pub url: Option<ServerUrl>,
    /// `auth-method`.
    pub method: Option<Method>,
    /// `auth-signin`: without the parameter that holds the URL to return to.
    pub signin: Option<Arc<str>>,
    /// `auth-signin-redirect-param`. Default `rd`.
    pub redirect_param: Arc<str>,
    /// `auth-request-redirect`.
    pub request_redirect: Option<Template>,
    /// `auth-proxy-set-headers`.
    pub request_headers: Arc<[(Arc<str>, Template)]>,
    /// `auth-response-headers`.
    pub response_headers: Arc<[Arc<str>]>,
    /// `auth-always-set-cookie`.
    pub always_set_cookie: bool,
    /// `auth-cache-key`. Without it, no response is kept.
    pub cache_key: Option<Template>,
    /// `auth-cache-duration`: statuses, and how long their responses are kept. Default 200, 202 and 401 for five minutes.
    pub cache_lifetimes: Arc<[(u16, Duration)]>,
    /// `auth-snippet`. Default empty.
    pub snippet: Arc<SnippetBlock>,
}

impl Default for ExternalAuthSettings {
    fn default() -> Self {
        Self {
            url: None,
            method: None,
            signin: None,
            redirect_param: "rd".into(),
            request_redirect: None,
            request_headers: Arc::default(),
            response_headers: Arc::default(),
            always_set_cookie: false,
            cache_key: None,
            cache_lifetimes: [200, 202, 401].map(|status| (status, Duration::from_secs(300))).into(),
            snippet: Arc::default(),
        }
    }
}
