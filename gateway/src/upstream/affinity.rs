//! Which endpoint the key of a session leads to, as in ingress-nginx: a client that comes from there stays where it is.
//!
//! What a look-up needs is made when the endpoints change, for upstreams whose routes ask for it.

use super::endpoints::EndpointState;
use super::ring::Ring;
use crate::config::AffinityMode;
use md5::{Digest, Md5};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

/// How many keys are tried for a new session, so that one leads to an endpoint that has not failed: with one of two left,
/// one session in 10^30 finds none.
const KEYS: usize = 100;

/// The key of a session, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    hash: u32,
    name: Option<u128>,
}

impl SessionKey {
    /// The key of a cookie, of whatever length and bytes.
    pub fn of(key: &[u8]) -> Self {
        Self { hash: crc32fast::hash(key), name: name_of(key) }
    }
}

/// The number that an endpoint's name is in lower-case hexadecimal digits.
fn name_of(key: &[u8]) -> Option<u128> {
    let is_name = key.len() == 32 && key.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let key = std::str::from_utf8(key).ok().filter(|_| is_name)?;
    u128::from_str_radix(key, 16).ok()
}

/// What tells, in a session's cookie, which upstream it is with.
pub(super) fn tag(upstream: &str) -> Box<str> {
    hex(&Md5::digest(hex(&Md5::digest(upstream)) + upstream)).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes all
        text
    })
}

/// The endpoints of an upstream by the keys of sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    endpoints: Box<[Arc<EndpointState>]>,
    ring: Option<Ring>,
    names: Option<Names>,
}

impl Sessions {
    /// Whether it can look up keys of this mode.
    pub(super) fn has(&self, mode: AffinityMode) -> bool {
        match mode {
            AffinityMode::Balanced => self.ring.is_some(),
            AffinityMode::Persistent => self.names.is_some(),
        }
    }

    /// Whether it can look up any.
    pub(super) fn are_kept(&self) -> bool {
        self.has(AffinityMode::Balanced) || self.has(AffinityMode::Persistent)
    }

    /// The same of an upstream that has these endpoints, and of `mode`, too.
    pub(super) fn of(&self, upstream: &str, endpoints: &[Arc<EndpointState>], mode: Option<AffinityMode>) -> Self {
        let wants = |wanted| self.has(wanted) || mode == Some(wanted);
        let addresses = || endpoints.iter().map(|endpoint| endpoint.address());
        Self {
            endpoints: endpoints.into(),
            ring: wants(AffinityMode::Balanced).then(|| Ring::of(addresses().map(|address| address.to_string()))),
            names: wants(AffinityMode::Persistent).then(|| Names::of(upstream, addresses())),
        }
    }

    /// All of them.
    pub(super) fn endpoints(&self) -> &[Arc<EndpointState>] {
        &self.endpoints
    }

    /// The endpoint that a key leads to, or while that is in `skipped` the next one that is not, always the same. In
    /// [`AffinityMode::Balanced`] every key leads to one, if there is any.
    pub(super) fn find(
        &self,
        mode: AffinityMode,
        key: SessionKey,
        skipped: &[SocketAddr],
    ) -> Option<&Arc<EndpointState>> {
        let unskipped = |at: usize| self.endpoints.get(at).filter(|endpoint| !skipped.contains(&endpoint.address()));
        match mode {
            AffinityMode::Balanced => self.ring.as_ref()?.walk(key.hash).find_map(unskipped),
            AffinityMode::Persistent => self.names.as_ref()?.walk(key.name?)?.find_map(unskipped),
        }
    }

    /// An endpoint for a new session, by chance, whose address is not in `skipped`; and the key that leads there.
    pub(super) fn begin(&self, mode: AffinityMode, skipped: &[SocketAddr]) -> Option<(&Arc<EndpointState>, String)> {
        let unskipped = |at: usize| self.endpoints.get(at).filter(|endpoint| !skipped.contains(&endpoint.address()));
        match mode {
            AffinityMode::Balanced => {
                let ring = self.ring.as_ref()?;
                (0..KEYS).find_map(|_| {
                    let key = format!("{:016x}", fastrand::u64(..));
                    Some((unskipped(ring.find(crc32fast::hash(key.as_bytes()))?)?, key))
                })
            }
            AffinityMode::Persistent => {
                let names = self.names.as_ref()?;
                let left: Vec<_> =
                    names.0.iter().filter_map(|(name, at)| Some((unskipped(*at as usize)?, name))).collect();
                let (endpoint, name) = fastrand::choice(left)?;
                Some((endpoint, format!("{name:032x}")))
            }
        }
    }
}

/// The names of endpoints, in order, and their places: MD5 of the upstream's name and the address (ingress-nginx:
/// `util/nodemap.lua`).
#[derive(Debug)]
struct Names(Box<[(u128, u32)]>);

impl Names {
    fn of(upstream: &str, addresses: impl Iterator<Item = SocketAddr>) -> Self {
        let name = |address| u128::from_be_bytes(Md5::digest(format!("{upstream}{address}")).into());
        let mut names: Vec<_> = addresses.map(name).zip(0..).collect();
        names.sort_unstable();
        Self(names.into())
    }

