//! Writes the statuses that the plans ask for, and what is made for Gateways, while we lead.

use super::addresses::{Reached, of_service};
use super::gateway_api;
use super::infrastructure;
use super::observation::{Observation, Observations};
use super::patch::{self, PatchOutcome, Write};
use super::plan::Plan;
use super::replicas::Replicas;
use crate::address::Address;
use crate::apiserver::{Access, Backoff};
use crate::gateway_api::ObjectStatus;
use crate::object::{Kind, ObjectKey};
use crate::settings::{ControllerSettings, StatusSettings};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// How many writes are under way at a time. They keep a processor of the API server busy, and more of them were not written sooner: a
/// write costs the server 1.7 ms, in whichever form. With 32 it closed the watches of others.
const AT_A_TIME: usize = 10;

/// Something that was under way.
enum Done {
    Sent(Write, PatchOutcome),
    /// The addresses of our nodes.
    Nodes(Vec<Address>),
}

/// The status writer as it runs.
pub(super) struct Writer {
    access: Access,
    settings: StatusSettings,
    /// `None` where it is not known which Pod this is.
    replicas: Option<Replicas>,
    observations: Observations,
    leading: watch::Receiver<bool>,
    plan: Plan,
    gateways: gateway_api::Plan,
    infrastructure: infrastructure::Plan,
    /// The addresses of our nodes, as they were found last.
    nodes: Vec<Address>,
    /// Our addresses are those of our nodes.
    is_at_nodes: bool,
    is_looking: bool,
    under_way: FuturesUnordered<BoxFuture<'static, Done>>,
    backoff: Backoff,
    paused_until: Option<Instant>,
    /// A warning was logged since all was well, or since the last review.
    has_complained: bool,
}

impl Writer {
    pub(super) fn new(
        access: Access,
        settings: StatusSettings,
        observations: Observations,
        leading: watch::Receiver<bool>,
        controller: &ControllerSettings,
    ) -> Self {
        let (mut plan, mut gateways) = (Plan::default(), gateway_api::Plan::new(&controller.gateway_controller));
        if !settings.addresses.is_empty() {
            plan.publish(settings.addresses.clone());
            gateways.publish(settings.addresses.clone());
        }
        let is_at_nodes = settings.addresses.is_empty() && settings.publish_service.is_none();
        let replicas = settings.pod.clone().map(|pod| Replicas::new(access.clone(), pod));
        if is_at_nodes && replicas.is_none() {
            tracing::warn!(
                "no status is written: expected --publish-service, --publish-status-address, or the environment \
                 variables POD_NAME and POD_NAMESPACE, by which the nodes that run Adit are found"
            );
        }
        Self {
            access,
            settings,
            replicas,
            observations,
            leading,
            plan,
            gateways,
            infrastructure: infrastructure::Plan::new(controller),
            nodes: Vec::new(),
            is_at_nodes,
            is_looking: false,
            under_way: FuturesUnordered::new(),
            backoff: Backoff::default(),
            paused_until: None,
            has_complained: false,
        }
    }

    /// Writes until `stopped`; then, where this is the last replica, takes away what it wrote.
    pub(super) async fn run(mut self, stopped: impl Future<Output = ()>) {
        tokio::select! {
            () = stopped => {}
            () = self.write() => {}
        }
        if self.is_leading() && self.settings.update_on_shutdown {
            self.withdraw().await;
        }
    }

    fn is_leading(&self) -> bool {
        *self.leading.borrow()
    }

    async fn write(&mut self) {
        let mut reviews = tokio::time::interval(self.settings.interval);
        let mut is_open = true;
        loop {
            self.place_gateways();
            self.send();
            let resumed = self.paused_until;
            tokio::select! {
                observation = self.observations.recv(), if is_open => match observation {
                    Some(Observation::Service(service)) => self.reached(of_service(&service)),
                    Some(Observation::Statuses(statuses)) => self.require(statuses),
                    Some(observation) => self.observe(observation),
                    None => is_open = false,
                },
                Some(done) = self.under_way.next() => self.record(done),
                Ok(()) = self.leading.changed() => self.review(),
                _ = reviews.tick() => self.review(),
                () = tokio::time::sleep_until(resumed.unwrap_or_else(Instant::now)), if resumed.is_some() => {
                    self.paused_until = None;
                }
            }
        }
    }

