//! Which fields of a value differ, by the names that they have in the code.

use crate::diagnostic::{shown, without_credentials};
use gateway::config::{
    AccessLog, Again, BackendPolicies, BackendTls, BackendVerification, BasicAuth, Blocked, ClientLimits,
    ClientSettings, Coding, Collector, Compression, ConnectionLimits, Cors, CustomErrors, Deadlines, Denied,
    DigestAuth, ExternalAuth, Forwarded, GatewaySettings, GeoSettings, HeaderChanges, HostPolicies, Hsts,
    Http2Settings, HttpPort, HttpsRedirect, LimitSettings, Origin, RequestBuffering, ResponseBuffering, ResponseRate,
    ResponseRewrites, Retries, Rewrite, RoutePolicies, SourceRanges, StreamListener, StreamSettings, Timeouts,
    TlsRoute, TlsSettings, Tracing, TracingSettings, UpstreamConnections, Waf, WwwRedirect,
};
use std::fmt::Debug;
use std::sync::Arc;

/// What is said of values that differ and look alike.
const HIDDEN: &str = "something that is not shown, such as a key or a password";
/// Elements of a list that are shown.
const ELEMENTS: usize = 5;
/// Characters before the first that differs, where a value does not fit a line.
const BEFORE: usize = 20;

/// A struct that is compared field by field.
pub(super) trait Fields: PartialEq + Debug {
    /// The fields that differ: `name: old -> new`, each shortened.
    fn differences(&self, new: &Self) -> Vec<String>;
}

/// The fields of two structs that differ. See [`Fields::differences`].
pub(super) fn differences<T: Fields>(old: &T, new: &T) -> Vec<String> {
    old.differences(new)
}

impl<T: Fields> Fields for Arc<T> {
    fn differences(&self, new: &Self) -> Vec<String> {
        T::differences(self, new)
    }
}

/// Compares structs field by field. A field is compared as a whole, by its own fields (`fields`), by these where both have it
/// (`option`), or by its elements (`list`).
macro_rules! fields {
    ($($struct:ident { $($field:ident $(as $manner:ident)?,)* })*) => {
        $(impl Fields for $struct {
            fn differences(&self, new: &Self) -> Vec<String> {
                // The compiler says which one is missing here.
                let Self { $($field),* } = self;
                let mut found = Vec::new();
                $(if *$field != new.$field {
                    found.extend(fields!(@ stringify!($field), $field, &new.$field $(, $manner)?));
                })*
                found
            }
        })*
    };
    (@ $name:expr, $old:expr, $new:expr) => { [whole($name, $old, $new)] };
    (@ $name:expr, $old:expr, $new:expr, fields) => { within($name, $old, $new) };
    (@ $name:expr, $old:expr, $new:expr, option) => { optional($name, $old.as_ref(), $new.as_ref()) };
    (@ $name:expr, $old:expr, $new:expr, list) => { list($name, $old, $new) };
}

