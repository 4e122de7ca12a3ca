//! Fetches OCSP responses about certificates, for handshakes to send along: in the background, and for those certificates
//! that handshakes have presented.

mod responder;

use crate::telemetry::OcspMetrics;
use crate::tls::ocsp::{InvalidResponse, ServedKey, StapleQueue};
use crate::upstream::NameLookup;
use responder::Unanswered;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Responders that are asked at once. Others wait.
const AT_ONCE: usize = 16;

/// Fetches responses, of one process.
#[derive(Debug)]
pub struct OcspFetcher {
    queue: Arc<StapleQueue>,
    asker: Arc<Asker>,
}

/// How responders are asked.
#[derive(Debug)]
struct Asker {
    names: NameLookup,
    allow_loopback: bool,
    metrics: OcspMetrics,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error(transparent)]
    Invalid(#[from] InvalidResponse),
}

impl OcspFetcher {
    /// One for the certificates of `queue`. Names of responders are looked up by `names`; on the loopback there is none,
    /// unless `allow_loopback` says so.
    pub fn new(queue: Arc<StapleQueue>, names: NameLookup, allow_loopback: bool, metrics: OcspMetrics) -> Self {
        Self { queue, asker: Arc::new(Asker { names, allow_loopback, metrics }) }
    }

    /// Fetches until the future is dropped. To be run once, on any runtime but a worker's.
    pub async fn run(self) {
        let mut fetches = JoinSet::new();
        loop {
            while fetches.len() >= AT_ONCE {
                fetches.join_next().await;
            }
            let key = self.queue.next().await;
            while fetches.try_join_next().is_some() {}
            let asker = Arc::clone(&self.asker);
            fetches.spawn(async move { asker.fetch(&key).await });
        }
    }
}

impl Asker {
    async fn fetch(&self, key: &ServedKey) {
        match self.try_fetch(key).await {
            Ok(()) => self.metrics.fetched(),
            Err(error) => self.failed(key, &error),
        }
    }

    async fn try_fetch(&self, key: &ServedKey) -> Result<(), FetchError> {
        let Some(inquiry) = key.inquiry() else { return Ok(()) };
        let response = responder::ask(inquiry, &self.names, self.allow_loopback).await?;
        Ok(key.answered(response)?)
    }

    fn failed(&self, key: &ServedKey, error: &FetchError) {
        let is_good = !matches!(error, FetchError::Invalid(InvalidResponse::NotGood));
        match error {
            FetchError::Unanswered(_) => self.metrics.unanswered(),
            FetchError::Invalid(_) if is_good => self.metrics.invalid(),
            FetchError::Invalid(_) => self.metrics.not_good(),
        }
        // Of failures in a row only the first is told.
        if key.failed(is_good) == 1 {
            let url = key.inquiry().map_or("", |inquiry| &inquiry.url);
            tracing::warn!(certificate = %key.origin(), url, %error, "no OCSP response: handshakes go on without one");
        }
    }
}