    fn observe(&mut self, observation: Observation) {
        match observation {
            Observation::Object(key, object) => self.gateways.observe(key, object),
            Observation::Infrastructure(key, object) => self.infrastructure.observe(&key, object),
            Observation::Unopened(ports) => self.gateways.unopened(&ports),
            Observation::Gone(key) if key.kind == Kind::Ingress => self.plan.record(Observation::Gone(key)),
            Observation::Gone(key) => {
                self.gateways.forget(&key);
                self.infrastructure.forget(&key);
            }
            observation => self.plan.record(observation),
        }
    }

    /// Takes in what the statuses of Gateway API are to say, and so what is to be made for Gateways.
    fn require(&mut self, statuses: Vec<(ObjectKey, Option<Arc<ObjectStatus>>)>) {
        self.infrastructure.require(&statuses);
        for (key, status) in statuses {
            self.gateways.require(key, status);
        }
        self.look();
    }

    /// Tells the statuses of Gateways where these are reached now.
    fn place_gateways(&mut self) {
        let nodes = &self.nodes;
        let addresses = |service: &Service| match of_service(service) {
            Reached::At(addresses) => addresses,
            Reached::AtNodes => nodes.clone(),
        };
        for (gateway, place) in self.infrastructure.take_places(addresses) {
            self.gateways.place(gateway, place);
        }
    }

    /// The next write.
    fn next(&mut self) -> Option<Write> {
        if self.writing() >= AT_A_TIME {
            return None;
        }
        // What traffic depends on comes first.
        let of_gateways = self.infrastructure.next().map(Write::Infrastructure);
        let of_ingresses = of_gateways.or_else(|| self.plan.next().map(Write::Addresses));
        of_ingresses.or_else(|| self.gateways.next(Timestamp::now()).map(Write::Status))
    }

    fn writing(&self) -> usize {
        self.plan.writing() + self.gateways.writing() + self.infrastructure.writing()
    }

    fn publish(&mut self, addresses: Vec<Address>) {
        self.plan.publish(addresses.clone());
        self.gateways.publish(addresses);
    }

    /// Begins what may begin.
    fn send(&mut self) {
        if !self.is_leading() || self.paused_until.is_some() {
            return;
        }
        while let Some(write) = self.next() {
            let access = self.access.clone();
            let send = async move {
                let outcome = patch::send(&access, &write).await;
                Done::Sent(write, outcome)
            };
            self.under_way.push(send.boxed());
        }
    }

    /// Compares everything again.
    fn review(&mut self) {
        self.has_complained = false;
        self.plan.review();
        self.gateways.review();
        self.infrastructure.review();
        self.look();
    }

    /// Takes in what the Service says of where it is reached.
    fn reached(&mut self, reached: Reached) {
        self.is_at_nodes = reached == Reached::AtNodes;
        match reached {
            Reached::At(addresses) => self.publish(addresses),
            Reached::AtNodes => self.look(),
        }
    }

    /// Looks for the addresses of our nodes, until they are found.
    fn look(&mut self) {
        let is_asked = self.is_at_nodes || self.infrastructure.is_at_nodes();
        if !is_asked || self.is_looking || !self.is_leading() {
            return;
        }
        let Some(replicas) = self.replicas.clone() else { return };
        self.is_looking = true;
        let (access, internal) = (self.access.clone(), self.settings.node_internal_ip);
        let look = async move {
            let mut backoff = Backoff::default();
            loop {
                match replicas.node_addresses(internal).await {
                    Ok(addresses) => return Done::Nodes(addresses),
                    Err(failure) if backoff.failures() == 0 => {
                        let reason = failure.message;
                        tracing::warn!(
                            reason,
                            "cannot find the addresses of the nodes that run Adit; statuses stay as they are"
                        );
                    }
                    Err(failure) => tracing::debug!(
                        reason = failure.message,
                        "cannot find the addresses of the nodes that run Adit"
                    ),
                }
                tokio::time::sleep(backoff.next().max(access.busy_for())).await;
            }
        };
        self.under_way.push(look.boxed());
    }

