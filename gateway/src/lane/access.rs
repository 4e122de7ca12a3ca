//! The steps of an exchange before a backend is tried: those that decide whether a request may come in, and what is done
//! with its body.

use super::buffering::Buffering;
use super::client::{ClientRequest, ClientSession};
use super::firewall::Firewall;
use super::http1::Subrequests;
use super::http2::Calls;
use crate::exchange::{Context, Destination, EndpointProtocol, Failure, Step};
use crate::policy::basic_auth::Verification;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Passwords that are verified at once for a worker. Each keeps a thread busy, so they wait for each other, and not the
/// worker for them.
const VERIFICATIONS: usize = 1;

/// What a worker needs for these steps.
pub(crate) struct Access {
    subrequests: Subrequests,
    calls: Calls,
    verifications: Semaphore,
    firewall: Firewall,
    buffering: Buffering,
}

impl Access {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            subrequests: Subrequests::new(context),
            calls: Calls::new(context),
            verifications: Semaphore::new(VERIFICATIONS),
            firewall: Firewall::new(),
            buffering: Buffering::new(context),
        }
    }

    /// Carries out the steps of access, and returns the one that follows. Futures are boxed: most requests have no such
    /// step, and each would move the memory for it.
    pub(super) async fn next_step(&self, request: &mut ClientRequest) -> Step {
        loop {
            match request.exchange.next_step() {
                Step::Wait(time) => {
                    if let Err(failure) = Box::pin(request.session.or_gone(sleep(time))).await {
                        request.exchange.failed(failure);
                    }
                }
                Step::Verify(verification) => match Box::pin(self.verify(&mut request.session, &verification)).await {
                    Ok(right) => request.exchange.verified(&request.head.view(), right),
                    Err(failure) => request.exchange.failed(failure),
                },
                Step::Ask(server) => {
                    if let Err(failure) = Box::pin(self.ask(request, &server)).await {
                        request.body_failed(failure);
                    }
                }
                Step::Inspect => {
                    if let Err(failure) = Box::pin(self.firewall.inspect(request)).await {
                        request.body_failed(failure);
                    }
                }
                Step::Buffer => {
                    let framing = request.body_framing();
                    if let Some(limits) = request.exchange.buffer(framing)
                        && let Err(failure) = Box::pin(self.buffering.read(request, limits)).await
                    {
                        request.body_failed(failure);
                    }
                }
                Step::ErrorPage => request.exchange.turn_to_error_page(&request.head.view()),
                step => return step,
            }
        }
    }

    /// Asks an auth server, which may get the body of the request.
    async fn ask(&self, request: &mut ClientRequest, server: &Destination) -> Result<(), Failure> {
        let body = if request.exchange.auth_gets_body() { request.whole_body().await? } else { None };
        let ClientRequest { head, exchange, .. } = request;
        let view = head.view();
        let Some(asked) = exchange.auth_request(&view, body.unwrap_or_default()) else { return Ok(()) };
        let heard = match server.protocol {
            EndpointProtocol::Http2 => self.calls.call(asked, server).await.map(|answer| exchange.auth_answer(&answer)),
            _ => {
                let answer = self.subrequests.send(&asked, server, exchange.passed_auth_statuses()).await;
                answer
                    .map(|(head, body)| exchange.auth_response(&view, (head.status.as_u16(), head.headers.map()), body))
            }
        };
        heard.unwrap_or_else(|failure| exchange.failed(failure));
        Ok(())
    }

    /// Whether credentials are right. What cannot be verified is not. A client that leaves while it waits gives up its
    /// place; once a verification runs, its turn lasts as long.
    async fn verify(&self, session: &mut ClientSession, verification: &Arc<Verification>) -> Result<bool, Failure> {
        let Some(_turn) = session.or_gone(verification.turn()).await? else { return Ok(false) };
        if let Some(right) = verification.result() {
            return Ok(right); // another request had the same credentials
        }
        let Ok(_thread) = session.or_gone(self.verifications.acquire()).await? else { return Ok(false) };
        let running = Arc::clone(verification);
        Ok(spawn_blocking(move || running.run()).await.unwrap_or(false))
    }
}
