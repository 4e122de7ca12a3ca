//! Pingora's hooks, translated: each calls one method of [`Exchange`] and carries out what it says. No policy lives
//! here.

use super::session::{configure, record, settle_keepalive, view, write_failure, write_reply};
use super::{fault, http2, peer};
use crate::connection::Arrival;
use crate::exchange::{Context, Exchange, Failure, Verdict};
use crate::request::Reply;
use async_trait::async_trait;
use bytes::Bytes;
use http::Version;
use pingora_core::modules::http::HttpModules;
use pingora_core::protocols::Digest;
use pingora_core::protocols::http::v1::common::is_expect_continue_req;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorSource, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, Session};
use std::any::Any;
use std::os::fd::RawFd;
use std::sync::Arc;

/// The hooks.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) context: Arc<Context>,
}

/// A request between two hooks.
#[derive(Debug, Default)]
pub(super) struct RequestCtx {
    arrival: Option<Box<Arrival>>,
    /// Boxed: Pingora moves a request's state from one future into the next.
    exchange: Option<Box<Exchange>>,
    /// What to answer when Pingora has given the request up.
    reply: Option<Reply>,
}

impl RequestCtx {
    fn exchange(&mut self) -> Result<&mut Exchange> {
        self.exchange.as_deref_mut().ok_or_else(|| Error::explain(ErrorType::InternalError, "no exchange has begun"))
    }

    /// Gives the request up with this answer.
    fn abort(&mut self, reply: Reply) -> Box<Error> {
        let error = Error::explain(ErrorType::HTTPStatus(reply.status), reply.reason);
        self.reply = Some(reply);
        error
    }

    /// Lets the exchange judge an error, and marks it for Pingora.
    fn judge(&mut self, mut error: Box<Error>, failure: Failure) -> Box<Error> {
        if self.reply.is_some() {
            error.set_retry(false); // given up already
            return error;
        }
        let verdict = self.exchange.as_mut().map(|exchange| exchange.failed(failure));
        error.set_retry(verdict == Some(Verdict::Retry));
        if let Some(Verdict::Reply(reply)) = verdict {
            self.reply.get_or_insert(reply);
        }
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

    // Our head reader sends the arrival this way, with every request.
    fn on_connection_reuse(&self, _session: &mut Session, ctx: &mut RequestCtx, arrival: Box<dyn Any + Send + Sync>) {
        ctx.arrival = arrival.downcast().ok();
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut RequestCtx) -> Result<bool> {
        let Some(arrival) = ctx.arrival.take().or_else(http2::arrival) else {
            return Error::e_explain(ErrorType::InternalError, "a request did not come through the head reader");
        };
        let (exchange, reply) = Exchange::begin(&self.context, arrival, &view(session.req_header()));
        configure(session, &exchange);
        let exchange = ctx.exchange.insert(Box::new(exchange));
        match reply {
            Some(reply) => write_reply(session, exchange, &reply).await.map(|()| true),
            None => invite_body(session).await.map(|()| false),
        }
    }

    async fn upstream_peer(&self, _session: &mut Session, ctx: &mut RequestCtx) -> Result<Box<HttpPeer>> {
        match ctx.exchange()?.attempt() {
            Ok(destination) => Ok(peer::of(&destination)),
            Err(reply) => Err(ctx.abort(reply)),
        }
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
        ctx.exchange()?.request_body(bytes).map_err(|reply| ctx.abort(reply).into_down())
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
        exchange.response_head(status);
        exchange.respond(http_10, false, response);
        settle_keepalive(session, exchange);
        Ok(())
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
            return ctx.judge(error, failure);
        }
        let timed_out = error.etype() == &ErrorType::ConnectTimedout;
        ctx.judge(error, Failure::Connect { timed_out })
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
        ctx.judge(error, failure)
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, ctx: &mut RequestCtx) -> FailToProxy {
        let failure = failure_of(error, session, false);
        let reply = ctx.reply.take().or_else(|| match ctx.exchange.as_mut()?.failed(failure) {
            Verdict::Reply(reply) => Some(reply),
            Verdict::Retry | Verdict::Abandon => None,
        });
        let status = match (reply, &ctx.exchange) {
            (Some(reply), Some(exchange)) => write_failure(session, exchange, &reply).await,
            _ => 0,
        };
        FailToProxy { error_code: status, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _error: Option<&Error>, ctx: &mut RequestCtx) {
        let Some(exchange) = &mut ctx.exchange else { return };
        record(session, exchange);
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

/// Answers `Expect: 100-continue`, as nginx: the backend is not asked, and many would not answer.
async fn invite_body(session: &mut Session) -> Result<()> {
    if !is_expect_continue_req(session.req_header()) {
        return Ok(());
    }
    // Pingora would take this for an early answer and end the connection after the request.
    session.set_close_on_response_before_downstream_finish(false);
    session.write_continue_response().await?;
    session.set_close_on_response_before_downstream_finish(true);
    Ok(())
}

/// Sorts Pingora's error by whose fault it is. `stale`: see [`Failure::Upstream`].
fn failure_of(error: &Error, session: &mut Session, stale: bool) -> Failure {
    let timed_out = matches!(error.etype(), ErrorType::ReadTimedout | ErrorType::WriteTimedout);
    match error.esource() {
        ErrorSource::Upstream => Failure::Upstream {
            timed_out,
            stale,
            replayable: (session.req_header().method.is_idempotent() || fault::is_unprocessed(error))
                && !session.as_ref().retry_buffer_truncated(),
        },
        ErrorSource::Downstream if timed_out => Failure::ClientTimeout,
        ErrorSource::Downstream => match error.etype() {
            ErrorType::ReadError
            | ErrorType::WriteError
            | ErrorType::ConnectionClosed
            | ErrorType::ConnectError
            | ErrorType::H2Error => Failure::ClientGone,
            _ => Failure::ClientMalformed,
        },
        ErrorSource::Internal | ErrorSource::Unset => Failure::Internal,
    }
}
