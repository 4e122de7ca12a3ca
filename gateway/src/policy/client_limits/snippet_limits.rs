//! `limit_req` and `limit_conn` of snippets.

use super::rates::Rates;
use super::{ClientKey, Exceeded, Permits, Zone, ZoneId, ZoneInterner, zone};
use crate::config::{self, LimitZone, Limits, RequestZone, Template};
use smallvec::SmallVec;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The limits of snippets on each client, compiled.
#[derive(Debug)]
pub struct SnippetLimits {
    requests: Box<[Limit<Rates>]>,
    connections: Box<[Limit<NonZero<usize>>]>,
    above_rate: AboveLimit,
    above_number: AboveLimit,
}

#[derive(Debug)]
struct Limit<L> {
    zone: Arc<Zone>,
    key: Template,
    limit: L,
}

/// What becomes of requests above a limit, above those of annotations, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AboveLimit {
    /// The status; `None` is that of [`config::LimitSettings`].
    pub(crate) status: Option<u16>,
    /// They are let through all the same.
    pub(crate) dry_run: bool,
}

impl SnippetLimits {
    pub(in crate::policy) fn compile(limits: &config::SnippetLimits, zones: &mut ZoneInterner) -> Self {
        let config::SnippetLimits { requests, connections } = limits;
        let rate = |config::RequestLimit { zone, burst, delay }: &config::RequestLimit| {
            let RequestZone { zone, rate, per_minute } = &**zone;
            Limit::new(zone, Rates::of_zone(*rate, *per_minute, *burst, *delay), zones)
        };
        let rates = requests.limits.iter().map(rate).collect();
        let number = |config::ConnectionLimit { zone, most }: &config::ConnectionLimit| {
            Limit::new(zone, NonZero::<usize>::from(*most), zones)
        };
        Self {
            requests: rates,
            connections: connections.limits.iter().map(number).collect(),
            above_rate: AboveLimit::of(requests),
            above_number: AboveLimit::of(connections),
        }
    }

    /// What becomes of requests above a rate, and of those above a number in progress.
    pub(crate) fn above(&self) -> (AboveLimit, AboveLimit) {
        (self.above_rate, self.above_number)
    }

    /// Counts a request of the clients that `key` has, unless it exceeds a rate: then it counts for none, as nginx:
    /// ngx_http_limit_req_handler. Returns how long it waits.
    pub(crate) fn count_request(
        &self,
        key: impl Fn(&Template) -> Option<ClientKey>,
        replicas: NonZero<u32>,
        now: Instant,
    ) -> Result<Duration, Exceeded> {
        let with_keys =
            self.requests.iter().filter_map(|limit| Some((limit, limit.limit.shared_by(replicas), key(&limit.key)?)));
        let rates: SmallVec<[_; 2]> = with_keys.collect();
        let has_room = |(limit, rates, client): &(&Limit<Rates>, Rates, ClientKey)| {
            limit.zone.requests.has_room(*client, rates, now)
        };
        if rates.len() > 1 && !rates.iter().all(has_room) {
            return Err(Exceeded);
        }
        rates.iter().try_fold(Duration::ZERO, |longest, (limit, rates, client)| {
            limit.zone.requests.count(*client, rates, now).map(|wait| wait.max(longest)).ok_or(Exceeded)
        })
    }

    /// Permits for a request of these clients to be in progress, as nginx: ngx_http_limit_conn_handler.
    pub(crate) fn permits(
        &self,
        key: impl Fn(&Template) -> Option<ClientKey>,
        replicas: NonZero<u32>,
    ) -> Result<Permits, Exceeded> {
        let permit = |limit: &Limit<NonZero<usize>>| Some(limit.zone.permit(key(&limit.key)?, limit.limit, replicas));
        self.connections.iter().filter_map(permit).collect()
    }
}

impl<L> Limit<L> {
    fn new(configured: &LimitZone, limit: L, zones: &mut ZoneInterner) -> Self {
        let zone = zone(&ZoneId::Snippet(configured.clone()), configured.clients as usize, zones);
        Self { zone, key: configured.key.clone(), limit }
    }
}

impl AboveLimit {
    fn of<L>(limits: &Limits<L>) -> Self {
        Self { status: limits.status, dry_run: limits.dry_run }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConnectionLimit, RequestLimit};

    fn limit_zone(name: &str) -> LimitZone {
        LimitZone { name: name.into(), key: Template::parse(name).expect("a key"), clients: 100 }
    }

