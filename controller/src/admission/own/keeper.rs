//! Keeps the certificate in its Secret, and the API server's trust in it.

use super::kept::Kept;
use super::shared::OwnCertificate;
use super::trust;
use crate::apiserver::{Access, ApiFailure, Backoff};
use crate::object::NamespacedName;
use http::{Request, header};
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// When to give up on the API server for this time.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One replica's care for the certificate.
pub(crate) struct Keeper {
    access: Access,
    /// Of the Secret and of the Service, and the name of the ValidatingWebhookConfiguration.
    name: NamespacedName,
    certificate: Arc<OwnCertificate>,
    /// How often all is looked at.
    interval: Duration,
    leading: watch::Receiver<bool>,
    shown: Option<Kept>,
    failure: Option<String>,
}

impl Keeper {
    /// One that shows what the Secret has, and takes care of it while it leads.
    pub(crate) fn new(
        access: Access,
        name: NamespacedName,
        certificate: Arc<OwnCertificate>,
        interval: Duration,
        leading: watch::Receiver<bool>,
    ) -> Self {
        Self { access, name, certificate, interval, leading, shown: None, failure: None }
    }

    /// Runs until the future is dropped.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let outcome = match timeout(TIMEOUT, self.keep()).await {
                Ok(outcome) => outcome.map_err(|failure| failure.message),
                Err(_) => Err("the API server does not answer".to_owned()),
            };
            let pause = match &outcome {
                Ok(true) => {
                    backoff.reset();
                    self.interval
                }
                Ok(false) | Err(_) => backoff.next().max(self.access.busy_for()),
            };
            self.report(outcome.err());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                Ok(()) = self.leading.changed() => {}
            }
        }
    }

    fn report(&mut self, failure: Option<String>) {
        if let Some(reason) = failure.as_ref().filter(|_| failure != self.failure) {
            tracing::warn!(
                name = %self.name, reason,
                "the certificate of the admission webhook cannot be looked after; traffic is not affected"
            );
        }
        self.failure = failure;
    }

    /// False while the replica that leads has not made a certificate yet.
    async fn keep(&mut self) -> Result<bool, ApiFailure> {
        let is_leading = *self.leading.borrow_and_update();
        let found = self.secret().await?;
        let mut kept = found.as_ref().and_then(Kept::read);
        if is_leading && kept.as_ref().is_none_or(|kept| kept.is_due(&self.name, Timestamp::now())) {
            kept = Some(self.renew(found, kept.as_ref()).await?);
        }
        let Some(kept) = kept else { return Ok(false) };
        self.show(&kept);
        if is_leading {
            self.make_believe(&kept).await?;
        }
        Ok(true)
    }

    /// Makes another certificate.
    async fn renew(&self, found: Option<Secret>, former: Option<&Kept>) -> Result<Kept, ApiFailure> {
        let now = Timestamp::now();
        let made = Kept::make(&self.name, now, former);
        let made = made.map_err(|error| ApiFailure::other(format!("no certificate can be made: {error}")))?;
        let believed = self.make_believe(&made).await;
        // Who is believed goes on, and nobody else is worse off with a certificate than without.
        if former.is_some_and(|former| former.is_good(now)) {
            believed?;
        }
        let is_new = found.is_none();
        let secret = made.secret(&self.name, found);
        let write = |client| async move {
            let secrets = self.secrets(client);
            match is_new {
                true => secrets.create(&PostParams::default(), &secret).await,
                false => secrets.replace(&self.name.name, &PostParams::default(), &secret).await,
            }
        };
        self.access.call(write).await?;
        tracing::info!(secret = %self.name, "the admission webhook has a new certificate");
        Ok(made)
    }

    /// Shows what the Secret has, if that is something else than before.
    fn show(&mut self, kept: &Kept) {
        if self.shown.as_ref() != Some(kept)
            && let Some(shown) = kept.shown()
        {
            self.certificate.set(shown);
            self.shown = Some(kept.clone());
        }
    }

    /// Has the API server believe the certificate.
    async fn make_believe(&self, kept: &Kept) -> Result<(), ApiFailure> {
        let name = &self.name.name;
        let find = |client| async move { Api::<ValidatingWebhookConfiguration>::all(client).get_opt(name).await };
        let found = self.access.call(find).await?;
        let absent = || {
            let why = "there is no ValidatingWebhookConfiguration of this name, so that the API server does not ask";
            ApiFailure::other(why)
        };
        let Some(patch) = trust::patch(&found.ok_or_else(absent)?, &self.name, kept.trusted()) else { return Ok(()) };
        let send = |client: Client| async move { client.request::<Value>(request(name, &patch)?).await };
        self.access.call(send).await?;
        tracing::info!(%name, "the API server believes the certificate of the admission webhook");
        Ok(())
    }

    async fn secret(&self) -> Result<Option<Secret>, ApiFailure> {
        Ok(self.access.call(|client| async move { self.secrets(client).get_opt(&self.name.name).await }).await?)
    }

    fn secrets(&self, client: Client) -> Api<Secret> {
        Api::namespaced(client, &self.name.namespace)
    }
}

fn request(name: &str, patch: &Value) -> kube::Result<Request<Vec<u8>>> {
    let url = format!("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{name}?fieldManager=adit");
    let request = Request::patch(url).header(header::CONTENT_TYPE, "application/json-patch+json");
    let request = request.body(patch.to_string().into_bytes());
    request.map_err(kube::core::request::Error::BuildRequest).map_err(kube::Error::BuildRequest)
}
