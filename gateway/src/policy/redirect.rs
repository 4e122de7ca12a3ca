//! Redirects: `app-root`, `permanent-redirect`, `temporal-redirect`, `from-to-www-redirect` and the missing slash.

use super::HostPolicies;
use super::path_change;
use crate::config::{HttpsRedirect, Redirect, UrlRedirect, WwwRedirect};
use crate::connection::Connection;
use crate::request::{Client, Reason, Reply, RequestView};
use std::ops::ControlFlow;

/// `app-root`: 302 from a normalised path (nginx's `$uri`) that is exactly `/`, to the host as the client wrote it, port included.
pub(crate) fn app_root(
    path: &[u8],
    request: &RequestView<'_>,
    connection: &Connection,
    host: &HostPolicies,
) -> ControlFlow<Reply> {
    match &host.app_root {
        Some(root) if path == b"/" => {
            let location = format!("{}://{}{root}", connection.scheme(), request.host());
            ControlFlow::Break(Reply::redirect(302, Reason::AppRoot, location.as_bytes()))
        }
        _ => ControlFlow::Continue(()),
    }
}

/// `permanent-redirect` and `temporal-redirect`: a constant location; nothing of the request is appended.
pub(crate) fn constant(redirect: &Redirect, client: &Client, connection: &Connection, relative: bool) -> Reply {
    let location = absolute(redirect.location.as_bytes(), client, connection, relative);
    Reply::redirect(redirect.code, Reason::Redirect, &location)
}

/// A URL that is made of that of a request with this normalised path. A usual port of the scheme is not written.
pub(crate) fn to_url(
    redirect: &UrlRedirect,
    request: &RequestView<'_>,
    path: &[u8],
    client: &Client,
    connection: &Connection,
) -> Reply {
    let scheme = redirect.scheme.as_deref().unwrap_or(if client.is_plain_http() { "http" } else { "https" });
    let host = redirect.host.as_deref().unwrap_or(client.requested_host());
    let usual = if scheme == "https" { 443 } else { 80 };
    let of_client = || {
        let stays = redirect.scheme.is_none() && connection.own_port.is_some();
        stays.then(|| client.port.to_str().ok()?.parse().ok()).flatten()
    };
    let port = redirect.port.or_else(of_client).filter(|port| *port != usual);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let mut location = format!("{scheme}://{host}{port}").into_bytes();
    match &redirect.path {
        Some(change) => location.extend(path_change::target(change, path, request.query())),
        None => location.extend_from_slice(request.target),
    }
    Reply::redirect(redirect.code, Reason::Redirect, &location)
}

/// `ssl-redirect` and `force-ssl-redirect`: the same host and target over HTTPS. The host loses its port, and the target
/// one slash at its end, be it of the path or of the query.
pub(crate) fn https(redirect: Option<HttpsRedirect>, request: &RequestView<'_>, client: &Client) -> ControlFlow<Reply> {
    let Some(redirect) = redirect.filter(|_| client.is_plain_http()) else {
        return ControlFlow::Continue(());
    };
    let kept = if redirect.preserve_trailing_slash { None } else { request.target.strip_suffix(b"/") };
    let port = redirect.port.map(|port| format!(":{port}")).unwrap_or_default();
    let mut location = format!("https://{}{port}", client.requested_host()).into_bytes();
    location.extend_from_slice(kept.unwrap_or(request.target));
    ControlFlow::Break(Reply::redirect(redirect.code, Reason::HttpsRedirect, &location))
}

/// 301 to a declared path that ends with a slash, from the same path without it, as nginx answers where only the latter is declared. The port is
/// dropped and the query kept.
pub(crate) fn add_slash(
    path: &str,
    query: Option<&[u8]>,
    client: &Client,
    connection: &Connection,
    relative: bool,
) -> Reply {
    let mut location = absolute(path.as_bytes(), client, connection, relative);
    if let Some(query) = query {
        location.push(b'?');
        location.extend_from_slice(query);
    }
    Reply::redirect(301, Reason::AddSlash, &location)
}

/// `from-to-www-redirect`: the port is always written out, and one trailing slash is dropped.
pub(crate) fn www(redirect: &WwwRedirect, request: &RequestView<'_>, client: &Client) -> Reply {
    let target = request.target.strip_suffix(b"/").unwrap_or(request.target);
    let mut location = Vec::with_capacity(target.len() + redirect.to.len() + 16);
    location.extend_from_slice(if client.is_plain_http() { b"http://" } else { b"https://" });
    location.extend_from_slice(redirect.to.as_bytes());
    location.push(b':');
    location.extend_from_slice(client.port.as_bytes());
    location.extend_from_slice(target);
    Reply::redirect(redirect.code, Reason::WwwRedirect, &location)
}

/// A path made absolute on the host that the client asked for, without its port, as nginx's `absolute_redirect on`
/// and `port_in_redirect off`. A URL stays as it is.
pub(crate) fn absolute(location: &[u8], client: &Client, connection: &Connection, relative: bool) -> Vec<u8> {
    let host = client.requested_host();
    if relative || !location.starts_with(b"/") || host.is_empty() {
        return location.to_vec();
    }
    [connection.scheme().as_bytes(), b"://", host.as_bytes(), location].concat()
}
