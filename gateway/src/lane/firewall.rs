//! The step of an exchange in which the web application firewall inspects a request.

use super::client::{ClientRequest, Inspections};
use crate::exchange::{Failure, Inspector};
use crate::policy::waf::Refusal;
use std::ops::ControlFlow;
use tokio::time::timeout;

/// A worker's part of the firewall.
pub(super) struct Firewall(Inspections);

impl Firewall {
    pub(super) fn new() -> Self {
        Self(Inspections::new())
    }

    /// Has the request inspected. No endpoint gets a byte of it before it has passed.
    pub(super) async fn inspect(&self, request: &mut ClientRequest) -> Result<(), Failure> {
        let Some(inspector) = request.exchange.inspection(&request.head.view()) else { return Ok(()) };
        let has_body = request.exchange.inspects_body() && (request.is_buffered() || !request.session.is_body_done());
        let verdict = match has_body {
            false => self.run(request, inspector, Inspector::without_body).await?,
            true => self.inspect_with_body(request, inspector).await?,
        };
        if verdict.is_continue() {
            request.exchange.pass();
            request.inspect_response(self.0.clone());
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
        let body = match request.whole_body().await? {
            Some(body) => request.exchange.inspected_part(&body),
            None => {
                self.hold_body(request).await?;
                request.exchange.held()
            }
        };
        if request.exchange.is_settled() {
            return Ok(ControlFlow::Break(()));
        }
        self.run(request, inspector, move |inspector| inspector.body(&body)).await
    }

    /// Reads the body as far as the rules look at it.
    async fn hold_body(
        &self,
        ClientRequest { head, session, exchange, .. }: &mut ClientRequest,
    ) -> Result<(), Failure> {
        session.invite_body().await?;
        head.headers.remove("expect"); // the client waits no longer
        let patience = exchange.settings().client.body_timeout;
        while !session.is_body_done() {
            let read = timeout(patience, session.read_body()).await.map_err(|_| Failure::ClientTimeout)?;
            let Some(piece) = read? else { break };
            let Some(room) = self.0.hold(piece.len()) else {
                exchange.turn_away();
                break;
            };
            if exchange.hold(&piece, room).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Runs a part of the inspection. One that breaks lets nothing pass.
    async fn run(
        &self,
        ClientRequest { session, exchange, .. }: &mut ClientRequest,
        inspector: Inspector,
        part: impl FnOnce(&Inspector) -> Result<(), Refusal> + Send + 'static,
    ) -> Result<ControlFlow<()>, Failure> {
        match self.0.run(session, move || part(&inspector)).await? {
            Some(verdict) => Ok(exchange.inspected(verdict)),
            None => {
                exchange.turn_away();
                Ok(ControlFlow::Break(()))
            }
        }
    }
}