    /// A limit of one request a minute, with so many more at once.
    fn rate(zone: &str, burst: u32) -> RequestLimit {
        let zone = RequestZone { zone: limit_zone(zone), rate: NonZero::<u32>::MIN, per_minute: true };
        RequestLimit { zone: Arc::new(zone), burst, delay: u32::MAX }
    }

    fn rates(limits: &[RequestLimit], zones: &mut ZoneInterner) -> SnippetLimits {
        let requests = Limits { limits: limits.into(), ..Limits::default() };
        SnippetLimits::compile(&config::SnippetLimits { requests, ..config::SnippetLimits::default() }, zones)
    }

    /// All clients are one, and have the key of each zone but "none".
    fn key(template: &Template) -> Option<ClientKey> {
        let text = template.literal().expect("a text");
        (text != "none").then(|| text.as_bytes().into())
    }

    /// How many of 100 requests at one time are let through.
    fn let_through(limits: &SnippetLimits, now: Instant) -> usize {
        (0..100).filter(|_| limits.count_request(key, NonZero::<u32>::MIN, now).is_ok()).count()
    }

    #[test]
    fn a_request_that_exceeds_one_rate_counts_for_none() {
        let (mut zones, now) = (ZoneInterner::default(), Instant::now());
        for order in [["wide", "narrow"], ["narrow", "wide"]] {
            let both = rates(&order.map(|zone| rate(zone, if zone == "wide" { 9 } else { 2 })), &mut zones);
            assert_eq!(let_through(&both, now), 3);
            assert_eq!(let_through(&rates(&[rate("wide", 9)], &mut zones), now), 7, "{order:?}");
            zones = ZoneInterner::default();
        }
    }

    #[test]
    fn a_limit_with_a_smaller_burst_forgives_nothing() {
        let (mut zones, now) = (ZoneInterner::default(), Instant::now());
        let wide = rates(&[rate("a", 9)], &mut zones);
        assert_eq!(let_through(&wide, now), 10);
        assert_eq!(let_through(&rates(&[rate("a", 2)], &mut zones), now), 0);
        assert_eq!(let_through(&wide, now), 0);
    }

    #[test]
    fn without_a_key_nothing_is_counted() {
        let mut zones = ZoneInterner::default();
        let limits = rates(&[rate("none", 0)], &mut zones);
        assert_eq!(let_through(&limits, Instant::now()), 100);
        let limits = rates(&[rate("none", 0), rate("a", 1), rate("none", 0)], &mut zones);
        assert_eq!(let_through(&limits, Instant::now()), 2);
    }

    #[test]
    fn another_key_or_size_is_another_zone() {
        let (mut zones, now) = (ZoneInterner::default(), Instant::now());
        let first = rates(&[rate("a", 0)], &mut zones);
        assert_eq!(let_through(&first, now), 1);
        for zone in [LimitZone { clients: 200, ..limit_zone("a") }, LimitZone { name: "b".into(), ..limit_zone("a") }] {
            let zone = RequestZone { zone, rate: NonZero::<u32>::MIN, per_minute: true };
            let other = rates(&[RequestLimit { zone: Arc::new(zone), burst: 0, delay: 0 }], &mut zones);
            assert_eq!(let_through(&other, now), 1);
        }
        let faster = RequestZone { zone: limit_zone("a"), rate: NonZero::<u32>::MIN, per_minute: false };
        let faster = rates(&[RequestLimit { zone: Arc::new(faster), burst: 0, delay: 0 }], &mut zones);
        assert_eq!(let_through(&faster, now), 0, "the zone stays when its rate changes");
    }

    #[test]
    fn a_request_needs_all_permits_or_keeps_none() {
        let number = |zone: &str, most| ConnectionLimit {
            zone: Arc::new(limit_zone(zone)),
            most: NonZero::new(most).expect("not zero"),
        };
        let mut zones = ZoneInterner::default();
        let mut compile = |limits: &[ConnectionLimit]| {
            let connections = Limits { limits: limits.into(), ..Limits::default() };
            let limits = config::SnippetLimits { connections, ..config::SnippetLimits::default() };
            SnippetLimits::compile(&limits, &mut zones)
        };
        let (both, wide) = (compile(&[number("wide", 2), number("narrow", 1)]), compile(&[number("wide", 2)]));
        let one = NonZero::<u32>::MIN;
        let first = both.permits(key, one).expect("the first");
        assert_eq!(first.len(), 2);
        assert!(both.permits(key, one).is_err());
        let _second = wide.permits(key, one).expect("none was kept");
        assert!(wide.permits(key, one).is_err());
        drop(first);
        assert!(both.permits(key, one).is_ok());
    }
}
