//! Objects from a cluster, followed as they change.
//!
//! [`follow`] is one watch: it lists, watches from there, and starts anew where it must. [`watch_set`] is the pure part: it
//! takes in what all watches report, and says which events to send, and which ConfigMaps to watch because an object
//! names them. This module runs both.
//!
//! Whatever fails, what is known stays: only an object's own deletion, or a complete list without it, takes it away.

mod arrival;
mod discovery;
mod follow;
mod gateway_api;
mod namespaces;
mod objects;
mod once;
mod pauses;
mod references;
mod watch;
mod watch_set;
mod zone;

use crate::apiserver::{Access, AccessError, ApiFailure, Cause};
use crate::feed::{Feed, SourceEvent, WatchHealth};
use crate::object::Kind;
use crate::settings::{ClusterSettings, ControllerSettings};
use discovery::Served;
use follow::{Follower, Reports};
pub use once::{ClusterReader, Read, ReadError};
use std::collections::HashMap;
use tokio::sync::{mpsc, watch as state};
use tokio::task::AbortHandle;
use watch::Watch;
use watch_set::{Actions, Report, WatchId, WatchSet};

/// Reports and events that may wait for the next stage before their sender does.
const WAITING: usize = 1024;

/// A cluster whose Ingresses, and what they refer to, are followed.
///
/// [`SourceEvent::Synced`] comes when everything has been listed once; a kind that may not be listed counts as empty. A
/// watch that fails is tried again, less and less often, up to every 30 seconds.
#[derive(Debug)]
pub struct ClusterSource {
    settings: ControllerSettings,
    cluster: ClusterSettings,
}

impl ClusterSource {
    /// A source of what these settings ask for.
    pub fn new(settings: &ControllerSettings, cluster: &ClusterSettings) -> Self {
        Self { settings: settings.clone(), cluster: cluster.clone() }
    }

    /// Follows the cluster from a thread that ends some time after the feed is gone. Whether the API server can be
    /// reached shows later.
    ///
    /// # Errors
    /// The flags do not lead to an API server, or the thread cannot be created.
    pub fn spawn(self) -> Result<Feed, AccessError> {
        let (feed, server) = self.start()?;
        tracing::info!(server, "watching a cluster");
        Ok(feed)
    }

    /// The same without a word, with the URL of the API server.
    fn start(self) -> Result<(Feed, String), AccessError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AccessError::Thread)?;
        let (events, receiver) = mpsc::channel(WAITING);
        let (health, watched) = state::channel(WatchHealth::new());
        let (opened, outcome) = std::sync::mpsc::sync_channel(1);
        let cluster = self.cluster.clone();
        let follow = move || runtime.block_on(self.follow(events, health, opened));
        std::thread::Builder::new().name("cluster".to_owned()).spawn(follow).map_err(AccessError::Thread)?;
        let server = outcome.recv().map_err(|gone| AccessError::Thread(std::io::Error::other(gone)))??;
        Ok((Feed { events: receiver, health: Some(watched), cluster: Some(cluster) }, server))
    }

    /// Says in `opened` to which API server the flags lead, and follows it.
    async fn follow(
        self,
        events: mpsc::Sender<SourceEvent>,
        health: state::Sender<WatchHealth>,
        opened: std::sync::mpsc::SyncSender<Result<String, AccessError>>,
    ) {
        let (access, outcome) = match Access::open(self.cluster.clone()).await {
            Ok(access) => {
                let server = access.server().to_string();
                (Some(access), Ok(server))
            }
            Err(error) => (None, Err(error)),
        };
        // The receiver waits for just this.
        let _ = opened.send(outcome);
        let Some(access) = access else { return };
        if self.settings.topology_aware && self.settings.zone.is_none() {
            tokio::spawn(zone::report(access.clone(), self.cluster.status.pod.clone(), events.clone()));
        }
        let (watch_set, start) = WatchSet::open(&self.settings, &self.cluster);
        let (reports, reported) = mpsc::channel(WAITING);
        let (served, discovered) = mpsc::channel(1);
        tokio::spawn(discovery::follow(access.clone(), self.cluster.discovery_interval, served));
        let (tasks, causes) = Default::default();
        let mut following = Following { watch_set, access, reports, tasks, events, health, causes };
        following.start(start);
        following.run(reported, discovered).await;
    }
}

/// All watches as they run.
struct Following {
    watch_set: WatchSet,
    access: Access,
    reports: Reports,
    tasks: HashMap<WatchId, AbortHandle>,
    events: mpsc::Sender<SourceEvent>,
    health: state::Sender<WatchHealth>,
    /// The kinds that fail, and the cause of each that was reported last.
    causes: HashMap<&'static str, Cause>,
}

impl Following {
    /// Follows until nobody takes the events. The tasks end with their runtime.
    async fn run(&mut self, mut reported: mpsc::Receiver<(WatchId, Report)>, mut discovered: mpsc::Receiver<Served>) {
        loop {
            let events = tokio::select! {
                Some((id, report)) = reported.recv() => self.handle(id, report),
                Some(served) = discovered.recv() => {
                    tracing::debug!(kinds = ?served, "the kinds of Gateway API");
                    let actions = self.watch_set.discovered(served);
                    self.carry_out(actions, None, false)
                }
                () = self.events.closed() => return,
            };
            for event in events {
                if self.events.send(event).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Takes in what a watch reports: the events that follow.
    fn handle(&mut self, id: WatchId, report: Report) -> Vec<SourceEvent> {
        let is_of_health = !matches!(report, Report::Event(_));
        let failing = match &report {
            Report::Failing(failure) => self.watch_set.kind(id).map(|kind| (kind, failure.clone())),
            Report::Event(_) | Report::Healthy => None,
        };
        let actions = self.watch_set.handle(id, report);
        self.carry_out(actions, failing, is_of_health)
    }

    fn carry_out(
        &mut self,
        actions: Actions,
        failing: Option<(&'static str, ApiFailure)>,
        is_of_health: bool,
    ) -> Vec<SourceEvent> {
        let Actions { events, start, stop } = actions;
        for id in &stop {
            self.tasks.remove(id).inspect(AbortHandle::abort);
        }
        self.start(start);
        if is_of_health || !stop.is_empty() {
            self.report_health(failing);
        }
        events
    }

    fn start(&mut self, watches: Vec<(WatchId, Watch)>) {
        for (id, watch) in watches {
            let follower = Follower::new(id, watch, self.reports.clone());
            let task = tokio::spawn(follower.run(self.access.clone()));
            self.tasks.insert(id, task.abort_handle());
        }
    }

    /// Reports which kinds ceased to be healthy and why, each new reason (a server that is back may know us no more), and
    /// which came to be healthy. Of what is forbidden, a diagnostic reports.
    fn report_health(&mut self, failing: Option<(&'static str, ApiFailure)>) {
        let health = self.watch_set.health();
        if let Some((kind, ApiFailure { cause, message })) = failing
            && self.causes.insert(kind, cause) != Some(cause)
        {
            if cause != Cause::Forbidden {
                tracing::warn!(kind, reason = message, "cannot watch objects; those that are known stay in effect");
            } else if kind == Kind::GatewayClass.name() {
                tracing::info!(reason = message, "no right to Gateway API, so no Gateway is served");
            }
        }
        self.causes.retain(|kind, _| {
            let is_healthy = health.get(kind);
            if is_healthy == Some(&true) {
                tracing::info!(kind, "watching objects again");
            }
            is_healthy == Some(&false)
        });
        self.health.send_if_modified(|current| {
            let is_different = *current != health;
            *current = health;
            is_different
        });
    }
}
