use super::MapValue;
use ipnet::IpNet;
use std::sync::Arc;

/// Requests that are answered with 403 on every host. Default none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Blocked {
    /// `block-cidrs`: those of these client addresses.
    pub networks: Arc<[IpNet]>,
    /// `block-user-agents`: those with such a `User-Agent`.
    pub user_agents: Arc<[MapValue]>,
    /// `block-referers`: those with such a `Referer`.
    pub referers: Arc<[MapValue]>,
}
