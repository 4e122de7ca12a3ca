//! What Adit writes to a cluster: the statuses of the Ingresses that it serves and of Gateway API's objects, and the Services
//! of Gateways, by the replica that holds the Lease.
//!
//! [`election`] decides who leads, [`plan`], [`gateway_api`] and [`infrastructure`] what to write; all are pure. [`lease`] and [`writer`] carry that out,
//! [`observation`] is what the pipeline reports to them, and [`replicas`] asks which Pods and nodes run us. Nothing that
//! goes wrong here reaches traffic.

mod addresses;
mod election;
mod gateway_api;
mod infrastructure;
mod lease;
mod observation;
mod patch;
mod plan;
mod replicas;
mod writer;

pub(crate) use observation::Observations;
pub use observation::Reporter;

use crate::apiserver::Access;
use crate::object::NamespacedName;
use crate::settings::{ControllerSettings, StatusSettings};
use election::Election;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lease::Candidate;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use writer::Writer;

/// How long to wait for the last statuses. Those that take longer may still be written while connections drain.
const WRITER_TIMEOUT: Duration = Duration::from_secs(8);

/// How long to wait for the Lease's release.
const LEASE_TIMEOUT: Duration = Duration::from_secs(3);

/// The election and the status writer as they run. Both end with the runtime.
#[derive(Debug)]
pub struct Status {
    leading: watch::Receiver<bool>,
    writer: Option<Part>,
    candidate: Option<Part>,
}

impl Status {
    /// Starts both on the current runtime. Without observations, no status is written.
    pub(crate) fn start(
        settings: &StatusSettings,
        access: &Access,
        observations: Option<Observations>,
        controller: &ControllerSettings,
    ) -> Self {
        let (leads, leading) = watch::channel(!settings.election);
        let candidate = settings.election.then(|| {
            let election = Election::new(identity(settings), settings.election_ttl);
            let lease = own_object(&settings.election_id, settings, access);
            let candidate = Candidate::new(access.clone(), lease, election, leads);
            Part::start(|stopped| candidate.run(stopped))
        });
        let writer = observations.map(|observations| {
            let writer = Writer::new(access.clone(), settings.clone(), observations, leading.clone(), controller);
            Part::start(|stopped| writer.run(stopped))
        });
        Self { leading, writer, candidate }
    }

    /// Whether we hold the Lease, and so are the one replica that writes.
    pub fn leading(&self) -> watch::Receiver<bool> {
        self.leading.clone()
    }

    /// Ends both: the last replica takes its addresses away, and whoever leads lets the Lease go. This takes a few
    /// seconds at most.
    pub(crate) async fn stop(self) {
        for (part, limit) in [(self.writer, WRITER_TIMEOUT), (self.candidate, LEASE_TIMEOUT)] {
            if let Some(part) = part {
                part.stop(limit).await;
            }
        }
    }
}

/// A task that can be asked to end.
#[derive(Debug)]
struct Part {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Part {
    fn start<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(BoxFuture<'static, ()>) -> F) -> Self {
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            // A server that is dropped ends at once: it says nothing, and nothing is tidied up.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        Self { stop, task: tokio::spawn(run(stopped.boxed())) }
    }

    async fn stop(self, limit: Duration) {
        // It fails if the task has ended, which is as well.
        let _ = self.stop.send(());
        if timeout(limit, self.task).await.is_err() {
            tracing::warn!(?limit, "the API server is too slow for the last writes of this process");
        }
    }
}

/// The name of one of our own objects: in our Pod's namespace, or in that of the kubeconfig.
pub(crate) fn own_object(name: &str, settings: &StatusSettings, access: &Access) -> NamespacedName {
    let namespace = match &settings.pod {
        Some(pod) => pod.namespace.clone(),
        None => access.client().1.default_namespace().into(),
    };
    NamespacedName { namespace, name: name.into() }
}

/// A Pod's name is its own, also of the process that starts in it again. Elsewhere a machine may run several.
fn identity(settings: &StatusSettings) -> String {
    match &settings.pod {
        Some(pod) => pod.name.to_string(),
        None => format!("{}_{:016x}", gethostname::gethostname().to_string_lossy(), fastrand::u64(..)),
    }
}
