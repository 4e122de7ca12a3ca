//! Kubernetes Events: what is wrong with an object, where `kubectl describe` shows it.
//!
//! [`event`] makes Events of diagnostics, [`queue`] says which to write when, and the [`Recorder`] writes them. An Event's
//! name follows from what it says, so that a replica that has just started, or has just become the leader, repeats
//! nothing: the API server has the Event already, and says so.

mod event;
mod queue;

use crate::apiserver::{Access, Backoff};
use crate::pipeline::State;
use http::StatusCode;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::PostParams;
use queue::Queue;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Writes what is wrong to the cluster, while this replica is the one that writes.
pub(crate) struct Recorder {
    access: Access,
    /// The name of this replica.
    instance: String,
    queue: Queue,
    backoff: Backoff,
    /// A warning that a Role is missing was logged.
    has_complained: bool,
}

impl Recorder {
    /// A recorder for the replica of this name.
    pub(crate) fn new(access: Access, instance: String) -> Self {
        Self { access, instance, queue: Queue::new(Instant::now()), backoff: Backoff::default(), has_complained: false }
    }

    /// Runs until the pipeline ends. Who leads only later reports then what is still wrong.
    pub(crate) async fn run(mut self, mut state: watch::Receiver<State>, mut leading: watch::Receiver<bool>) {
        state.mark_changed();
        loop {
            let wait = self.queue.wait(Instant::now());
            tokio::select! {
                changed = state.changed() => match changed {
                    Ok(()) => self.queue.update(event::facts(&state.borrow_and_update()), Instant::now()),
                    Err(_) => return,
                },
                () = until_due(wait, &mut leading) => if *leading.borrow() { self.write().await },
            }
        }
    }

    /// Writes one Event. After a failure it waits, so that nobody is asked again too soon.
    async fn write(&mut self) {
        let Some(fact) = self.queue.take(Instant::now()) else { return };
        let event = fact.event(&self.instance, jiff::Timestamp::now());
        match self.create(&event).await {
            Ok(()) => self.backoff.reset(),
            // The API server is well, and the others need not wait.
            Err(error) if is_final(&error) => self.log(&error),
            Err(error) => {
                self.log(&error);
                self.queue.put_back(fact, Instant::now());
                tokio::time::sleep(self.backoff.next().max(self.access.busy_for())).await;
            }
        }
    }

    /// Creates an Event, unless there is one of that name.
    async fn create(&self, event: &Event) -> kube::Result<()> {
        let namespace = event.metadata.namespace.as_deref().unwrap_or_default();
        let create = |client| async move {
            Api::<Event>::namespaced(client, namespace).create(&PostParams::default(), event).await
        };
        match self.access.call(create).await {
            Err(error) if status(&error) == Some(StatusCode::CONFLICT) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Warns once that a Role is missing. All else passes, and what is wrong with objects is in the log anyway.
    fn log(&mut self, error: &kube::Error) {
        let is_missing_role = status(error) == Some(StatusCode::FORBIDDEN) && !is_of_ending_namespace(error);
        if is_missing_role && !std::mem::replace(&mut self.has_complained, true) {
            tracing::warn!(%error, "cannot write Events: expected a Role that allows create of events in events.k8s.io");
        } else {
            tracing::debug!(%error, "cannot write an Event");
        }
    }
}

/// Waits for as long, then until this replica leads. For ever, where there is nothing to wait for.
async fn until_due(wait: Option<Duration>, leading: &mut watch::Receiver<bool>) {
    let Some(wait) = wait else { return std::future::pending().await };
    tokio::time::sleep(wait).await;
    // An error means that nobody will ever say that it leads.
    if leading.wait_for(|leads| *leads).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether the API server will never take this Event: its namespace is gone or about to be, or it is not what it should
/// be.
fn is_final(error: &kube::Error) -> bool {
    matches!(status(error), Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY))
        || is_of_ending_namespace(error)
}

/// Whether the namespace is being deleted, which is 403 as if a Role were missing.
fn is_of_ending_namespace(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "NamespaceTerminating")
}

fn status(error: &kube::Error) -> Option<StatusCode> {
    match error {
        kube::Error::Api(status) => StatusCode::from_u16(status.code).ok(),
        _ => None,
    }
}
