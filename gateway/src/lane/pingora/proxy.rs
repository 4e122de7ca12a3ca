//! Pingora's hooks: each calls one method of [`Exchange`] and carries out the step that it returns. There are no policies
//! here.

use super::session::{
    configure, discard_body, invite_body, keep_target, record, settle_end_for_http_10, settle_framing,
    settle_keepalive, view, write_failure,
};
use super::{fault, peer};
use crate::exchange::{Destination, Exchange, Failure, Step};
use async_trait::async_trait;
use bytes::Bytes;
use http::Version;
use pingora_core::modules::http::HttpModules;
use pingora_core::protocols::Digest;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorSource, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, Session};
use std::cell::Cell;
use std::future::Future;
use std::ops::ControlFlow;
use std::os::fd::RawFd;
use std::time::Duration;
use tokio::task_local;

/// The hooks.
pub(super) struct Proxy;

/// A request whose exchange has begun, on its way to the first endpoint.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) exchange: Box<Exchange>,
    pub(super) destination: Destination,
}

task_local! {
    /// The request that a task serves: Pingora's sessions cannot hold it.
    static BEGUN: Cell<Option<Begun>>;
}

impl Begun {
    /// Passes the request to the hooks that are called meanwhile.
    pub(super) fn scope<F: Future>(self, served: F) -> impl Future<Output = F::Output> {
        BEGUN.scope(Cell::new(Some(self)), served)
    }

    fn take() -> Option<Self> {
        BEGUN.try_with(Cell::take).ok().flatten()
    }
}

/// A request between two hooks.
#[derive(Debug, Default)]
pub(super) struct RequestCtx {
    exchange: Option<Box<Exchange>>,
    /// Where it is to go.
    destination: Option<Destination>,
    /// There is no whole answer, and there will be none.
    unanswered: bool,
}

impl RequestCtx {
    fn exchange(&mut self) -> Result<&mut Exchange> {
        self.exchange.as_deref_mut().ok_or_else(no_exchange)
    }

    /// Takes the exchange's next step as far as it is an attempt. The error ends the request: it is answered when Pingora
    /// has given it up.
    fn attempt(&mut self) -> Result<()> {
        match self.exchange()?.next_step() {
            Step::Attempt(destination) => {
                self.destination = Some(destination);
                Ok(())
            }
            Step::Reply(reply) => Error::e_explain(ErrorType::HTTPStatus(reply.status), reply.reason.label()),
            Step::Abandon => Error::e_explain(ErrorType::ConnectionClosed, "the client is gone"),
            Step::Close => Error::e_explain(ErrorType::ConnectionClosed, "the client gets no answer"),
            Step::Verify(_) | Step::Ask(_) => {
                Error::e_explain(ErrorType::InternalError, "who may come in is decided before all else")
            }
        }
    }

    /// Reports an error to the exchange, and marks it for Pingora.
    fn report(&mut self, mut error: Box<Error>, failure: Failure) -> Box<Error> {
        if let Some(exchange) = &mut self.exchange {
            exchange.failed(failure);
        }
        error.set_retry(self.attempt().is_ok());
        error
    }
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = RequestCtx;

    fn new_ctx(&self) -> RequestCtx {
        RequestCtx::default()
    }

