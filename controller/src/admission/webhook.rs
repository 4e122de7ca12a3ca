//! The webhook as a part of the process.

use super::certificate::FileCertificate;
use super::serve::{self, Port};
use super::verdict::Review;
use crate::settings::WebhookSettings;
use anyhow::Context as _;
use gateway::telemetry::ControllerMetrics;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The webhook as it runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Webhook {
    address: SocketAddr,
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
        let WebhookSettings { port: Some(port), address, certificate: Some(certificate), key: Some(key) } = settings
        else {
            return Ok(None);
        };
        let address = SocketAddr::new(address.unwrap_or(any), *port);
        let certificate = FileCertificate::new(certificate.clone(), key.clone());
        let port = Port::new(Arc::new(certificate), review, metrics)?;
        let runtime = runtime().context("cannot start the runtime of the admission webhook")?;
        let listener = runtime.block_on(TcpListener::bind(address)).with_context(|| {
            format!("cannot listen on {address} for the admission webhook (choose another with --validating-webhook)")
        })?;
        let address = listener.local_addr().context("the admission webhook has no address")?;
        runtime.spawn(serve::serve(listener, port));
        Ok(Some(Self { address, _runtime: runtime }))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
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
