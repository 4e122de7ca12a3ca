//! `location` in a server or another location, and what may stand only there.

use super::auth_request;
use super::context::Context;
use super::entry::{Call, Entry, INNER_LOCATION, Kind, LOCATION, OUTSIDE_IF, set_once};
use super::finding::Services;
use super::pattern::pattern;
use super::refused::BACKEND;
use crate::route_defaults::{ProxyPass, SnippetBlock, SnippetLocation, SnippetStatement};
use gateway::config::{
    BackendPolicies, BackendProtocol, LocationKind, Operation, PathKind, Piece, Rewrite, ServiceBackend, Template,
};
use http::uri::Authority;
use std::sync::Arc;

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry {
        name: "location",
        contexts: OUTSIDE_IF,
        arguments: 1..=2,
        kind: Kind::Location,
        idle: None,
        refused: None,
        doc: "Takes the requests of a path, in a server-snippet beside the paths of the Ingresses and in nginx's order: first `=`; then \
              the longest prefix, at once if it is `^~`; then regular expressions (`~`, `~*`) in their order, those of Ingresses last; \
              else that prefix. An Ingress's path `/shop` is there `= /shop` and `/shop/`, as in ingress-nginx; of two that are the \
              same, which nginx refuses, the location counts, and a warning says so. What may stand in a location may stand in it. The \
              annotations of Ingresses do not hold in it (no `auth-url`, no `allowlist-source-range`, no redirect to HTTPS), the \
              ConfigMap's `enable-modsecurity` does. Without `return` or `proxy_pass` the answer is 404: nginx would look for a file \
              below its own directory. A named one (`@name`) takes the requests that an `error_page` leads there. In a location, or \
              in the configuration-snippet of an Ingress, it takes requests of that location or of the Ingress's paths: those within \
              the longest prefix before the regular expressions around it. It inherits what its own directives do not say, of the \
              annotations, too: who may come in, limits, headers, errors, timeouts, the firewall, tracing. As in nginx it inherits \
              neither backend nor redirects, `rewrite-target`, CORS, `if`, `set`, `return` and `rewrite`: without content of its own \
              it answers 404.",
    },
    Entry::works(
        "proxy_pass",
        INNER_LOCATION,
        1..=1,
        "Passes requests on to a Service of the Ingress's own namespace, or with the ConfigMap's `allow-cross-namespace-resources` of \
         any: `http://NAME.NAMESPACE:PORT` or `http://NAME.NAMESPACE.svc.cluster.local:PORT`, or with `https`, where as in nginx no \
         certificate is verified. The port is a number that the Service has. A path behind it takes the place of the location's. The \
         backend gets the URL's host as `Host`, unless `proxy_set_header` says otherwise, and Adit's `X-Forwarded-*`, which nginx does \
         not send there; within a path of an Ingress, without a `proxy_set_header` of its own, it gets the `Host` that the path's gets. \
         Variables, and in the ConfigMap's `server-snippet` all of it, are refused.",
        proxy_pass,
    )
    .but_refused_elsewhere(BACKEND),
    auth_request::BODY,
    Entry::works(
        "internal",
        LOCATION,
        0..=0,
        "Answers requests for its paths with 404, but for those that a `rewrite` or an `error_page` has led there.",
        |call| {
            call.block.is_internal = true;
            Ok(())
        },
    ),
];

/// How a location matches, and what. As nginx (`ngx_http_core_location`), the modifier may be part of the path.
pub(super) fn path(arguments: &[String]) -> Result<(LocationKind, &str), String> {
    let (modifier, text) = split(arguments);
    let kind = match modifier {
        "" if text.starts_with('@') => LocationKind::Named,
        "" => LocationKind::Prefix,
        "=" => LocationKind::Exact,
        "^~" => LocationKind::FinalPrefix,
        "~" => LocationKind::Regex,
        "~*" => LocationKind::RegexIgnoringCase,
        other => return Err(format!("has the modifier {other:?}: expected =, ^~, ~, ~* or none")),
    };
    if text.is_empty() {
        return Err("has no path: expected one that begins with \"/\", or a regular expression after ~ or ~*".into());
    }
    if kind.path_kind() == PathKind::Regex {
        pattern(text)?;
    }
    Ok((kind, text))
}

/// What is wrong with a location where it stands, perhaps in another one. As nginx: ngx_http_core_location.
pub(super) fn check_place(
    kind: LocationKind,
    text: &str,
    context: Context,
    outer: Option<&(LocationKind, Arc<str>)>,
) -> Result<(), String> {
    if kind == LocationKind::Named && context != Context::Server {
        return Err("is a named location: nginx takes one only in a server".into());
    }
    match outer {
        Some((LocationKind::Exact | LocationKind::Named, _)) => {
            Err("stands in a location that is exact or has a name: nginx takes one only in others".into())
        }
        Some((_, path)) if kind.path_kind() != PathKind::Regex && !text.starts_with(&**path) => {
            Err(format!("is outside of the location {path:?} that it stands in: nginx refuses it"))
        }
        _ => Ok(()),
    }
}

/// The regular expression of a location, if it has one.
pub(super) fn pattern_of(arguments: &[String]) -> Option<&str> {
    let (modifier, text) = split(arguments);
    modifier.starts_with('~').then_some(text)
}

fn split(arguments: &[String]) -> (&str, &str) {
    let word = |at: usize| arguments.get(at).map_or("", String::as_str);
    if arguments.len() > 1 {
        return (word(0), word(1));
    }
    let length = match word(0).as_bytes() {
        [b'^', b'~', ..] | [b'~', b'*', ..] => 2,
        [b'=' | b'~', ..] => 1,
        _ => 0,
    };
    word(0).split_at(length)
}