fields! {
    RoutePolicies {
        denied as option, source_ranges as fields, cors as option, basic_auth as option, digest_auth as option,
        custom_headers as list, client_limits as option, snippet_limits, response_rate as fields, external_auth as option,
        waf as option, mirrors as list, satisfy, https_redirect as option, serves_plain_http, relative_redirects, add_slash,
        request_headers as fields, response_headers as fields, path_change, rewrite as option, body_limit,
        request_buffering as fields, response_buffering as fields, default_backend, custom_errors as fields, error_pages,
        response_rewrites as fields, snippet, internal, real_ip, access_log, tracing as option,
    }
    Denied { reason, origin as fields, }
    SourceRanges { deny as list, allow, }
    Cors { origins, methods, headers, credentials, expose, max_age, manner, }
    BasicAuth { realm, users, }
    DigestAuth { realm, users, }
    ClientLimits { zone, per_second, per_minute, burst_multiplier, connections, exempt as list, }
    ResponseRate { bytes_per_second, after, }
    ExternalAuth {
        backend, tls, tls_settings as option, host, authority, target, method, request_redirect, request_headers as list,
        response_headers as list, always_set_cookie, signin, cache, timeouts as option, snippet, variables as list, filter,
    }
    Waf { rules, core_rules, transaction_id, }
    HttpsRedirect { code, preserve_trailing_slash, port, }
    HeaderChanges { remove as list, set as list, add as list, }
    Rewrite { pattern, target, forwarded_prefix, }
    RequestBuffering { on, memory, }
    ResponseBuffering { on, ignores_header, head, buffers, buffer, file, }
    CustomErrors { statuses as list, backend, keeps_responses, overruled, }
    ResponseRewrites { redirects as list, cookie_domains as list, cookie_paths as list, }
    Tracing { trusts_client, operation, }

    BackendPolicies {
        protocol, http_10, host, path_change, fastcgi, tls as option, connection, request_headers as option,
        response_headers as option, timeouts as fields, deadlines as fields, retries as fields,
    }
    BackendTls { policy, certificate, verification as option, server_name, tls12, tls13, ciphers as list, }
    BackendVerification { authorities, names as list, depth, }
    Timeouts { connect, send, read, }
    Deadlines { request, attempt, }
    Retries { on, non_idempotent, tries, timeout, budget, again as option, }
    Again { pause, before_each, }

    HostPolicies { app_root, snippet, real_ip, client_certificates, }
    WwwRedirect { to, code, origin as fields, }
    TlsRoute { backends as list, terminates, connect_timeout, origin as fields, }
    Origin { object, field, }

    StreamListener { protocol, port, backends as list, accept_proxy, send_proxy, origin as fields, }
    HttpPort { port, advertised, tls, origin as fields, }

    GatewaySettings {
        path_matching, server_tokens, backend_server_header, default_backend, error_pages, denied as option, blocked as fields,
        forwarded as fields, real_ip, generate_request_id, client as fields, connections as fields, limits as fields,
        http2 as fields, upstream as fields, health_path, temp_files, add_headers as list, set_headers as list,
        hide_headers as list, compression as fields, mapped as list, geo as fields, tls as fields, hsts as option,
        access_log as fields, tracing as fields, ipv6, ipv6_dns, streams as fields, worker_processes, shutdown_timeout,
    }
    Blocked { networks as list, user_agents as list, referers as list, }
    Forwarded {
        trust_headers, real_ip, full_chain, header, host_header, proxy_protocol_header, original_uri, trusted as list,
        proxy_protocol, proxy_header_timeout,
    }
    ClientSettings {
        keep_alive, keep_alive_requests, header_timeout, body_timeout, header_buffer, large_header_buffers, large_header_size,
        headers, send_timeout, ignore_invalid_headers, underscores_in_headers,
    }
    ConnectionLimits { per_worker, per_client, }
    LimitSettings { request_status, connection_status, key, replicas, }
    Http2Settings { enabled, streams, }
    UpstreamConnections { idle, idle_timeout, lifetime, requests, }
    Compression { gzip as fields, brotli as fields, zstd as fields, gzip_disable as list, gzip_proxied, vary, }
    Coding { enabled, level, min_length, types, }
    GeoSettings { is_enabled, reload, directory, editions as list, }
    TlsSettings {
        tls12, tls13, ciphers as list, session_tickets, session_cache, session_timeout, record_size, reject_unknown, ocsp,
        default_certificate,
    }
    Hsts { max_age, include_subdomains, preload, }
    AccessLog { enabled, format, escape, skipped as list, unmatched, auth, syslog, }
    TracingSettings {
        unrouted as option, collector as fields, service_name, sampler, billionths, parent_based, client_spans, queue, delay,
        batch,
    }
    Collector { host, port, protocol, }
    StreamSettings {
        timeout, next_upstream, next_upstream_tries, next_upstream_timeout, responses, log as fields,
    }
}

fn within<T: Fields>(name: &str, old: &T, new: &T) -> Vec<String> {
    old.differences(new).into_iter().map(|difference| format!("{name}: {difference}")).collect()
}

fn optional<T: Fields>(name: &str, old: Option<&T>, new: Option<&T>) -> Vec<String> {
    match (old, new) {
        (Some(old), Some(new)) => within(name, old, new),
        (old, new) => vec![whole(name, &old, &new)],
    }
}

/// The elements that only one of two lists has.
fn list<T: PartialEq + Debug>(name: &str, old: &[T], new: &[T]) -> Vec<String> {
    let only = |these: &[T], those: &[T], what: &str| -> Vec<String> {
        let these: Vec<_> = these.iter().filter(|element| !those.contains(element)).collect();
        let told =
            these.iter().take(ELEMENTS).map(|element| format!("{name}: {what} {}", shown(&format!("{element:?}"))));
        let more = these.len().checked_sub(ELEMENTS).filter(|more| *more > 0);
        told.chain(more.map(|more| format!("{name}: {what} {more} more"))).collect()
    };
    let told = [only(old, new, "without"), only(new, old, "with")].concat();
    if told.is_empty() { vec![format!("{name}: in another order, or another number of times")] } else { told }
}

