//! Endpoints as Pingora's connector wants them.

use crate::proxy::Destination;
use pingora_core::upstreams::peer::{H1UpgradePolicy, HttpPeer};

/// A peer that is spoken to without TLS.
pub(crate) fn plain(destination: &Destination) -> Box<HttpPeer> {
    let mut peer = HttpPeer::new(destination.address, false, String::new());
    // Everything that must not share connections is in the key: Pingora's own covers address and TLS names only.
    peer.group_key = destination.pool_key;
    peer.options.connection_timeout = Some(destination.timeouts.connect);
    peer.options.read_timeout = Some(destination.timeouts.read);
    peer.options.write_timeout = Some(destination.timeouts.send);
    peer.options.idle_timeout = Some(destination.idle_timeout);
    peer.options.http_upstream_request_policy.h1_upgrade = H1UpgradePolicy::Deny; // upgrades go through a tunnel
    Box::new(peer)
}
