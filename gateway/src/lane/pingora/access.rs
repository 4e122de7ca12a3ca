//! The steps of an exchange that decide whether a client may come in, before a backend is tried.

use super::subrequest::Subrequests;
use crate::exchange::{Exchange, Step};
use crate::policy::basic_auth::Verification;
use crate::request::RequestView;
use pingora_core::server::configuration::ServerConf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Passwords that are verified at once for a worker. Each keeps a thread busy, so they wait for each other, and not the
/// worker for them.
const VERIFICATIONS: usize = 1;

/// What a worker needs for these steps.
pub(crate) struct Access {
    subrequests: Arc<Subrequests>,
    verifications: Semaphore,
}

impl Access {
    pub(super) fn new(conf: &ServerConf) -> Self {
        Self { subrequests: Arc::new(Subrequests::new(conf)), verifications: Semaphore::new(VERIFICATIONS) }
    }

    /// Carries out the steps of access, and returns the one that follows. Futures are boxed: most requests have no such
    /// step, and each would move the memory for it.
    pub(in crate::lane) async fn next_step(&self, exchange: &mut Exchange, request: &RequestView<'_>) -> Step {
        loop {
            match exchange.next_step() {
                Step::Verify(verification) => {
                    let right = Box::pin(self.verify(verification)).await;
                    exchange.verified(request, right);
                }
                Step::Ask(server) => Box::pin(self.subrequests.ask(exchange, request, &server)).await,
                step => return step,
            }
        }
    }

    /// Whether credentials are right. What cannot be verified is not.
    async fn verify(&self, verification: Arc<Verification>) -> bool {
        let Some(_turn) = verification.turn().await else { return false };
        if let Some(right) = verification.result() {
            return right; // another request had the same credentials
        }
        let Ok(_thread) = self.verifications.acquire().await else { return false };
        let running = Arc::clone(&verification);
        spawn_blocking(move || running.run()).await.unwrap_or(false)
    }
}