    fn record(&mut self, done: Done) {
        match done {
            Done::Nodes(addresses) => {
                self.is_looking = false;
                if self.nodes != addresses {
                    self.nodes.clone_from(&addresses);
                    self.infrastructure.nodes_moved();
                }
                if self.is_at_nodes {
                    self.publish(addresses);
                }
            }
            Done::Sent(write, outcome) => self.sent(write, &outcome),
        }
    }

    fn sent(&mut self, write: Write, outcome: &PatchOutcome) {
        match outcome {
            PatchOutcome::Written => {
                tracing::debug!(object = %write.key(), "written");
                self.backoff.reset();
            }
            PatchOutcome::Obsolete | PatchOutcome::Outdated => {}
            PatchOutcome::Refused(reason) => self.complain(&write, reason),
            PatchOutcome::Failed(reason) => {
                self.complain(&write, reason);
                // Those that were under way together fail together, and count once.
                if self.paused_until.is_none() {
                    self.paused_until = Some(Instant::now() + self.backoff.next().max(self.access.busy_for()));
                }
            }
        }
        match write {
            Write::Addresses(patch) => match outcome {
                PatchOutcome::Written => self.plan.written(patch),
                PatchOutcome::Obsolete | PatchOutcome::Refused(_) => self.plan.refused(&patch),
                PatchOutcome::Outdated | PatchOutcome::Failed(_) => self.plan.failed(&patch),
            },
            Write::Status(update) => match outcome {
                PatchOutcome::Written => self.gateways.written(&update),
                PatchOutcome::Obsolete | PatchOutcome::Refused(_) => self.gateways.refused(&update),
                PatchOutcome::Outdated => self.gateways.outdated(&update),
                PatchOutcome::Failed(_) => self.gateways.failed(&update),
            },
            Write::Infrastructure(change) => match outcome {
                PatchOutcome::Written | PatchOutcome::Outdated | PatchOutcome::Obsolete => {
                    self.infrastructure.written(&change);
                }
                PatchOutcome::Refused(reason) => self.infrastructure.refused(&change, reason),
                PatchOutcome::Failed(_) => self.infrastructure.failed(&change),
            },
        }
    }

    fn complain(&mut self, write: &Write, reason: &str) {
        let object = write.key();
        if std::mem::replace(&mut self.has_complained, true) {
            tracing::debug!(%object, reason, "cannot be written");
        } else if matches!(write, Write::Infrastructure(_)) {
            tracing::warn!(%object, reason, "cannot be written: what is there for a Gateway stays as it is");
        } else {
            tracing::warn!(%object, reason, "cannot write a status; traffic is not affected");
        }
    }

    /// Takes away what we wrote, unless another replica stays or that cannot be known.
    async fn withdraw(&mut self) {
        let Some(replicas) = &self.replicas else { return };
        match replicas.is_last().await {
            Ok(true) => {}
            Ok(false) => return,
            Err(failure) => {
                let reason = failure.message;
                return tracing::warn!(
                    reason,
                    "the addresses stay in the statuses: whether other replicas run is not known"
                );
            }
        }
        // They may have reached the server.
        while self.writing() > 0
            && let Some(done) = self.under_way.next().await
        {
            self.record(done);
        }
        let patches = self.plan.withdrawal();
        let access = &self.access;
        tracing::info!(ingresses = patches.len(), "the last replica ends: removing its addresses from the statuses");
        futures_util::stream::iter(patches)
            .for_each_concurrent(AT_A_TIME, |patch| async move {
                let write = Write::Addresses(patch);
                let outcome = patch::send(access, &write).await;
                if let PatchOutcome::Refused(reason) | PatchOutcome::Failed(reason) = outcome {
                    tracing::warn!(ingress = %write.key(), reason, "cannot remove the addresses from a status");
                }
            })
            .await;
    }
}
