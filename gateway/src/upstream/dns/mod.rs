//! Resolves the DNS names of backends and follows them.
//!
//! Each name has one task, which looks it up, hands the addresses to the [`Registry`], and looks again when their TTL
//! is over. A failure, including an answer that there is no such name, leaves the last addresses in place and is tried
//! again with growing pauses.

mod lookup;

use super::names::Want;
use super::registry::Registry;
use crate::config::{is_forbidden, is_loopback};
use lookup::{Answer, Dns, Lookup, LookupError};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

/// The least pause between two look-ups of a name, whatever its TTL; also the first one after a failure.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause after a success. Longer TTLs would keep following a name that was moved in a hurry.
const MAX_TTL: Duration = Duration::from_secs(300);
/// The longest pause after failures.
const MAX_RETRY: Duration = Duration::from_secs(30);
/// Look-ups under way at once, so that a start with thousands of names does not flood the name servers.
const CONCURRENT_LOOKUPS: usize = 64;

/// How names are resolved. `Default` is the system's way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsSettings {
    /// Name servers, asked by UDP and TCP. Empty: those of `/etc/resolv.conf`. Its `search` list and options hold
    /// either way.
    pub servers: Vec<SocketAddr>,
    /// Accept loopback addresses as answers. Default `false`: a name that others control must not lead to what
    /// listens on the gateway's own loopback.
    pub allow_loopback: bool,
}

/// Follows the DNS names of a registry's backends.
#[derive(Debug)]
pub struct Resolver {
    dns: Dns,
    allow_loopback: bool,
}

/// Looks up single names, as a [`Resolver`] does.
#[derive(Clone, Debug)]
pub struct NameLookup(Dns);

impl NameLookup {
    /// The addresses of a name, or of what is an address already. At least one.
    ///
    /// # Errors
    /// The name has no address, or the name servers do not answer.
    pub(crate) async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.look_up(name).await.map(|answer| answer.addresses).map_err(io::Error::other)
    }
}

impl Resolver {
    /// A resolver with these settings. It reads `/etc/resolv.conf` now; without one it asks the name server on the
    /// local machine, as in resolv.conf(5).
    ///
    /// # Errors
    /// The DNS client cannot be set up on this machine.
    pub fn new(settings: &DnsSettings) -> io::Result<Self> {
        let resolv_conf = std::fs::read("/etc/resolv.conf").unwrap_or_default();
        let dns = Dns::new(&resolv_conf, &settings.servers).map_err(io::Error::other)?;
        Ok(Self { dns, allow_loopback: settings.allow_loopback })
    }

    /// Looks up single names with the same settings.
    pub fn names(&self) -> NameLookup {
        NameLookup(self.dns.clone())
    }

    /// Follows the names that backends in `registry` have, until the future is dropped. Needs a tokio runtime with
    /// time and IO: the control plane's.
    pub async fn run(self, registry: Arc<Registry>) {
        follow_all(self.dns, registry, self.allow_loopback).await;
    }
}

async fn follow_all(lookup: impl Lookup, registry: Arc<Registry>, allow_loopback: bool) {
    let mut wanted = registry.wanted_names();
    let permits = Semaphore::new(CONCURRENT_LOOKUPS);
    let follower = Arc::new(Follower { lookup, registry, allow_loopback, permits });
    let mut tasks = JoinSet::new();
    let mut following: HashMap<Want, AbortHandle> = HashMap::new();
    loop {
        let now_wanted = wanted.borrow_and_update().clone();
        following.retain(|want, task| {
            let keep = now_wanted.contains(want);
            if !keep {
                task.abort();
            }
            keep && !task.is_finished()
        });
        for want in now_wanted {
            following.entry(want.clone()).or_insert_with(|| tasks.spawn(Arc::clone(&follower).follow(want)));
        }
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            // A task ends when it is aborted, or by a panic; then it is started again.
            Some(_) = tasks.join_next() => while tasks.try_join_next().is_some() {},
        }
    }
}

/// What the tasks share.
struct Follower<L> {
    lookup: L,
    registry: Arc<Registry>,
    allow_loopback: bool,
    permits: Semaphore,
}

impl<L: Lookup> Follower<L> {
    async fn follow(self: Arc<Self>, want: Want) {
        let mut reports = Reports::default();
        let mut retry = MIN_PAUSE;
        loop {
            let pause = match self.look_up(&want).await {
                Ok(Answer { addresses, ttl }) => {
                    let wanted = addresses.into_iter().filter(|address| self.registry.takes(*address));
                    let (mut accepted, refused): (Vec<_>, Vec<_>) = wanted.partition(|address| self.accepts(*address));
                    accepted.sort_unstable();
                    accepted.dedup();
                    reports.success(&want, refused, &self.registry);
                    self.registry.resolved(&want, accepted);
                    retry = MIN_PAUSE;
                    ttl.clamp(MIN_PAUSE, MAX_TTL)
                }
                Err(error) => {
                    reports.failure(&want, &error, &self.registry);
                    self.registry.unresolved(&want);
                    let pause = retry;
                    retry = (retry * 2).min(MAX_RETRY);
                    pause
                }
            };
            sleep(pause).await;
        }
    }

    async fn look_up(&self, want: &Want) -> Result<Answer, LookupError> {
        // The semaphore is never closed; if it were, the look-up would only be unbounded.
        let _permit = self.permits.acquire().await;
        self.lookup.look_up(&want.name).await
    }

    /// Refuses what is refused as an address, too, or a name would be a way around it.
    fn accepts(&self, address: IpAddr) -> bool {
        !is_forbidden(address) && (self.allow_loopback || !is_loopback(address))
    }
}

/// Says once what is wrong with a name, not at each look-up.
#[derive(Default)]
struct Reports {
    failing: bool,
    refused: Vec<IpAddr>,
}

impl Reports {
    fn success(&mut self, want: &Want, mut refused: Vec<IpAddr>, registry: &Registry) {
        if std::mem::take(&mut self.failing) {
            tracing::info!(name = &*want.name, "a DNS name resolves again");
        }
        refused.sort_unstable();
        if refused != self.refused && !refused.is_empty() {
            tracing::warn!(
                name = &*want.name,
                ?refused,
                backends = %backends(want, registry),
                "a DNS name resolves to addresses that are not used: expected neither loopback, link-local, multicast \
                 nor unspecified ones, nor those of a cloud's metadata"
            );
        }
        self.refused = refused;
    }

    fn failure(&mut self, want: &Want, error: &LookupError, registry: &Registry) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                name = &*want.name,
                %error,
                backends = %backends(want, registry),
                "a DNS name does not resolve: its last addresses stay in use, if it had any"
            );
        }
    }
}

fn backends(want: &Want, registry: &Registry) -> String {
    registry.backends_wanting(want).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;
