//! What snippets say of limits on clients: `limit_req`, `limit_conn` and what goes with them.

use super::Template;
use std::num::NonZero;
use std::sync::Arc;

/// How much one client may ask of a route, as its snippets and those of its server say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SnippetLimits {
    /// `limit_req` and its like: how many requests in a time.
    pub requests: Limits<RequestLimit>,
    /// `limit_conn` and its like: how many requests in progress.
    pub connections: Limits<ConnectionLimit>,
}

/// Limits of one kind, all of which hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits<L> {
    /// The limits, in their order. Default none.
    pub limits: Arc<[L]>,
    /// The status of requests above one of them, or above one of [`super::ClientLimits`], from 400 to 599. Default none: that of
    /// [`super::LimitSettings`].
    pub status: Option<u16>,
    /// Requests above a limit are not refused, of [`super::ClientLimits`] neither, and none waits. Default false.
    pub dry_run: bool,
}

impl<L> Default for Limits<L> {
    fn default() -> Self {
        Self { limits: Arc::from([]), status: None, dry_run: false }
    }
}

/// `limit_req zone=NAME burst=NUMBER delay=NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestLimit {
    /// Where requests are counted.
    pub zone: Arc<RequestZone>,
    /// How many requests may come at once beyond the first. Default 0.
    pub burst: u32,
    /// How many of these go on at once; those beyond wait until the rate allows for them. Default 0; `u32::MAX` is `nodelay`.
    pub delay: u32,
}

/// `limit_conn NAME NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionLimit {
    /// Where requests are counted.
    pub zone: Arc<LimitZone>,
    /// The requests in progress.
    pub most: NonZero<u16>,
}

/// `limit_req_zone`: where requests of clients are counted, and how many may come in a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestZone {
    /// Where they are counted.
    pub zone: LimitZone,
    /// `rate`: so many requests in a second, or in a minute. Default 1.
    pub rate: NonZero<u32>,
    /// The rate is one of a minute. Default false.
    pub per_minute: bool,
}

/// `limit_conn_zone`, and the same of a [`RequestZone`]. All limits with an equal one count together, and go on counting when
/// other limits come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitZone {
    /// Its name.
    pub name: Arc<str>,
    /// The text that tells clients apart; those with an empty one are not counted.
    pub key: Template,
    /// The clients whose requests in a time are known at most, from 1 to [`Self::MAX_CLIENTS`].
    pub clients: u32,
}

impl LimitZone {
    /// The clients of nginx's zone of 64 MB.
    pub const MAX_CLIENTS: u32 = 524_288;
}
