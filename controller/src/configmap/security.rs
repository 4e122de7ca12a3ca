//! Access control. Of what is not supported yet, a ConfigMap that asks for it makes every request answer 503.

use super::entry::Key;
use super::map_values::map_values;
use crate::registry::{Value, ValueError};
use gateway::config::MapValue;
use ipnet::IpNet;
use std::borrow::Cow;
use std::sync::Arc;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "whitelist-source-range",
        "",
        "Names the client addresses and networks that may send requests, separated by commas. All others get 403. The \
         annotation `allowlist-source-range` replaces the list. With an invalid value every request is answered with 503.",
        |value, draft| {
            draft.policies().source_ranges.allow = networks(value)?;
            Ok(())
        },
    ),
    Key::full(
        "denylist-source-range",
        "",
        "Names the client addresses and networks that get 403, separated by commas. The annotation of that name \
         replaces the list. With an invalid value every request is answered with 503.",
        |value, draft| {
            draft.policies().source_ranges.deny = networks(value)?.unwrap_or_default();
            Ok(())
        },
    ),
    Key::full(
        "block-cidrs",
        "",
        "Names the client addresses and networks that get 403 on every host, before all other checks and redirects. \
         Separated by commas. With an invalid value every request is answered with 503.",
        |value, draft| {
            draft.config.gateway.blocked.networks = networks(value)?.unwrap_or_default();
            Ok(())
        },
    ),
    Key::full(
        "block-user-agents",
        "",
        "Names the values of `User-Agent` that get 403 on every host, before all other checks and redirects: texts, or \
         `~*` and a regular expression, separated by commas. Case does not count; with `~` instead of `~*` it does. `\"\"` is \
         a request without that header. With an invalid value every request is answered with 503.",
        |value, draft| {
            draft.config.gateway.blocked.user_agents = blocked_values(value)?;
            Ok(())
        },
    ),
    Key::full(
        "block-referers",
        "",
        "Names the values of `Referer` that get 403 on every host, before all other checks and redirects: texts, or `~*` \
         and a regular expression, separated by commas. Case does not count; with `~` instead of `~*` it does. `\"\"` is a \
         request without that header. With an invalid value every request is answered with 503.",
        |value, draft| {
            draft.config.gateway.blocked.referers = blocked_values(value)?;
            Ok(())
        },
    ),
    Key::full(
        "no-auth-locations",
        "/.well-known/acme-challenge",
        "Names paths that need no authentication. Absolute paths, separated by commas. A path of a rule that begins \
         with one of them is exempt.",
        |value, draft| {
            draft.config.routes.open_paths = value.paths()?;
            Ok(())
        },
    ),
    Key::full(
        "allow-snippet-annotations",
        "false",
        "Allows annotations with nginx directives, if `annotations-risk-level` is `Critical`, too. Boolean. Without it, the routes \
         of an Ingress with such an annotation answer 503.",
        |value, draft| {
            draft.config.routes.snippet_annotations = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "allow-cross-namespace-resources",
        "false",
        "Sets whether annotations may name Secrets and ConfigMaps of other namespaces. Boolean. With false the routes of an \
         Ingress with such an annotation answer 503.",
        |value, draft| {
            draft.config.routes.cross_namespace = value.bool()?;
            Ok(())
        },
    ),
    Key::ignored(
        "nginx-status-ipv4-whitelist",
        "127.0.0.1",
        "there is no such page",
        "Names the IPv4 addresses and networks that may read nginx's status page, separated by commas.",
    ),
    Key::ignored(
        "nginx-status-ipv6-whitelist",
        "::1",
        "there is no such page",
        "Names the IPv6 addresses and networks that may read nginx's status page, separated by commas.",
    ),
];

/// A list of client addresses; `None` for an empty value. An invalid one lets nobody in.
fn networks(value: Value<'_>) -> Result<Option<Arc<[IpNet]>>, ValueError> {
    const INVALID: ValueError = ValueError::Refused(Cow::Borrowed(
        "is not valid: expected IP addresses or networks separated by commas, such as \"10.0.0.0/8, 192.0.2.1\"",
    ));
    if value.text().is_empty() { Ok(None) } else { value.networks().map(Some).map_err(|_| INVALID) }
}

fn blocked_values(value: Value<'_>) -> Result<Arc<[MapValue]>, ValueError> {
    const INVALID: &str = "is not valid: expected texts, or \"~*\" and regular expressions, separated by commas, such as \
                           \"curl, ~*bot\"";
    map_values(value).ok_or(ValueError::Refused(INVALID.into()))
}
