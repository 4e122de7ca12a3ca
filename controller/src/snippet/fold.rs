//! Settings of a snippet that are ordinary settings of a route or its backend.

use super::http_block::{HttpBlock, within_http};
use super::inherit::{Outer, block, unless_empty};
use super::rules::source_ranges;
use crate::route_defaults::{AccessRule, LimitDirectives, SnippetBlock, SnippetServerName, SnippetTimeouts};
use gateway::config::{BackendPolicies, BackendTls, ResponseRewrites, RoutePolicies, SourceRanges, Timeouts};
use std::sync::Arc;

const TOO_MANY_RULES: &str = "has too many rules of allow and deny: expected less";

/// Puts what the snippets of a location say into the policies of its routes and backends. Returns what of it has no effect
/// beside the other settings, in sentences.
///
/// # Errors
/// Its rules for addresses are too many.
pub(crate) fn fold(
    location: &SnippetBlock,
    http: HttpBlock<'_>,
    policies: &mut RoutePolicies,
    backend: &mut BackendPolicies,
) -> Result<Vec<&'static str>, &'static str> {
    let (is_grpc, compression) = (backend.protocol.is_http2(), http.compression);
    policies.snippet = unless_empty(block(location, Outer { block: &SnippetBlock::default(), compression, is_grpc }));
    policies.internal = location.is_internal;
    policies.real_ip = location.real_ip.over(http.real_ip);
    policies.snippet_limits = location.limits.over(&LimitDirectives::default());
    let mut warnings = Vec::from_iter(set_own(location, is_grpc, policies, backend));
    if location.access.is_empty() {
        return Ok(warnings);
    }
    if policies.source_ranges.allow.is_some() {
        warnings.push("has allow or deny, without effect: an allowlist comes before it, and ends with \"deny all\"");
    } else {
        policies.source_ranges = ranges(&policies.source_ranges, &location.access)?;
    }
    Ok(warnings)
}

/// Puts what a location says that stands in another one into the policies that it inherits from there. `outer` is what it
/// inherits of the snippets around it.
///
/// # Errors
/// Its rules for addresses are too many.
pub(crate) fn fold_within(
    own: &SnippetBlock,
    outer: &SnippetBlock,
    http: HttpBlock<'_>,
    policies: &mut RoutePolicies,
    backend: &mut BackendPolicies,
) -> Result<(), &'static str> {
    // nginx's modules of these do not inherit.
    (policies.rewrite, policies.cors, policies.default_backend) = (None, None, None);
    let compression = http.compression;
    policies.snippet = unless_empty(block(own, Outer { block: outer, compression, is_grpc: false }));
    policies.internal |= own.is_internal;
    let real_ip = policies.real_ip.take();
    policies.real_ip = own.real_ip.over(real_ip.as_ref().or(http.real_ip)).or(real_ip);
    policies.snippet_limits = own.limits.over(&outer.limits);
    if let Some(annotations) = &mut policies.client_limits {
        own.limits.replace(annotations);
    }
    policies.custom_errors.overruled |= !own.error_pages.is_empty() && !policies.custom_errors.statuses.is_empty();
    policies.basic_auth.take_if(|_| own.asks_no_password);
    set_own(own, false, policies, backend);
    if !own.access.is_empty() {
        policies.source_ranges = source_ranges(&own.access).ok_or(TOO_MANY_RULES)?;
    }
    Ok(())
}

/// Sets what a block says in place of what holds without it. Returns what of it has no effect.
fn set_own(
    own: &SnippetBlock,
    is_grpc: bool,
    policies: &mut RoutePolicies,
    backend: &mut BackendPolicies,
) -> Option<&'static str> {
    policies.satisfy = own.satisfy.unwrap_or(policies.satisfy);
    policies.body_limit = own.body_limit.unwrap_or(policies.body_limit);
    own.buffering.set(&mut policies.request_buffering, &mut policies.response_buffering);
    let rate = &mut policies.response_rate;
    rate.bytes_per_second = own.rate.unwrap_or(rate.bytes_per_second);
    rate.after = own.rate_after.unwrap_or(rate.after);
    let (timeouts, idle) = of_protocol(own, is_grpc);
    set_timeouts(&mut backend.timeouts, timeouts);
    set_server_name(backend, if is_grpc { &own.grpc_server_name } else { &own.proxy_server_name });
    set_rewrites(&mut policies.response_rewrites, own, is_grpc);
    idle
}

/// The timeouts that are for backends of the protocol, and what has no effect with it.
fn of_protocol(location: &SnippetBlock, is_grpc: bool) -> (SnippetTimeouts, Option<&'static str>) {
    const PROXY: &str = "has directives that begin with \"proxy_\", without effect: the backends speak gRPC";
    const GRPC: &str = "has directives that begin with \"grpc_\", without effect: the backends do not speak gRPC";
    let SnippetBlock { proxy_timeouts, grpc_timeouts, proxy_headers, grpc_headers, .. } = location;
    let (used, unused, unused_headers, complaint) = match is_grpc {
        true => (grpc_timeouts, proxy_timeouts, proxy_headers, PROXY),
        false => (proxy_timeouts, grpc_timeouts, grpc_headers, GRPC),
    };
    let rewrites = [&location.redirects, &location.cookie_domains, &location.cookie_paths];
    let has_unused_rewrites = is_grpc && rewrites.into_iter().any(Option::is_some);
    let is_idle = *unused != SnippetTimeouts::default() || !unused_headers.is_empty() || has_unused_rewrites;
    (*used, is_idle.then_some(complaint))
}