    /// The place of a name, and then those of the others in order; nothing of a name that is not there.
    fn walk(&self, name: u128) -> Option<impl Iterator<Item = usize>> {
        let at = self.0.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        let (before, after) = self.0.split_at(at);
        Some(after.iter().chain(before).filter_map(|(_, place)| usize::try_from(*place).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Endpoint;

    fn endpoints(addresses: impl IntoIterator<Item = String>) -> Vec<Arc<EndpointState>> {
        let endpoint = |address: String| Endpoint { address: address.parse().expect("an address"), pod: None };
        addresses.into_iter().map(|address| Arc::new(EndpointState::new(endpoint(address), false))).collect()
    }

    fn sessions(addresses: impl IntoIterator<Item = String>) -> Sessions {
        let endpoints = endpoints(addresses);
        let balanced = Sessions::default().of("ns-svc-80", &endpoints, Some(AffinityMode::Balanced));
        balanced.of("ns-svc-80", &endpoints, Some(AffinityMode::Persistent))
    }

    fn found(sessions: &Sessions, mode: AffinityMode, key: &str) -> Option<String> {
        sessions.find(mode, SessionKey::of(key.as_bytes()), &[]).map(|endpoint| endpoint.address().to_string())
    }

    fn pods(count: usize) -> impl Iterator<Item = String> {
        (1..=count).map(|last| format!("10.0.0.{last}:8080"))
    }

    const MODES: [AffinityMode; 2] = [AffinityMode::Balanced, AffinityMode::Persistent];

    #[test]
    fn what_nobody_asked_for_is_not_there() {
        let none = Sessions::default().of("ns-svc-80", &endpoints(pods(2)), None);
        for mode in MODES {
            assert!(!none.has(mode) && none.begin(mode, &[]).is_none() && found(&none, mode, "key").is_none());
        }
        let empty = sessions([]);
        assert!(MODES.into_iter().all(|mode| empty.has(mode) && empty.begin(mode, &[]).is_none()));
        assert_eq!(found(&empty, AffinityMode::Balanced, "key"), None);
    }

    #[test]
    fn a_new_session_has_a_key_that_leads_to_its_endpoint() {
        let sessions = sessions(pods(3));
        let failed = ["10.0.0.1:8080".parse().expect("one"), "10.0.0.3:8080".parse().expect("one")];
        for mode in MODES {
            for _ in 0..50 {
                let (endpoint, key) = sessions.begin(mode, &[]).expect("one");
                assert_eq!(found(&sessions, mode, &key), Some(endpoint.address().to_string()));
                let (endpoint, _) = sessions.begin(mode, &failed).expect("one is left");
                assert_eq!(endpoint.address().to_string(), "10.0.0.2:8080");
            }
            assert!(sessions.begin(mode, &[failed[0], failed[1], "10.0.0.2:8080".parse().expect("one")]).is_none());
        }
    }

    #[test]
    fn while_an_endpoint_is_skipped_its_sessions_are_at_another_one() {
        let sessions = sessions(pods(5));
        for mode in MODES {
            let (own, key) = sessions.begin(mode, &[]).expect("one");
            let key = SessionKey::of(key.as_bytes());
            let found = |skipped: &[_]| sessions.find(mode, key, skipped).map(|endpoint| endpoint.address());
            let other = found(&[own.address()]).expect("others are left");
            assert_ne!(other, own.address());
            assert_eq!((found(&[own.address()]), found(&[other])), (Some(other), Some(own.address())));
        }
    }

    #[test]
    fn names_are_hexadecimal_in_lower_case() {
        let sessions = sessions(pods(3));
        let (endpoint, key) = sessions.begin(AffinityMode::Persistent, &[]).expect("one");
        let address = Some(endpoint.address().to_string());
        assert_eq!(found(&sessions, AffinityMode::Persistent, &key), address);
        for foreign in [key.to_uppercase(), format!("+{}", &key[1..]), key[1..].to_owned(), format!("{key}0")] {
            assert_eq!(found(&sessions, AffinityMode::Persistent, &foreign), None, "{foreign}");
        }
    }

    /// What `chash.c` of lua-resty-balancer computes.
    #[test]
    fn points_are_lua_resty_balancers() {
        let key = |number: usize| format!("1700000000.{number}.41.{}", number * 1234);
        for (sessions, expected) in [
            (sessions(pods(5)), [1, 1, 1, 5, 2, 5, 3, 2, 4, 1, 2, 3]),
            (sessions((1..=5).map(|last| format!("[2001:db8::{last}]:8080"))), [2, 4, 5, 5, 4, 1, 4, 1, 5, 3, 3, 4]),
        ] {
            let at = |address| sessions.endpoints.iter().position(|e| e.address().to_string() == address);
            let found = (0..12).filter_map(|number| at(found(&sessions, AffinityMode::Balanced, &key(number))?));
            assert_eq!(found.map(|at| at + 1).collect::<Vec<_>>(), expected);
        }
    }

    /// What ingress-nginx's `nodemap.lua` and `sticky.lua` compute.
    #[test]
    fn names_and_tags_are_ingress_nginxs() {
        let first = found(&sessions(pods(3)), AffinityMode::Persistent, "da8702fb593e0e105bbc54d86d9dbaa7");
        assert_eq!(first.as_deref(), Some("10.0.0.1:8080"));
        assert_eq!(&*tag("default-echo-80"), "df61074cff0dc933beb37e1d8124ac6f");
    }
}
