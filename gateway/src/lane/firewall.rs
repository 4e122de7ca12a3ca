//! The step of an exchange in which the web application firewall inspects a request.

use super::pingora::fault;
use super::pingora::session::{invite_body, or_client_gone, view};
use crate::exchange::{Exchange, Failure, Inspector};
use crate::policy::waf::Refusal;
use http::header;
use pingora_core::protocols::http::ServerSession;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Requests that are inspected at once for a worker. Each keeps a thread busy.
const INSPECTIONS: usize = 1;
/// Requests that may wait for that, or are inspected. Others get 503.
const WAITING: usize = 128;
/// Bytes of bodies that a worker holds back at most, 64 MiB. Requests beyond it get 503.
const HELD: usize = 64 << 20;

/// A worker's part of the firewall.
pub(super) struct Firewall {
    places: Semaphore,
    threads: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

impl Firewall {
    pub(super) fn new() -> Self {
        Self {
            places: Semaphore::new(WAITING),
            threads: Arc::new(Semaphore::new(INSPECTIONS)),
            room: Arc::new(Semaphore::new(HELD)),
        }
    }

    /// Has the request inspected. No endpoint gets a byte of it before it has passed.
    pub(super) async fn inspect(&self, exchange: &mut Exchange, session: &mut ServerSession) -> Result<(), Failure> {
        let Some(inspector) = exchange.inspection(&view(session.req_header())) else { return Ok(()) };
        let has_body = exchange.inspects_body() && !session.is_body_done();
        let verdict = match has_body {
            false => self.run(exchange, session, inspector, Inspector::without_body).await?,
            true => self.inspect_with_body(exchange, session, inspector).await?,
        };
        if verdict.is_continue() {
            exchange.pass();
        }
        Ok(())
    }

    /// The head comes first: for a request that is refused by it, no body is read.
    async fn inspect_with_body(
        &self,
        exchange: &mut Exchange,
        session: &mut ServerSession,
        inspector: Inspector,
    ) -> Result<ControlFlow<()>, Failure> {
        if self.run(exchange, session, inspector.clone(), Inspector::head).await?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.hold_body(exchange, session).await?;
        if exchange.is_settled() {
            return Ok(ControlFlow::Break(()));
        }
        let body = exchange.held();
        self.run(exchange, session, inspector, move |inspector| inspector.body(&body)).await
    }

    /// Reads the body as far as the rules look at it.
    async fn hold_body(&self, exchange: &mut Exchange, session: &mut ServerSession) -> Result<(), Failure> {
        invite_body(session).await.map_err(|error| fault::of_client(&error))?;
        session.req_header_mut().remove_header(&header::EXPECT); // it must not be invited again
        let patience = exchange.settings().client.body_timeout;
        while !session.is_body_done() {
            let read = timeout(patience, session.read_request_body()).await.map_err(|_| Failure::ClientTimeout)?;
            let Some(piece) = read.map_err(|error| fault::of_client(&error))? else { break };
            let size = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(size) else {
                exchange.turn_away();
                break;
            };
            if exchange.hold(&piece, room).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Runs a part of the inspection on a thread that may block, when it is its turn. A client that leaves while it waits
    /// gives up its place; what runs is not given up. An inspection that breaks lets nothing pass.
    async fn run(
        &self,
        exchange: &mut Exchange,
        session: &mut ServerSession,
        inspector: Inspector,
        part: impl FnOnce(&Inspector) -> Result<(), Refusal> + Send + 'static,
    ) -> Result<ControlFlow<()>, Failure> {
        let Ok(_place) = self.places.try_acquire() else {
            exchange.turn_away();
            return Ok(ControlFlow::Break(()));
        };
        let turn = or_client_gone(session, Arc::clone(&self.threads).acquire_owned()).await?;
        let running = spawn_blocking(move || {
            let _turn = turn;
            part(&inspector)
        });
        let verdict = running.await.map_err(|_| Failure::Internal)?;
        Ok(exchange.inspected(verdict))
    }
}
