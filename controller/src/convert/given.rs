//! What the annotations of one Ingress say.

use crate::annotation::{Applied, Effect};
use crate::registry::parse_bool;
use gateway::config::HostName;

/// The annotations that an Ingress is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a>(pub(super) &'a [Applied]);

impl<'a> Given<'a> {
    /// Those that do what they say.
    pub(super) fn applied(self) -> impl Iterator<Item = &'a Applied> {
        self.0.iter().filter(|applied| applied.effect == Effect::Applied)
    }

    /// The value of one of these.
    pub(super) fn value(self, key: &str) -> Option<&'a str> {
        self.applied().find(|applied| applied.key == key).map(|applied| &*applied.value)
    }

    /// Whether it is a canary.
    pub(super) fn is_canary(self) -> bool {
        self.value("canary").is_some_and(|value| parse_bool(value) == Some(true))
    }

    /// `rewrite-target`, if it is one path for all requests.
    pub(super) fn constant_path(self) -> Option<&'a str> {
        let path = self.value("rewrite-target")?.trim();
        (!path.contains('$') && !path.contains("://")).then_some(path)
    }

    /// `upstream-vhost`, if it is one host for all requests.
    pub(super) fn constant_host(self) -> Option<&'a str> {
        let host = self.value("upstream-vhost")?.trim();
        let is_dns = matches!(HostName::parse(host), Ok(HostName::Exact(name)) if *name == *host);
        is_dns.then_some(host)
    }

    /// `x-forwarded-prefix`, if it is one prefix for all requests, and their path is one.
    pub(super) fn constant_prefix(self) -> Option<&'a str> {
        self.constant_path()?;
        self.value("x-forwarded-prefix").filter(|prefix| !prefix.contains('$')).map(str::trim)
    }

    /// Whether it has a `temporal-redirect`, be that a URL or not.
    pub(super) fn is_redirected_temporarily(self) -> bool {
        self.0.iter().any(|applied| applied.key == "temporal-redirect" && !applied.value.trim().is_empty())
    }

    /// Whether its backends are asked by HTTP/2.
    pub(super) fn speaks_grpc(self) -> bool {
        self.value("backend-protocol").is_some_and(|protocol| ["GRPC", "GRPCS"].contains(&protocol.trim()))
    }

    /// What stands before and behind the host in `auth-url`, if that is the host that the client asks for.
    pub(super) fn auth_server_at_host(self) -> Option<(&'a str, &'a str)> {
        let (scheme, rest) = self.value("auth-url")?.trim().split_once("://")?;
        let behind = ["$host", "${host}"].iter().find_map(|variable| rest.strip_prefix(variable))?;
        (behind.is_empty() || behind.starts_with(['/', '?', ':'])).then_some((scheme, behind))
    }

    /// What goes into a rewrite with groups goes together.
    pub(super) fn rewrites_by_policy(self) -> bool {
        let has_prefix = self.value("x-forwarded-prefix").is_some();
        self.constant_path().is_none() || (has_prefix && self.constant_prefix().is_none())
    }
}
