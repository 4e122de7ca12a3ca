//! Passes requests to Pingora's proxy.

use super::access::Access;
use super::proxy::{Begun, Proxy};
use super::roots::Roots;
use super::session::ClientRequest;
use crate::exchange::{Context, Destination};
use bytes::BytesMut;
use pingora_core::apps::HttpServerApp;
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::{HttpProxy, http_proxy};
use std::sync::Arc;
use tokio::sync::watch;

/// Pingora's bound on tries for one request; ours is the exchange's, and lower.
const PINGORA_TRIES: usize = 8;

/// A worker's proxy of Pingora's, with its pool of connections to endpoints of HTTP/2.
pub(in crate::lane) struct PingoraLane {
    proxy: Arc<HttpProxy<Proxy>>,
    /// Never signals a shutdown to Pingora: it would only apply to requests that start later, and all workers would read it
    /// from one lock. Our hooks handle the shutdown.
    never: watch::Receiver<bool>,
}

impl PingoraLane {
    /// A lane whose connection pool has the size of the current settings, and what decides whether clients of its worker may
    /// come in.
    pub(in crate::lane) fn new(context: &Context) -> (Self, Access) {
        // Read while the connectors are made, and not later.
        let roots =
            Roots::placeholder().map_err(|error| tracing::warn!(%error, "backends with TLS need the system's roots"));
        let conf = Arc::new(ServerConf {
            ca_file: roots.as_ref().ok().map(Roots::path),
            threads: 1,
            max_retries: PINGORA_TRIES,
            upstream_keepalive_pool_size: context.publisher().load().settings().upstream.idle,
            ..ServerConf::default()
        });
        let access = Access::new(&conf);
        (Self { proxy: Arc::new(http_proxy(&conf, Proxy)), never: watch::channel(false).1 }, access)
    }

    /// Serves a request whose next step is to try this endpoint. Returns the connection if it may serve another request.
    pub(in crate::lane) async fn serve(&self, request: Box<ClientRequest>, destination: Destination) -> Option<Stream> {
        let ClientRequest { session, head, exchange } = *request;
        let session = match (session, head) {
            // Pingora reads its head once more.
            (ServerSession::H1(session), Some(head)) => {
                let mut session = ServerSession::new_http1(session.into_inner());
                session.set_pipelined_prefix(BytesMut::from(head));
                session
            }
            (session, _) => session,
        };
        let served = self.proxy.process_new_http(session, &self.never);
        let reused = Begun { exchange: Box::new(exchange), destination }.scope(served).await;
        Some(reused?.consume().0)
    }
}