/// What is wrong with a location beside the others of its server.
pub(super) fn check(location: &SnippetLocation, others: &[SnippetLocation]) -> Result<(), String> {
    let SnippetLocation { kind, text, block, .. } = location;
    let is_pattern = kind.path_kind() == PathKind::Regex;
    if !is_pattern && others.iter().any(|other| other.kind.path_kind() == kind.path_kind() && other.text == *text) {
        return Err("stands here twice: nginx takes it only once".into());
    }
    match &block.proxy_pass {
        Some(ProxyPass { path: Some(_), .. }) if is_pattern => {
            Err("has a proxy_pass with a path, which nginx refuses in a location with a regular expression".into())
        }
        Some(ProxyPass { path: Some(_), .. }) if *kind == LocationKind::Named => {
            Err("has a proxy_pass with a path, which nginx refuses in a named location".into())
        }
        Some(ProxyPass { path: Some(_), .. }) if rewrites(block) => {
            Err("has a proxy_pass with a path beside rewrite or break, which is not supported: expected a proxy_pass without a path, \
                 and the path in the rewrite"
                .into())
        }
        _ if block.passes_body == Some(false) && !block.is_internal => {
            Err("has proxy_pass_request_body off without internal: only auth requests go on without a body".into())
        }
        _ => Ok(()),
    }
}

/// Whether something ends the phase or changes the path.
fn rewrites(block: &SnippetBlock) -> bool {
    block.statements.iter().any(|statement| match statement {
        SnippetStatement::If(_, _, inner) => rewrites(inner),
        SnippetStatement::Other(_, operation) => matches!(operation, Operation::Rewrite(_) | Operation::Break),
    })
}

/// Why no request comes to a location, if none does.
pub(super) fn idle(location: &SnippetLocation) -> Option<&'static str> {
    let is_pattern = location.kind.path_kind() == PathKind::Regex;
    let is_path = location.text.starts_with('/') || is_pattern || location.kind == LocationKind::Named;
    (!is_path).then_some("takes no request, in nginx neither: expected a path that begins with \"/\"")
}

/// How the backend of a location is spoken to: as `outer` says, which are those around it. `inherits_host` is whether the
/// `Host` is theirs, too.
pub(crate) fn location_backend(pass: &ProxyPass, outer: &BackendPolicies, inherits_host: bool) -> BackendPolicies {
    let protocol = if pass.tls { BackendProtocol::Https } else { BackendProtocol::Http };
    let own = || Some(Template([Piece::Literal(pass.host.clone())].into()));
    let host = if inherits_host { outer.host.clone() } else { own() };
    BackendPolicies { protocol, host, ..outer.clone() }
}

/// What puts the path of a `proxy_pass` in the place of the location's.
pub(crate) fn location_rewrite(location: &SnippetLocation) -> Option<Rewrite> {
    let path = location.block.proxy_pass.as_ref()?.path.as_ref()?;
    let is_special = |c: &char| "\\.+*?()|[]{}^$".contains(*c);
    let escape = |c: char| is_special(&c).then_some('\\').into_iter().chain([c]);
    let text: String = location.text.chars().flat_map(escape).collect();
    Some(Rewrite {
        pattern: format!(r"^{text}([\s\S]*)$").into(),
        target: format!("{path}$1").into(),
        forwarded_prefix: None,
    })
}

fn proxy_pass(call: &mut Call<'_>) -> Result<(), String> {
    let pass = service(call.argument(0), call.services)?;
    set_once(&mut call.block.proxy_pass, pass)
}

fn service(text: &str, services: Option<Services<'_>>) -> Result<ProxyPass, String> {
    const EXPECTED: &str = "is refused: expected a Service, as http://NAME.NAMESPACE:PORT or \
                            http://NAME.NAMESPACE.svc.cluster.local:PORT";
    let services =
        services.ok_or("is refused in the ConfigMap: expected the annotation server-snippet of an Ingress")?;
    if text.contains('$') {
        return Err("is refused: it has a variable in its URL; expected a Service by its name".into());
    }
    let (tls, own_port, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (false, 80, rest),
        (_, Some(rest)) => (true, 443, rest),
        _ => return Err(EXPECTED.into()),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority: Authority = authority.parse().map_err(|_| EXPECTED)?;
    let (host, port) = (authority.host(), authority.port_u16().unwrap_or(own_port));
    let is_whole = authority.as_str() == host || authority.port_u16().is_some_and(|port| port > 0);
    let (name, namespace) = names(host).filter(|_| is_whole && !authority.as_str().contains('@')).ok_or(EXPECTED)?;
    if namespace != services.namespace && !services.across {
        return Err(format!(
            "is refused: it names a Service of another namespace; expected one of {}, or allow-cross-namespace-resources in the \
             ConfigMap",
            services.namespace
        ));
    }
    let is_plain = |c: char| !c.is_control() && !matches!(c, '%' | '?' | '#');
    if Rewrite::excess(path).is_some() || !path.chars().all(is_plain) {
        return Err("has a path that cannot be used: expected at most 2048 bytes, and no '%', '?' or '#' in it".into());
    }
    Ok(ProxyPass {
        service: ServiceBackend::tcp(namespace, name, port.to_string()),
        tls,
        host: if port == own_port { host.into() } else { format!("{host}:{port}").into() },
        path: (!path.is_empty()).then(|| path.into()),
    })
}

/// Name and namespace in `name.namespace`, `name.namespace.svc` or `name.namespace.svc.cluster.local`.
fn names(host: &str) -> Option<(&str, &str)> {
    let host = host.strip_suffix(".svc.cluster.local").or_else(|| host.strip_suffix(".svc")).unwrap_or(host);
    let (name, namespace) = host.split_once('.')?;
    (!name.is_empty() && !namespace.is_empty() && !namespace.contains('.')).then_some((name, namespace))
}
