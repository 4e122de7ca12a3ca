//! An auth server, as the gateway's configuration has it.

use crate::route_defaults::{ExternalAuthSettings, ServerUrl};
use crate::snippet;
use gateway::config::{AuthCaching, BackendId, ExternalAuth, Template, Timeouts};

/// What the sign-in page gets, so that it can return: the URL of the client's request.
const RETURN_TO: &str = "$pass_access_scheme://$http_host$escaped_request_uri";

/// What the settings ask for, of the server with this URL.
///
/// `timeouts` are those of the route's backend.
pub(super) fn of(
    settings: ExternalAuthSettings,
    url: ServerUrl,
    backend: BackendId,
    timeouts: Timeouts,
) -> ExternalAuth {
    let snippet = &settings.snippet;
    let headers = snippet.proxy_headers.iter().map(|(name, value)| (name.to_ascii_lowercase().into(), value.clone()));
    let parse = |text: &str| Template::parse(text).unwrap_or_default(); // it has been parsed before
    ExternalAuth {
        backend,
        tls: url.tls,
        tls_settings: None,
        host: url.host,
        authority: url.authority,
        target: url.target.unwrap_or_else(|| parse("/")),
        method: snippet.method.clone().or(settings.method),
        timeouts: snippet::auth_timeouts(snippet, timeouts),
        request_redirect: settings.request_redirect.unwrap_or_else(|| parse("$request_uri")),
        request_headers: settings.request_headers.iter().cloned().chain(headers).collect(),
        snippet: snippet::auth_block(snippet),
        variables: [].into(),
        filter: None,
        response_headers: settings.response_headers,
        always_set_cookie: settings.always_set_cookie,
        signin: settings.signin.map(|signin| parse(&with_return(&signin, &settings.redirect_param))),
        cache: settings.cache_key.map(|key| AuthCaching { key, lifetimes: settings.cache_lifetimes }),
    }
}

/// The sign-in page's URL with the parameter, unless it has that already.
fn with_return(url: &str, param: &str) -> String {
    let query = url.split_once('?').map(|(_, query)| query);
    let has_param = |query: &str| query.split('&').any(|pair| pair.split('=').next() == Some(param));
    match query {
        Some(query) if has_param(query) => url.to_owned(),
        Some(_) => format!("{url}&{param}={RETURN_TO}"),
        None => format!("{url}?{param}={RETURN_TO}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_in_page_gets_the_url_to_return_to() {
        assert_eq!(with_return("http://x/start", "rd"), format!("http://x/start?rd={RETURN_TO}"));
        assert_eq!(with_return("http://x/start?a=1", "to"), format!("http://x/start?a=1&to={RETURN_TO}"));
        assert_eq!(with_return("http://x/start?rd=/", "rd"), "http://x/start?rd=/");
        assert_eq!(with_return("http://x/start?card=1", "rd"), format!("http://x/start?card=1&rd={RETURN_TO}"));
    }
}
