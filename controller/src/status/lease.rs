//! The election on a Lease, as it runs.

use super::election::Election;
use crate::apiserver::{Access, ApiFailure};
use crate::object::NamespacedName;
use http::StatusCode;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use std::future::Future;
use std::time::Instant;
use tokio::sync::watch;
use tokio::time::timeout;

/// A replica that takes part in an election.
pub(super) struct Candidate {
    access: Access,
    lease: NamespacedName,
    election: Election,
    leading: watch::Sender<bool>,
    failure: Option<String>,
}

impl Candidate {
    /// `leading` follows whether this replica leads.
    pub(super) fn new(access: Access, lease: NamespacedName, election: Election, leading: watch::Sender<bool>) -> Self {
        Self { access, lease, election, leading, failure: None }
    }

    /// Takes part until `stopped`, and then lets the Lease go.
    pub(super) async fn run(mut self, stopped: impl Future<Output = ()>) {
        tokio::select! {
            () = stopped => {}
            () = self.campaign() => {}
        }
        if self.leading.send_replace(false) {
            self.release().await;
        }
    }

    async fn campaign(&mut self) {
        loop {
            self.attempt().await;
            self.report();
            // Not all replicas at the same time.
            let pause = self.election.retry().mul_f64(0.9 + fastrand::f64() / 5.0);
            let left = self.election.left(Instant::now());
            tokio::time::sleep(left.map_or(pause, |left| left.min(pause))).await;
            self.report();
        }
    }

    /// Tries once to renew or to take over, for no longer than a leader may be silent.
    async fn attempt(&mut self) {
        let now = Instant::now();
        let limit = self.election.left(now).unwrap_or(self.election.deadline());
        let outcome = match timeout(limit, self.bid(now)).await {
            Ok(outcome) => outcome.map_err(|error| ApiFailure::from(error).message),
            Err(_) => Err("the API server does not answer".to_owned()),
        };
        match outcome {
            Ok(()) => self.failure = None,
            // What keeps failing may come to fail for another reason, such as when a server is back that knows us no more.
            Err(reason) if self.failure.as_ref() != Some(&reason) => {
                tracing::warn!(lease = %self.lease, reason, "cannot renew or take the Lease; traffic is not affected");
                self.failure = Some(reason);
            }
            Err(reason) => tracing::debug!(lease = %self.lease, reason, "cannot renew or take the Lease"),
        }
    }

    async fn bid(&mut self, now: Instant) -> kube::Result<()> {
        if let Some(renewal) = self.election.renewal(now, Timestamp::now()) {
            match self.replace(&renewal).await {
                Ok(written) => {
                    self.election.won(written, now);
                    return Ok(());
                }
                // Somebody wrote to it: look who.
                Err(error) if is(&error, StatusCode::CONFLICT) || is(&error, StatusCode::NOT_FOUND) => {}
                Err(error) => return Err(error),
            }
        }
        let found = self.find().await?;
        let is_new = found.is_none();
        let metadata = ObjectMeta { name: Some(self.lease.name.to_string()), ..ObjectMeta::default() };
        let found = found.unwrap_or(Lease { metadata, spec: None });
        let asked = Instant::now();
        let Some(bid) = self.election.bid(found, asked, Timestamp::now()) else { return Ok(()) };
        let written = if is_new { self.create(&bid).await } else { self.replace(&bid).await };
        match written {
            Ok(written) => self.election.won(written, asked),
            // Another was faster.
            Err(error) if is(&error, StatusCode::CONFLICT) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn report(&self) {
        let is_leading = self.election.is_leading(Instant::now());
        if self.leading.send_replace(is_leading) != is_leading {
            let change = if is_leading {
                "this replica writes statuses and Events"
            } else {
                "another replica writes statuses and Events"
            };
            tracing::info!(lease = %self.lease, "{change}");
        }
    }

    /// So that another replica can take over at once. When it fails, others wait until the Lease has run out.
    async fn release(&mut self) {
        let released = async {
            let Some(lease) = self.find().await? else { return Ok(()) };
            match self.election.release(lease, Timestamp::now()) {
                Some(released) => self.replace(&released).await.map(drop),
                None => Ok(()),
            }
        };
        if let Err(error) = released.await {
            tracing::warn!(lease = %self.lease, reason = ApiFailure::from(error).message, "cannot release the Lease");
        }
    }

    async fn find(&self) -> kube::Result<Option<Lease>> {
        self.access.call(|client| async move { self.leases(client).get_opt(&self.lease.name).await }).await
    }

    async fn create(&self, lease: &Lease) -> kube::Result<Lease> {
        self.access.call(|client| async move { self.leases(client).create(&PostParams::default(), lease).await }).await
    }

    async fn replace(&self, lease: &Lease) -> kube::Result<Lease> {
        let write =
            |client| async move { self.leases(client).replace(&self.lease.name, &PostParams::default(), lease).await };
        self.access.call(write).await
    }

    fn leases(&self, client: kube::Client) -> Api<Lease> {
        Api::namespaced(client, &self.lease.namespace)
    }
}

fn is(error: &kube::Error, code: StatusCode) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code.as_u16())
}