/// The values of a field.
fn whole<T: Debug + ?Sized>(name: &str, old: &T, new: &T) -> String {
    let [old, new] = unwrapped([format!("{old:?}"), format!("{new:?}")]);
    if old == new {
        return format!("{name}: {HIDDEN}");
    }
    let [old_start, new_start] = [shown(&old), shown(&new)];
    if old_start != new_start {
        return format!("{name}: {old_start} -> {new_start}");
    }
    // What differs comes later.
    let [old, new] = [without_credentials(&old), without_credentials(&new)];
    let same = old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
    let rest = |text: &str| shown(&text.chars().skip(same.saturating_sub(BEFORE)).collect::<String>());
    match (rest(&old), rest(&new)) {
        (old, new) if old == new => format!("{name}: {HIDDEN}"),
        (old, new) => format!("{name}: …{old} -> …{new}"),
    }
}

/// Two values without `Some`, if both have it.
fn unwrapped([old, new]: [String; 2]) -> [String; 2] {
    let inner = |text: &str| Some(text.strip_prefix("Some(")?.strip_suffix(')')?.to_owned());
    match (inner(&old), inner(&new)) {
        (Some(old), Some(new)) => [old, new],
        _ => [old, new],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::num::NonZero;
    use std::time::Duration;

    fn limits(per_second: u32) -> ClientLimits {
        ClientLimits {
            zone: "z: a".into(),
            per_second: NonZero::new(per_second),
            per_minute: None,
            burst_multiplier: NonZero::<u32>::MIN,
            connections: None,
            exempt: Arc::from([]),
        }
    }

    #[test]
    fn fields_are_named_that_differ() {
        let old = RoutePolicies { client_limits: Some(limits(5)), ..RoutePolicies::default() };
        let new = RoutePolicies { client_limits: Some(limits(9)), body_limit: None, ..RoutePolicies::default() };
        let expected = ["client_limits: per_second: 5 -> 9", "body_limit: Some(1048576) -> None"];
        assert_eq!(differences(&old, &new), expected);
        assert_eq!(differences(&Arc::new(old.clone()), &Arc::new(new)), expected);
        let none = RoutePolicies { client_limits: None, ..old.clone() };
        let [gone] = &differences(&old, &none)[..] else { panic!("one field") };
        assert!(gone.starts_with("client_limits: Some(ClientLimits { zone: \"z: a\""), "{gone}");
        assert!(gone.ends_with(" -> None"), "{gone}");
        assert_eq!(differences(&old, &old), [""; 0]);
    }

    #[test]
    fn structs_in_structs_and_elements_of_lists_are_named() {
        let header = |name: &str, value: &str| (name.into(), value.into());
        let of = |connect, set: &[(Arc<str>, Arc<str>)]| BackendPolicies {
            timeouts: Timeouts { connect: Duration::from_secs(connect), ..Timeouts::default() },
            request_headers: Some(Arc::new(HeaderChanges { set: set.into(), ..HeaderChanges::default() })),
            ..BackendPolicies::default()
        };
        let old = of(5, &[header("x-a", "1: 2"), header("x-b", "1")]);
        let new = of(6, &[header("x-a", "1: 3"), header("x-b", "1")]);
        let expected = [
            "request_headers: set: without (\"x-a\", \"1: 2\")",
            "request_headers: set: with (\"x-a\", \"1: 3\")",
            "timeouts: connect: 5s -> 6s",
        ];
        assert_eq!(differences(&old, &new), expected);
        let turned = of(5, &[header("x-b", "1"), header("x-a", "1: 2")]);
        let expected = ["request_headers: set: in another order, or another number of times"];
        assert_eq!(differences(&old, &turned), expected);
        let many: Vec<_> = (0..8).map(|number| header(&format!("x-{number}"), "")).collect();
        let told = differences(&of(5, &[]), &of(5, &many));
        assert_eq!((told.len(), &*told[5]), (6, "request_headers: set: with 3 more"));
    }

    #[test]
    fn what_differs_late_in_a_long_text_is_shown() {
        let of = |end: &str| Rewrite {
            pattern: "^".into(),
            target: format!("/{}{end}", "a".repeat(200)).into(),
            forwarded_prefix: None,
        };
        let same = "a".repeat(BEFORE);
        assert_eq!(differences(&of("b"), &of("c")), [format!("target: …{same}b\" -> …{same}c\"")]);
    }

    #[test]
    fn a_secret_that_differs_is_told_and_not_shown() {
        let of = |password: &str| {
            let users = BTreeMap::from([("ann".into(), password.into())]);
            let auth = BasicAuth { realm: "r".into(), users: gateway::config::Users(users) };
            RoutePolicies { basic_auth: Some(Arc::new(auth)), ..RoutePolicies::default() }
        };
        assert_eq!(differences(&of("{PLAIN}a"), &of("{PLAIN}b")), [format!("basic_auth: users: {HIDDEN}")]);
    }
}
