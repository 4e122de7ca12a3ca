//! One watch: list, then watch from there, for ever.
//!
//! The state is one version: `None` has to list. kube's own `watcher` says nothing when a broken watch goes on, so that
//! nobody could tell whether it did; this one reports its health.

use super::arrival::{Arrival, Page};
use super::objects::WatchEvent;
use super::pauses::Pauses;
use super::watch::Watch;
use super::watch_set::{Report, WatchId};
use crate::apiserver::{Access, ApiFailure, Cause, SILENCE};
use futures_util::{TryStream, TryStreamExt as _, pin_mut};
use kube::Client;
use kube::core::params::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent as KubeEvent};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Objects in one page of a list, as client-go asks for.
const PAGE: u32 = 500;

/// For how long to ask for a watch, in seconds; a share of [`SPREAD`] is added, so that not all end together.
const WATCH: u32 = 60;

/// See [`WATCH`].
const SPREAD: u32 = 15;

// A watch that ends by itself is renewed before its silence counts as a broken connection.
const _: () = assert!(((WATCH + SPREAD) as u64) < SILENCE.as_secs());

/// A watch that the server ends sooner than this without saying anything is broken.
const SHORTEST: Duration = Duration::from_secs(1);

/// Failures in a row that are nothing yet: a connection may close just as it is used again, and an API server that has
/// just started refuses everything until it knows the Roles.
const TOLERATED: u32 = 2;

/// Where watches report to.
pub(super) type Reports = mpsc::Sender<(WatchId, Report)>;

/// Why a list or a watch does not go on.
enum Stop {
    Failed(ApiFailure),
    /// Nobody listens any more.
    Unheard,
}

impl From<ApiFailure> for Stop {
    fn from(failure: ApiFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<kube::Error> for Stop {
    fn from(error: kube::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What was reported last of a watch's health.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Unknown,
    Healthy,
    Failing(Cause),
}

/// A watch as it runs.
pub(super) struct Follower {
    id: WatchId,
    watch: Watch,
    reports: Reports,
    health: Health,
    pauses: Pauses,
}

impl Follower {
    pub(super) fn new(id: WatchId, watch: Watch, reports: Reports) -> Self {
        Self { id, watch, reports, health: Health::Unknown, pauses: Pauses::default() }
    }

    /// Follows until nobody listens.
    pub(super) async fn run(mut self, access: Access) {
        let mut version = None;
        while let Ok(()) = self.step(&access, &mut version).await {}
    }

    /// Lists or watches once, and waits if that failed. Without a version, there is nothing to watch from.
    async fn step(&mut self, access: &Access, version: &mut Option<String>) -> Result<(), Stop> {
        let (generation, client) = access.client();
        let outcome = match version {
            None => self.list(&client).await.map(|listed| *version = Some(listed)),
            Some(version) => self.watch(&client, version).await,
        };
        let Err(Stop::Failed(failure)) = outcome else { return outcome };
        let cause = failure.cause;
        match cause {
            // The list that follows says whether anything is wrong.
            Cause::Lost => *version = None,
            Cause::Unauthorized => {
                access.renew(generation).await;
                self.failing(failure).await?;
            }
            Cause::Forbidden | Cause::Other if self.pauses.failures() < TOLERATED => {}
            Cause::Forbidden | Cause::Other => self.failing(failure).await?,
        }
        tokio::time::sleep(self.pauses.after(cause).max(access.busy_for())).await;
        Ok(())
    }

    async fn list(&mut self, client: &Client) -> Result<String, Stop> {
        let request = Request::new(self.watch.path());
        let mut params = ListParams {
            field_selector: self.watch.fields.clone(),
            label_selector: self.watch.labels.clone(),
            limit: Some(PAGE),
            ..ListParams::default()
        };
        self.report_event(WatchEvent::Listing).await?;
        loop {
            let page: Page = client.request(request.list(&params).map_err(kube::Error::BuildRequest)?).await?;
            for object in page.items.into_iter().flatten() {
                self.report_event(WatchEvent::Apply(object)).await?;
            }
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                self.report_event(WatchEvent::Listed).await?;
                let version = page.metadata.resource_version.filter(|version| !version.is_empty());
                return version.ok_or_else(|| ApiFailure::other("the list has no resourceVersion").into());
            }
        }
    }

    /// Watches from `version`, and moves it along, until the server or the network ends the watch: the next one goes on
    /// from there.
    async fn watch(&mut self, client: &Client, version: &mut String) -> Result<(), Stop> {
        let params = WatchParams {
            field_selector: self.watch.fields.clone(),
            label_selector: self.watch.labels.clone(),
            timeout: Some(WATCH + fastrand::u32(0..=SPREAD)),
            bookmarks: true,
            ..WatchParams::default()
        };
        let request = Request::new(self.watch.path()).watch(&params, version).map_err(kube::Error::BuildRequest)?;
        let opened = Instant::now();
        let events = client.request_events::<Arrival>(request).await?;
        pin_mut!(events);
        self.healthy().await?;
        let mut is_silent = true;
        while let Some(event) = next(&mut events).await? {
            let (object, to_event): (_, fn(Arrival) -> WatchEvent) = match event {
                KubeEvent::Added(object) | KubeEvent::Modified(object) => (object, WatchEvent::Apply),
                KubeEvent::Deleted(object) => (object, WatchEvent::Delete),
                KubeEvent::Bookmark(bookmark) => {
                    *version = bookmark.metadata.resource_version;
                    is_silent = false;
                    continue;
                }
                KubeEvent::Error(status) => return Err(ApiFailure::from(&*status).within_watch().into()),
            };
            if let Some(of_object) = object.resource_version() {
                of_object.clone_into(version);
            }
            self.report_event(to_event(object)).await?;
            is_silent = false;
        }
        if is_silent && opened.elapsed() < SHORTEST {
            return Err(ApiFailure::other("the API server ends watches at once").into());
        }
        self.pauses.reset();
        Ok(())
    }

    async fn report_event(&self, event: WatchEvent) -> Result<(), Stop> {
        self.report(Report::Event(event)).await
    }

    async fn healthy(&mut self) -> Result<(), Stop> {
        if self.health != Health::Healthy {
            self.health = Health::Healthy;
            self.report(Report::Healthy).await?;
        }
        Ok(())
    }

    async fn failing(&mut self, failure: ApiFailure) -> Result<(), Stop> {
        let health = Health::Failing(failure.cause);
        if self.health != health {
            self.health = health;
            self.report(Report::Failing(failure)).await?;
        }
        Ok(())
    }

    async fn report(&self, report: Report) -> Result<(), Stop> {
        self.reports.send((self.id, report)).await.map_err(|_| Stop::Unheard)
    }
}

/// The next event; none when the watch has ended or its connection broke.
async fn next(
    events: &mut (impl TryStream<Ok = KubeEvent<Arrival>, Error = kube::Error> + Unpin),
) -> Result<Option<KubeEvent<Arrival>>, ApiFailure> {
    match events.try_next().await {
        Ok(event) => Ok(event),
        Err(kube::Error::ReadEvents(_)) => Ok(None),
        Err(error) => Err(ApiFailure::from(error).within_watch()),
    }
}
