//! What one client may take of an Ingress.

use super::Template;
use ipnet::IpNet;
use std::num::NonZero;
use std::sync::Arc;

/// How much one client may ask of the routes of an Ingress: `limit-rps`, `limit-rpm` and `limit-connections`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientLimits {
    /// Whose limits they are: `namespace/name` of the Ingress. All routes whose limits have the same name count together,
    /// and go on counting when other limits come.
    pub zone: Arc<str>,
    /// `limit-rps`: the requests per second. Default none: no limit.
    pub per_second: Option<NonZero<u32>>,
    /// `limit-rpm`: the requests per minute. Default none: no limit.
    pub per_minute: Option<NonZero<u32>>,
    /// `limit-burst-multiplier`: how many requests may come at once beyond the first: each rate times this number. Default
    /// 5.
    pub burst_multiplier: NonZero<u32>,
    /// `limit-connections`: the requests in progress. Default none: no limit.
    pub connections: Option<NonZero<u32>>,
    /// `limit-allowlist`: clients with these addresses have no limits. Default none.
    pub exempt: Arc<[IpNet]>,
}

/// `limit-rate`: how fast a response is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResponseRate {
    /// `limit-rate`: bytes of the body in a second. Default none: no limit.
    pub bytes_per_second: Option<NonZero<u64>>,
    /// `limit-rate-after`: the bytes of the body that are sent before. Default 0.
    pub after: u64,
}

/// What all limits have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitSettings {
    /// `limit-req-status-code`: the status of requests above a rate, from 400 to 599. Default 503.
    pub request_status: u16,
    /// `limit-conn-status-code`: the status of requests above the number in progress, from 400 to 599. Default 503.
    pub connection_status: u16,
    /// `limit-conn-zone-variable`: the text that tells clients apart; those with an empty one have no limits. Default
    /// none: clients are told apart by their addresses.
    pub key: Option<Template>,
    /// `limit-replicas`: the number of gateways that share the limits on clients, so that each counts up to a part of
    /// them. Default 1.
    pub replicas: NonZero<u32>,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { request_status: 503, connection_status: 503, key: None, replicas: NonZero::<u32>::MIN }
    }
}
