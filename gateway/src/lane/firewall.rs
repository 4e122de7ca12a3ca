//! The step of an exchange in which the web application firewall inspects a request.

use super::client::ClientRequest;
use crate::exchange::{Failure, Inspector};
use crate::policy::waf::Refusal;
use http::header;
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
    pub(super) async fn inspect(&self, request: &mut ClientRequest) -> Result<(), Failure> {
        let Some(inspector) = request.exchange.inspection(&request.head.view()) else { return Ok(()) };
        let has_body = request.exchange.inspects_body() && !request.session.is_body_done();
        let verdict = match has_body {
            false => self.run(request, inspector, Inspector::without_body).await?,
            true => self.inspect_with_body(request, inspector).await?,
        };
        if verdict.is_continue() {
            request.exchange.pass();
        }
        Ok(())
    }

    /// The head comes first: for a request that is refused by it, no body is read.
    async fn inspect_with_body(
        &self,
        request: &mut ClientRequest,
        inspector: Inspector,
    ) -> Result<ControlFlow<()>, Failure> {
        if self.run(request, inspector.clone(), Inspector::head).await?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.hold_body(request).await?;
        if request.exchange.is_settled() {
            return Ok(ControlFlow::Break(()));
        }
        let body = request.exchange.held();
        self.run(request, inspector, move |inspector| inspector.body(&body)).await
    }

    /// Reads the body as far as the rules look at it.
    async fn hold_body(
        &self,
        ClientRequest { head, session, exchange, .. }: &mut ClientRequest,
    ) -> Result<(), Failure> {
        session.invite_body().await?;
        head.headers.remove(header::EXPECT); // the client waits no longer
        let patience = exchange.settings().client.body_timeout;
        while !session.is_body_done() {
            let read = timeout(patience, session.read_body()).await.map_err(|_| Failure::ClientTimeout)?;
            let Some(piece) = read? else { break };
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
        ClientRequest { session, exchange, .. }: &mut ClientRequest,
        inspector: Inspector,
        part: impl FnOnce(&Inspector) -> Result<(), Refusal> + Send + 'static,
    ) -> Result<ControlFlow<()>, Failure> {
        let Ok(_place) = self.places.try_acquire() else {
            exchange.turn_away();
            return Ok(ControlFlow::Break(()));
        };
        let turn = session.or_gone(Arc::clone(&self.threads).acquire_owned()).await?;
        let running = spawn_blocking(move || {
            let _turn = turn;
            part(&inspector)
        });
        let verdict = running.await.map_err(|_| Failure::Internal)?;
        Ok(exchange.inspected(verdict))
    }
}