    // Pingora's default adds a compression module to every request.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, ctx: &mut RequestCtx) -> Result<bool> {
        let Begun { exchange, destination } = Begun::take().ok_or_else(no_exchange)?;
        if let Some(target) = exchange.arrival().target.clone() {
            keep_target(session.req_header_mut(), target);
        }
        configure(session, &exchange);
        (ctx.exchange, ctx.destination) = (Some(exchange), Some(destination));
        invite_body(session).await.map(|()| false)
    }

    async fn upstream_peer(&self, _session: &mut Session, ctx: &mut RequestCtx) -> Result<Box<HttpPeer>> {
        let destination = ctx.destination.take();
        Ok(peer::build(&destination.ok_or_else(no_exchange)?))
    }

    async fn connected_to_upstream(
        &self,
        _session: &mut Session,
        reused: bool,
        _peer: &HttpPeer,
        _fd: RawFd,
        _digest: Option<&Digest>,
        ctx: &mut RequestCtx,
    ) -> Result<()> {
        ctx.exchange()?.connected(reused);
        Ok(())
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        upstream: &mut RequestHeader,
        ctx: &mut RequestCtx,
    ) -> Result<()> {
        ctx.exchange()?.forward(&view(session.req_header()), upstream);
        Ok(())
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        ctx: &mut RequestCtx,
    ) -> Result<()> {
        let bytes = body.as_ref().map_or(0, Bytes::len);
        if end && bytes == 0 {
            *body = None; // Some(empty) at the end would be written as a second terminating chunk (Pingora #935)
        }
        // Only an error of the client's ends a request to a backend of HTTP/2 at once.
        match ctx.exchange()?.request_body(bytes) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => ctx.attempt().map_err(|error| error.into_down()),
        }
    }

    // The head as the backend sent it: Pingora adds framing of its own before the next hook.
    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        _ctx: &mut RequestCtx,
    ) -> Result<()> {
        settle_framing(session.req_header(), response)
            .map_err(|error| Error::because(ErrorType::InvalidHTTPHeader, "a backend's head", error).into_up())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut RequestCtx,
    ) -> Result<()> {
        let http_10 = session.req_header().version == Version::HTTP_10;
        let status = response.status.as_u16();
        if status == 101 {
            // Who asks for an upgrade does not come this way.
            return Err(Error::explain(ErrorType::InvalidHTTPHeader, "101 that was not asked for").into_up());
        }
        let exchange = ctx.exchange()?;
        if !response.status.is_informational() {
            exchange.response_head(status);
        } else if exchange.interim_response().is_break() {
            return Err(Error::explain(ErrorType::InvalidHTTPHeader, "too many interim responses").into_up());
        }
        exchange.respond(&view(session.req_header()), false, response);
        settle_keepalive(session, exchange);
        if http_10 {
            settle_end_for_http_10(session, response);
        }
        Ok(())
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        _end: bool,
        ctx: &mut RequestCtx,
    ) -> Result<Option<Duration>> {
        Ok(ctx.exchange()?.response_body(body.as_ref().map_or(0, Bytes::len)))
    }

    fn fail_to_connect(
        &self,
        session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut RequestCtx,
        error: Box<Error>,
    ) -> Box<Error> {
        if fault::is_unprocessed(&error) {
            // A connection that was kept took no other stream.
            let failure = failure_of(&error, session, true);
            return ctx.report(error, failure);
        }
        let timed_out = error.etype() == &ErrorType::ConnectTimedout;
        ctx.report(error, Failure::Connect { timed_out })
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        ctx: &mut RequestCtx,
        reused: bool,
    ) -> Box<Error> {
        let stale = reused && fault::is_cut_off(&error) || fault::is_unprocessed(&error);
        let failure = failure_of(&error, session, stale);
        ctx.report(error, failure)
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, ctx: &mut RequestCtx) -> FailToProxy {
        let failure = failure_of(error, session, false);
        let step = ctx.exchange.as_mut().map(|exchange| {
            exchange.failed(failure);
            exchange.next_step()
        });
        let status = match (step, &ctx.exchange) {
            (Some(Step::Reply(reply)), Some(exchange)) => write_failure(session, exchange, &reply).await,
            _ => 0,
        };
        ctx.unanswered = status == 0;
        FailToProxy { error_code: status, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _error: Option<&Error>, ctx: &mut RequestCtx) {
        let Some(exchange) = &mut ctx.exchange else { return };
        record(session, exchange);
        if !ctx.unanswered {
            discard_body(session, exchange).await;
        }
    }

    // Failures are counted and logged by the exchange.
    fn suppress_error_log(&self, _session: &Session, _ctx: &RequestCtx, error: &Error) -> bool {
        error.etype() != &ErrorType::InternalError
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _ctx: &RequestCtx,
        _error: &Error,
        _context: pingora_proxy::ProxyWarnLogContext,
    ) -> bool {
        true
    }
}

fn no_exchange() -> Box<Error> {
    Error::explain(ErrorType::InternalError, "no exchange has begun")
}

/// Sorts Pingora's error by whose fault it is. `stale`: see [`Failure::Upstream`].
fn failure_of(error: &Error, session: &mut Session, stale: bool) -> Failure {
    let timed_out = fault::is_timeout(error);
    match error.esource() {
        ErrorSource::Upstream => Failure::Upstream {
            timed_out,
            stale,
            replayable: (fault::is_repeatable(&session.req_header().method) || fault::is_unprocessed(error))
                && !session.as_ref().retry_buffer_truncated(),
        },
        ErrorSource::Downstream => fault::of_client(error),
        ErrorSource::Internal | ErrorSource::Unset => Failure::Internal,
    }
}
