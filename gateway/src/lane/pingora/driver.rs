//! Passes connections to Pingora.

use super::access::Access;
use super::custom::{self, EndpointProxy};
use super::flow;
use super::http2::ARRIVAL;
use super::proxy::Proxy;
use super::roots::Roots;
use crate::connection::Arrival;
use crate::exchange::Context;
use bytes::BytesMut;
use pingora_core::apps::HttpServerApp;
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::HttpSession;
use pingora_core::server::configuration::ServerConf;
use std::cell::Cell;
use std::io;
use std::sync::Arc;
use tokio::sync::watch;

/// Pingora's bound on tries for one request; ours is the exchange's, and lower.
const PINGORA_TRIES: usize = 8;

/// A worker's HTTP proxy, with its pool of connections to endpoints.
pub(crate) struct PingoraLane {
    proxy: Arc<EndpointProxy>,
    access: Arc<Access>,
    /// Never signals a shutdown to Pingora: it would only apply to requests that start later, and all workers would read it
    /// from one lock. Our hooks handle the shutdown.
    never: watch::Receiver<bool>,
}

impl PingoraLane {
    /// A lane whose connection pool has the size of the current settings.
    ///
    /// # Errors
    /// If its proxy cannot be made.
    pub(crate) fn new(context: Arc<Context>) -> io::Result<Self> {
        let roots =
            Roots::placeholder().map_err(|error| tracing::warn!(%error, "backends with TLS need the system's roots"));
        let conf = ServerConf {
            ca_file: roots.as_ref().ok().map(Roots::path),
            threads: 1,
            max_retries: PINGORA_TRIES,
            upstream_keepalive_pool_size: context.publisher().load().settings().upstream.idle,
            ..ServerConf::default()
        };
        let access = Arc::new(Access::new(&conf));
        let proxy = custom::proxy(Arc::new(conf), Proxy { context, access: access.clone() })?;
        Ok(Self { proxy, access, never: watch::channel(false).1 })
    }

    /// What decides whether clients of this worker may come in.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Serves a request of HTTP/1 whose head, checked, is in `buffer` with what came behind it. Returns the connection if
    /// it may serve another one.
    pub(crate) async fn request(&self, stream: Stream, buffer: BytesMut, arrival: Box<Arrival>) -> Option<Stream> {
        let mut session = ServerSession::new_http1(stream);
        session.set_pipelined_prefix(buffer);
        session.set_connection_user_context(Some(arrival));
        let reused = flow::scope(self.proxy.process_new_http(session, &self.never)).await?;
        Some(reused.consume().0)
    }

    /// Serves the request of a stream of HTTP/2.
    pub(crate) async fn stream(self: Arc<Self>, session: HttpSession, arrival: Box<Arrival>) {
        let served = self.proxy.process_new_http(ServerSession::new_http2(session), &self.never);
        ARRIVAL.scope(Cell::new(Some(arrival)), flow::scope(served)).await;
    }
}
