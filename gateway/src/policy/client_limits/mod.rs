//! `limit-rps`, `limit-rpm` and `limit-connections`, and `limit_req` and `limit_conn` of snippets: 503 for clients that ask for
//! more than they may.

mod client_key;
mod rates;
mod requests;
mod snippet_limits;

pub(crate) use client_key::ClientKey;
pub(crate) use snippet_limits::{AboveLimit, SnippetLimits};

use super::networks::Networks;
use crate::config::{self, LimitZone};
use crate::connection::permits;
use crate::interner::Interner;
use rates::Rates;
use requests::RequestCounts;
use smallvec::SmallVec;
use std::convert::Infallible;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Locks among which clients with requests in progress are spread.
const LOCKS: usize = 16;
/// Clients of an Ingress that are known at most: as many as nginx holds in the 5 MB that ingress-nginx gives it.
const CLIENTS_OF_INGRESS: usize = 40_960;

/// Limits on each client, compiled.
#[derive(Debug)]
pub struct ClientLimits {
    exempt: Networks,
    rates: Option<Rates>,
    connections: Option<NonZero<usize>>,
    zone: Arc<Zone>,
}

/// What clients have asked for. It outlives the tables that name it.
#[derive(Debug)]
pub(crate) struct Zone {
    requests: RequestCounts,
    in_progress: Arc<permits::Permits<ClientKey>>,
}

/// What requests are counted in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ZoneId {
    /// The zone of an Ingress, by the name of that.
    Ingress(Arc<str>),
    /// That of a snippet.
    Snippet(LimitZone),
}

/// The zones that tables name.
pub(crate) type ZoneInterner = Interner<ZoneId, Zone>;

/// A request in progress counts against its client's limit while this lives.
pub(crate) type Permit = permits::Permit<ClientKey>;

/// Those of all limits of a route.
pub(crate) type Permits = SmallVec<[Permit; 1]>;

/// A request that limits let through.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// It counts as in progress while these live.
    pub(crate) permits: Permits,
    /// How long it waits before it goes on.
    pub(crate) wait: Duration,
}

impl Admission {
    /// Goes on with what further limits say.
    pub(crate) fn add(&mut self, further: Self) {
        self.permits.extend(further.permits);
        self.wait = self.wait.max(further.wait);
    }
}

/// A request is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded;

/// The zone in which the requests of so many clients can be known.
fn zone(id: &ZoneId, clients: usize, zones: &mut ZoneInterner) -> Arc<Zone> {
    let new = |_: &_| {
        let in_progress = permits::Permits::new(LOCKS);
        Ok::<_, Infallible>(Zone { requests: RequestCounts::new(clients), in_progress })
    };
    let Ok(zone) = zones.intern(id, new);
    zone
}

impl Zone {
    /// A permit for a request of a client to be in progress, of which it may have this replica's part of `most`.
    fn permit(&self, client: ClientKey, most: NonZero<usize>, replicas: NonZero<u32>) -> Result<Permit, Exceeded> {
        let most = NonZero::new(most.get() / replicas.get() as usize).unwrap_or(NonZero::<usize>::MIN);
        self.in_progress.acquire(client, most).ok_or(Exceeded)
    }
}

impl ClientLimits {
    pub(super) fn compile(limits: &config::ClientLimits, zones: &mut ZoneInterner) -> Self {
        let connections = limits.connections.map(|most| NonZero::try_from(most).unwrap_or(NonZero::<usize>::MAX));
        Self {
            exempt: Networks::new(&limits.exempt),
            rates: Rates::new(limits.per_second, limits.per_minute, limits.burst_multiplier),
            connections,
            zone: zone(&ZoneId::Ingress(limits.zone.clone()), CLIENTS_OF_INGRESS, zones),
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
        replicas: NonZero<u32>,
        now: Instant,
    ) -> Result<(), Exceeded> {
        match &self.rates {
            Some(rates) if self.zone.requests.count(client, &rates.shared_by(replicas), now).is_none() => Err(Exceeded),
            _ => Ok(()),
        }
    }

    /// A permit for a request of a client to be in progress, where their number is limited.
    pub(crate) fn permit(&self, client: ClientKey, replicas: NonZero<u32>) -> Result<Option<Permit>, Exceeded> {
        self.connections.map(|most| self.zone.permit(client, most, replicas)).transpose()
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
        let (client, now) = (IpAddr::from(Ipv4Addr::LOCALHOST).into(), Instant::now());
        (0..100).filter(|_| limits.count_request(client, NonZero::<u32>::MIN, now).is_ok()).count()
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
        let (client, one) = (IpAddr::from(Ipv4Addr::LOCALHOST).into(), NonZero::<u32>::MIN);
        let permit = first.permit(client, one);
        assert!(matches!(permit, Ok(Some(_))));
        assert!(again.permit(client, one).is_err() && other.permit(client, one).is_ok());
        drop(permit);
        assert!(again.permit(client, one).is_ok());
    }
}