/// The timeouts of an auth server whose snippet sets some, in place of the backend's.
pub(crate) fn auth_timeouts(auth: &SnippetBlock, mut backend: Timeouts) -> Option<Timeouts> {
    let set = auth.proxy_timeouts;
    set_timeouts(&mut backend, set);
    (set != SnippetTimeouts::default()).then_some(backend)
}

fn set_timeouts(timeouts: &mut Timeouts, set: SnippetTimeouts) {
    timeouts.connect = set.connect.unwrap_or(timeouts.connect);
    timeouts.send = set.send.unwrap_or(timeouts.send);
    timeouts.read = set.read.unwrap_or(timeouts.read);
}

/// Sends backends with TLS another name, or none.
fn set_server_name(backend: &mut BackendPolicies, set: &SnippetServerName) {
    let server_name = set.sent().cloned();
    if !backend.protocol.uses_tls(true) || (server_name.is_none() && set.is_sent != Some(false)) {
        return;
    }
    let tls = backend.tls.as_deref().cloned().unwrap_or_else(BackendTls::unverified);
    backend.tls = Some(Arc::new(BackendTls { server_name, ..tls }));
}

/// nginx's module for gRPC rewrites nothing.
fn set_rewrites(rewrites: &mut ResponseRewrites, location: &SnippetBlock, is_grpc: bool) {
    if is_grpc {
        return *rewrites = ResponseRewrites::default();
    }
    let ResponseRewrites { redirects, cookie_domains, cookie_paths } = rewrites;
    for (rules, set) in [
        (redirects, &location.redirects),
        (cookie_domains, &location.cookie_domains),
        (cookie_paths, &location.cookie_paths),
    ] {
        if let Some(set) = set {
            *rules = set.clone().into();
        }
    }
}

/// The rules of a snippet, after those of a denylist.
fn ranges(denied: &SourceRanges, rules: &[AccessRule]) -> Result<SourceRanges, &'static str> {
    let denied = denied.deny.iter().map(|network| AccessRule { allows: false, networks: vec![*network] });
    let rules: Vec<_> = denied.chain(rules.iter().cloned()).collect();
    source_ranges(&rules).ok_or(TOO_MANY_RULES)
}

/// What a location with these policies inherits of its server: error pages unless it `has_error_pages` otherwise, and limits of the
/// kinds that its annotations do not set.
pub(crate) fn of_server(
    server: &SnippetBlock,
    http: HttpBlock<'_>,
    has_error_pages: bool,
    policies: &RoutePolicies,
) -> SnippetBlock {
    let mut inherited = within_http(server, http);
    if has_error_pages {
        inherited.error_pages.clear();
    }
    inherited.limits = inherited.limits.beside(policies.client_limits.as_ref());
    inherited
}

/// Lets a route inherit what the snippets of its server say: `location` are the snippets of its own. A route that
/// `has_error_pages` otherwise inherits none.
pub(crate) fn fold_server(
    server: &SnippetBlock,
    location: &SnippetBlock,
    http: HttpBlock<'_>,
    is_grpc: bool,
    has_error_pages: bool,
    policies: &mut RoutePolicies,
) {
    let overrules = !has_error_pages && location.error_pages.is_empty() && !server.error_pages.is_empty();
    let server = &of_server(server, http, has_error_pages, policies);
    policies.custom_errors.overruled |= overrules && !policies.custom_errors.statuses.is_empty();
    policies.snippet = unless_empty(block(location, Outer { block: server, compression: http.compression, is_grpc }));
    let real_ip = server.real_ip.over(http.real_ip);
    policies.real_ip = location.real_ip.over(real_ip.as_ref().or(http.real_ip));
    let ignores_header = location.buffering.ignores_header.or(server.buffering.ignores_header);
    policies.response_buffering.ignores_header = ignores_header.unwrap_or_default();
    policies.snippet_limits = location.limits.over(&server.limits);
    let rate = &mut policies.response_rate;
    rate.bytes_per_second = rate.bytes_per_second.or(server.rate.flatten());
    if rate.after == 0 {
        rate.after = server.rate_after.unwrap_or_default();
    }
    // Whoever may come in by a location's own rules is not refused by the server's.
    if location.access.is_empty() && policies.source_ranges == SourceRanges::default() {
        // Rules that are too many let nobody in.
        let nobody = SourceRanges { allow: Some([].into()), ..SourceRanges::default() };
        policies.source_ranges = source_ranges(&server.access).unwrap_or(nobody);
    }
}

/// Lets the backends of a route inherit the timeouts of a server, where theirs are the defaults: `None` if nothing changes.
pub(crate) fn fold_server_timeouts(server: &SnippetBlock, backend: &BackendPolicies) -> Option<BackendPolicies> {
    if !backend.protocol.is_http2() {
        return None;
    }
    let mut timeouts = backend.timeouts;
    for (timeout, default, set) in [
        (&mut timeouts.connect, Timeouts::DEFAULT.connect, server.grpc_timeouts.connect),
        (&mut timeouts.send, Timeouts::DEFAULT.send, server.grpc_timeouts.send),
        (&mut timeouts.read, Timeouts::DEFAULT.read, server.grpc_timeouts.read),
    ] {
        if let (true, Some(set)) = (*timeout == default, set) {
            *timeout = set;
        }
    }
    (timeouts != backend.timeouts).then(|| BackendPolicies { timeouts, ..backend.clone() })
}
