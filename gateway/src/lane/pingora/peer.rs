//! Endpoints in the form that Pingora's connector needs.

use crate::exchange::Destination;
use pingora_core::protocols::TcpKeepalive;
use pingora_core::upstreams::peer::{H1UpgradePolicy, HttpPeer};
use std::time::Duration;

/// Requests on one connection of HTTP/2 at a time. nginx gives each its own connection; Pingora's default is 1, too.
const STREAMS: usize = 128;
/// Bytes of a response that may be buffered for its client.
const STREAM_WINDOW: u32 = 64 << 10;
/// The connection's window is large enough for what is buffered on all streams, so that a slow client does not block the
/// others. h2 allows small frames an overhead of half of it, and closes the connection beyond: that suffices for frames of
/// 32 bytes on every stream.
const CONNECTION_WINDOW: u32 = 256 << 20;

/// When an idle connection is probed, how often then, and how many unanswered probes end it.
const KEEPALIVE: TcpKeepalive = TcpKeepalive {
    idle: Duration::from_secs(60),
    interval: Duration::from_secs(10),
    count: 6,
    user_timeout: Duration::from_secs(120),
};

/// Builds the peer of a destination.
pub(super) fn build(destination: &Destination) -> Box<HttpPeer> {
    // rustls sends no name for an address, and ingress-nginx sends none by default. Without any, Pingora cannot connect.
    let name = destination.tls.as_ref().map(|tls| match &tls.server_name {
        Some(name) => name.to_string(),
        None => destination.address.ip().to_string(),
    });
    let mut peer = HttpPeer::new(destination.address, destination.tls.is_some(), name.unwrap_or_default());
    peer.group_key = group_key(destination);
    let options = &mut peer.options;
    options.verify_cert = false;
    options.verify_hostname = false;
    options.connection_timeout = Some(destination.timeouts.connect);
    options.read_timeout = Some(destination.timeouts.read);
    options.write_timeout = Some(destination.timeouts.send);
    options.idle_timeout = Some(destination.idle_timeout);
    // Linux also takes a window that stays closed for a dead peer: how long it may be so is up to the timeout.
    let user_timeout = KEEPALIVE.user_timeout.max(destination.timeouts.send);
    options.tcp_keepalive = Some(TcpKeepalive { user_timeout, ..KEEPALIVE });
    options.http_upstream_request_policy.h1_upgrade = H1UpgradePolicy::Deny; // the upgrade lane serves them
    // The exchange removes what `Connection` names. Pingora would refuse the request if that is X-Forwarded-For.
    options.http_upstream_request_policy.strip_connection_nominated = false;
    if destination.http2 {
        options.set_http_version(2, 2);
        options.max_h2_streams = STREAMS;
        options.h2_stream_window_size = Some(STREAM_WINDOW);
        options.h2_connection_window_size = Some(CONNECTION_WINDOW);
    }
    Box::new(peer)
}

/// Part of the pool's key: Pingora's own key has only address, TLS and its names.
fn group_key(destination: &Destination) -> u64 {
    let settings = destination.tls.as_ref().and_then(|tls| tls.settings.as_ref());
    destination.pool_key ^ u64::from(destination.http2) ^ settings.map_or(0, |settings| settings.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Timeouts;
    use crate::exchange::BackendTls;
    use pingora_core::upstreams::peer::{ALPN, Peer};
    use std::collections::HashSet;

    fn destination(tls: bool, http2: bool) -> Destination {
        Destination {
            address: "[::1]:8443".parse().expect("an address"),
            tls: tls.then(BackendTls::default),
            http2,
            pool_key: 7,
            timeouts: Timeouts { send: Duration::from_secs(600), ..Timeouts::default() },
            idle_timeout: Duration::from_secs(60),
            largest_piece: usize::MAX,
        }
    }

    #[test]
    fn protocols_share_no_connections() {
        let peers =
            [(false, false), (false, true), (true, false), (true, true)].map(|(t, h)| build(&destination(t, h)));
        assert_eq!(peers.iter().map(|peer| peer.reuse_hash()).collect::<HashSet<_>>().len(), 4);
        let versions = peers.each_ref().map(|peer| peer.options.alpn.clone());
        assert_eq!(versions, [ALPN::H1, ALPN::H2, ALPN::H1, ALPN::H2]);
    }

    #[test]
    fn nothing_is_verified_and_a_name_is_there() {
        let peer = build(&destination(true, false));
        assert_eq!((peer.sni(), peer.verify_cert(), peer.verify_hostname()), ("::1", false, false));
        let tls = Some(BackendTls { server_name: Some("auth.example".into()), settings: None });
        assert_eq!(build(&Destination { tls, ..destination(true, false) }).sni(), "auth.example");
    }

    #[test]
    fn a_slow_endpoint_is_not_taken_for_a_dead_one() {
        let keepalive = build(&destination(false, false)).options.tcp_keepalive.clone().expect("keep-alive");
        assert_eq!(keepalive.user_timeout, Duration::from_secs(600));
    }
}
