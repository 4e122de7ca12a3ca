//! `auth_request`: a location of the server's snippet whose Service is asked about each request.

use super::entry::{Call, Entry, INNER_LOCATION, set_once};
use super::fold::auth_timeouts;
use super::inherit::own_or;
use super::template::is_of_target;
use crate::diagnostic::Diagnostic;
use crate::route_defaults::{AuthRequest, ProxyPass, SnippetBlock, SnippetLocation};
use gateway::config::{Denied, ExternalAuth, LocationKind, PathKind, Piece, RoutePolicies, Template, Timeouts};
use std::sync::Arc;

pub(super) const BODY: Entry = Entry::works(
    "proxy_pass_request_body",
    INNER_LOCATION,
    1..=1,
    "`off` in a location for `auth_request`, which has `internal` in it: auth requests have no body. Otherwise only `on`, which is so.",
    |call| {
        let is_on = call.switch()?;
        set_once(&mut call.block.passes_body, is_on)
    },
);

/// `auth_request PATH` or `off`, as nginx: ngx_http_auth_request.
pub(super) fn read(call: &mut Call<'_>) -> Result<(), String> {
    let asked = match call.argument(0) {
        "off" => None,
        path if path.starts_with('/') && !path.contains(['$', '?']) => {
            Some(AuthRequest { path: path.into(), origin: call.origin.clone() })
        }
        _ => return Err("is not valid: expected the path of a location of the server-snippet, or \"off\"".into()),
    };
    set_once(&mut call.block.auth_request, asked)
}

/// Lets requests of a route be asked about where its own snippets or those of its server say so.
///
/// # Errors
/// Nobody can be asked. The route is denied.
pub(crate) fn ask(
    server: &SnippetBlock,
    own: &SnippetBlock,
    policies: &mut RoutePolicies,
) -> Result<(), Box<Diagnostic>> {
    let of_server = server.auth_request.as_ref().and_then(Option::as_ref);
    let (asked, is_doubled) = match (&own.auth_request, &policies.external_auth) {
        (Some(own), Some(_)) => (own.as_ref(), true),
        (Some(own), None) => (own.as_ref(), false),
        (None, Some(_)) => return Ok(()),
        (None, None) => (of_server, false),
    };
    let Some(asked) = asked else { return Ok(()) };
    let variables = if own.auth_variables.is_empty() { &server.auth_variables } else { &own.auth_variables };
    let found = match is_doubled {
        true => Err("stands beside an auth-url or global-auth-url, where nginx takes only one: expected one of them"),
        false => auth_server(&asked.path, server),
    };
    let fault = match found {
        Ok(auth) => {
            policies.external_auth = Some(ExternalAuth { variables: variables.as_slice().into(), ..auth });
            return Ok(());
        }
        Err(fault) => fault,
    };
    let AuthRequest { path, origin } = asked;
    let denied = || Denied { reason: format!("auth_request {path} {fault}").into(), origin: origin.clone() };
    policies.denied = policies.denied.take().or_else(|| Some(denied()));
    let message = format!("{fault}; its routes answer every request with 503");
    let diagnostic = Diagnostic::error(origin.object.clone(), origin.field.clone(), message);
    Err(Box::new(diagnostic.with_value(&format!("auth_request {path}"))))
}

/// The same for a location within another one, whose auth server it inherits unless it says otherwise. `outer` is what else it
/// inherits.
///
/// # Errors
/// As of [`ask`].
pub(crate) fn ask_within(
    server: &SnippetBlock,
    outer: &SnippetBlock,
    own: &SnippetBlock,
    policies: &mut RoutePolicies,
) -> Result<(), Box<Diagnostic>> {
    if own.auth_request.is_some() {
        policies.external_auth = None;
        let auth_variables = own_or(&own.auth_variables, &outer.auth_variables);
        return ask(server, &SnippetBlock { auth_variables, ..own.clone() }, policies);
    }
    if let (Some(auth), false) = (&mut policies.external_auth, own.auth_variables.is_empty()) {
        auth.variables = own.auth_variables.as_slice().into();
    }
    Ok(())
}

/// The server that the location of a path leads to.
fn auth_server(path: &str, server: &SnippetBlock) -> Result<ExternalAuth, &'static str> {
    let SnippetLocation { block, .. } = location(path, server)?;
    if !block.locations.is_empty() {
        return Err("leads to a location with others in it, which is not supported there: expected one without");
    }
    let pass =
        block.proxy_pass.as_ref().ok_or("leads to a location without a proxy_pass: expected one to a Service")?;
    if !block.statements.is_empty() {
        return Err(
            "leads to a location with if, set, return or rewrite, which is not supported there: expected auth-url \
                    and auth-snippet",
        );
    }
    let is_changed = |piece: &Piece| matches!(piece, Piece::Variable(variable) if is_of_target(variable));
    if block.proxy_headers.iter().any(|(_, value)| value.0.iter().any(is_changed)) {
        return Err("leads to a location with a header of $uri or $args, which are not the client's there: expected \
                    $request_uri");
    }
    let ProxyPass { service, tls, host: authority, path: target } = pass;
    let host = authority.rsplit_once(':').map_or(&**authority, |(host, _)| host);
    let literal = |text: &str| Template([Piece::Literal(text.into())].into());
    let headers = block.proxy_headers.iter();
    Ok(ExternalAuth {
        backend: service.clone().into(),
        tls: *tls,
        tls_settings: None,
        host: host.into(),
        authority: Arc::clone(authority),
        target: literal(target.as_deref().unwrap_or(path)),
        method: None,
        request_redirect: Template::parse("$request_uri").unwrap_or_default(),
        request_headers: headers.map(|(name, value)| (name.to_ascii_lowercase().into(), value.clone())).collect(),
        response_headers: [].into(),
        always_set_cookie: false,
        signin: None,
        cache: None,
        timeouts: auth_timeouts(block, Timeouts::DEFAULT),
        snippet: None,
        variables: [].into(),
        filter: None,
    })
}

/// The location of a path: one with this text, as it takes the path whatever else there is.
fn location<'a>(path: &str, server: &'a SnippetBlock) -> Result<&'a SnippetLocation, &'static str> {
    let of = |kind: LocationKind| {
        server.locations.iter().find(move |location| location.kind == kind && *location.text == *path)
    };
    let is_pattern = |location: &SnippetLocation| location.kind.path_kind() == PathKind::Regex;
    let prefix = of(LocationKind::Prefix).filter(|_| !server.locations.iter().any(is_pattern));
    of(LocationKind::Exact).or_else(|| of(LocationKind::FinalPrefix)).or(prefix).ok_or(
        "names no location of the server-snippet: expected there \"location = PATH { internal; proxy_pass \
         http://NAME.NAMESPACE; }\" with this path",
    )
}
