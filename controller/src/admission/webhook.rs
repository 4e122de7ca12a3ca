//! The webhook as a part of the process.

use super::files::FileCertificate;
use super::own::OwnCertificate;
use super::serve::{self, Port};
use super::verdict::Review;
use crate::settings::WebhookSettings;
use anyhow::Context as _;
use gateway::telemetry::ControllerMetrics;
use rustls::server::ResolvesServerCert;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The webhook as it runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Webhook {
    address: SocketAddr,
    own: Option<Arc<OwnCertificate>>,
    _runtime: Runtime,
}

impl Webhook {
    /// Starts it, if there is to be one. `any` is the address that stands for all of the machine's.
    ///
    /// # Errors
    /// The address cannot be listened on, or the thread cannot be started. A certificate that cannot be read is no error: it
    /// may come later.
    pub(crate) fn start(
        settings: &WebhookSettings,
        any: IpAddr,
        review: Arc<Review>,
        metrics: ControllerMetrics,
    ) -> anyhow::Result<Option<Self>> {
        let Some(port) = settings.port else { return Ok(None) };
        let address = SocketAddr::new(settings.address.unwrap_or(any), port);
        let (certificate, own) = certificate(settings);
        let port = Port::new(certificate, review, metrics)?;
        let runtime = runtime().context("cannot start the runtime of the admission webhook")?;
        let listener = runtime.block_on(TcpListener::bind(address)).with_context(|| {
            format!("cannot listen on {address} for the admission webhook (choose another with --validating-webhook)")
        })?;
        let address = listener.local_addr().context("the admission webhook has no address")?;
        runtime.spawn(serve::serve(listener, port));
        Ok(Some(Self { address, own, _runtime: runtime }))
    }

    /// The certificate that is Adit's own to look after, if nobody gives it one.
    pub(crate) fn own_certificate(&self) -> Option<Arc<OwnCertificate>> {
        self.own.clone()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn certificate(settings: &WebhookSettings) -> (Arc<dyn ResolvesServerCert>, Option<Arc<OwnCertificate>>) {
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => (Arc::new(FileCertificate::new(certificate.clone(), key.clone())), None),
        _ => {
            let own = Arc::new(OwnCertificate::default());
            (own.clone(), Some(own))
        }
    }
}

/// Of its own, so that nobody who calls the webhook holds up the control plane.
fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(serve::REVIEWS)
        .thread_name("admission")
        .enable_all()
        .build()
}
