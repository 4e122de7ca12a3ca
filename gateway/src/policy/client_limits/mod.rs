//! `limit-rps`, `limit-rpm` and `limit-connections`: 503 for clients that ask for more than they may.

mod client_key;
mod rates;
mod requests;

pub(crate) use client_key::ClientKey;

use super::networks::Networks;
use crate::config::{self, LimitSettings};
use crate::connection::permits::{self, Permits};
use crate::interner::Interner;
use crate::request::{Reason, Reply};
use rates::Rates;
use requests::RequestCounts;
use std::convert::Infallible;
use std::net::IpAddr;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::time::Instant;

/// Locks among which clients with requests in progress are spread.
const LOCKS: usize = 16;

/// Limits on each client, compiled.
#[derive(Debug)]
pub struct ClientLimits {
    exempt: Networks,
    rates: Option<Rates>,
    connections: Option<NonZero<usize>>,
    zone: Arc<Zone>,
}

/// What the clients of one Ingress have asked for. It outlives the tables that name it.
#[derive(Debug)]
pub(crate) struct Zone {
    requests: RequestCounts,
    in_progress: Arc<Permits<ClientKey>>,
}

/// The zones that tables name, by the name of their Ingress.
pub(crate) type ZoneInterner = Interner<Arc<str>, Zone>;

/// A request in progress counts against its client's limit while this lives.
pub(crate) type Permit = permits::Permit<ClientKey>;

impl ClientLimits {
    pub(super) fn compile(limits: &config::ClientLimits, zones: &mut ZoneInterner) -> Self {
        let new =
            |_: &_| Ok::<_, Infallible>(Zone { requests: RequestCounts::new(), in_progress: Permits::new(LOCKS) });
        let Ok(zone) = zones.intern(&limits.zone, new);
        let connections = limits.connections.map(|most| NonZero::try_from(most).unwrap_or(NonZero::<usize>::MAX));
        Self {
            exempt: Networks::new(&limits.exempt),
            rates: Rates::new(limits.per_second, limits.per_minute, limits.burst_multiplier),
            connections,
            zone,
        }
    }

    /// Whether clients with this address have no limits.
    pub(crate) fn exempts(&self, address: IpAddr) -> bool {
        self.exempt.contain(address)
    }

    /// Counts a request of a client, unless it exceeds a rate.
    pub(crate) fn count_request(
        &self,
        client: ClientKey,
        now: Instant,
        settings: &LimitSettings,
    ) -> ControlFlow<Reply> {
        match &self.rates {
            Some(rates) if !self.zone.requests.count(client, &rates.shared_by(settings.replicas), now) => {
                ControlFlow::Break(Reply::new(settings.request_status, Reason::RequestLimit))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// A permit for a request of a client to be in progress, where their number is limited.
    pub(crate) fn permit(&self, client: ClientKey, settings: &LimitSettings) -> ControlFlow<Reply, Option<Permit>> {
        let Some(most) = self.connections else { return ControlFlow::Continue(None) };
        let most = NonZero::new(most.get() / settings.replicas.get() as usize).unwrap_or(NonZero::<usize>::MIN);
        match self.zone.in_progress.acquire(client, most) {
            Some(permit) => ControlFlow::Continue(Some(permit)),
            None => ControlFlow::Break(Reply::new(settings.connection_status, Reason::ConnectionLimit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn compile(zone: &str, burst_multiplier: u32, zones: &mut ZoneInterner) -> ClientLimits {
        let limits = config::ClientLimits {
            zone: zone.into(),
            per_second: None,
            per_minute: NonZero::new(1),
            burst_multiplier: NonZero::new(burst_multiplier).expect("not zero"),
            connections: NonZero::new(1),
            exempt: [].into(),
        };
        ClientLimits::compile(&limits, zones)
    }

    /// How many requests of one client are let through at one time.
    fn let_through(limits: &ClientLimits) -> usize {
        let (client, settings) = (IpAddr::from(Ipv4Addr::LOCALHOST).into(), LimitSettings::default());
        let now = Instant::now();
        (0..100).filter(|_| limits.count_request(client, now, &settings).is_continue()).count()
    }

    #[test]
    fn a_zone_lasts_while_limits_name_it() {
        let mut zones = ZoneInterner::default();
        let first = compile("a/a", 2, &mut zones);
        assert_eq!(let_through(&first), 3);
        let second = compile("a/a", 4, &mut zones);
        assert_eq!([let_through(&compile("a/b", 2, &mut zones)), let_through(&second)], [3, 2]);
        drop((first, second));
        assert_eq!(let_through(&compile("a/a", 4, &mut zones)), 5);
    }

    #[test]
    fn permits_are_those_of_a_zone() {
        let mut zones = ZoneInterner::default();
        let [first, again, other] = ["a/a", "a/a", "a/b"].map(|zone| compile(zone, 1, &mut zones));
        let (client, settings) = (IpAddr::from(Ipv4Addr::LOCALHOST).into(), LimitSettings::default());
        let permit = first.permit(client, &settings);
        assert!(matches!(permit, ControlFlow::Continue(Some(_))));
        assert!(again.permit(client, &settings).is_break() && other.permit(client, &settings).is_continue());
        drop(permit);
        assert!(again.permit(client, &settings).is_continue());
    }
}
