//! `adit serve`: from the command line to a running server, and back.

use super::arguments::expect_readable;
use super::counted::counted;
use crate::feed::Feed;
use crate::object::NamespacedName;
use crate::server::Server;
use crate::settings::{ClusterSettings, Settings};
use crate::source::cluster::ClusterSource;
use crate::source::directory::DirectorySource;
use anyhow::Context as _;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// Events that may wait for the pipeline before the source does.
const EVENTS: usize = 1024;

/// Serves files and directories, or without any a cluster, until a signal ends it: SIGTERM as Kubernetes sends it, with
/// the grace period; SIGINT (Ctrl-C) without. A second signal ends at once.
pub(super) fn serve(paths: Vec<PathBuf>, settings: Settings) -> anyhow::Result<ExitCode> {
    // A buffer of 64 KiB with little in it would take as much memory as if it were full.
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay on");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // Before anything is served, so that no signal finds nobody.
    let mut signals = runtime.block_on(async { Signals::new() }).context("cannot listen for signals")?;
    // Without it a gateway would be ready, and answer 404 to everything.
    expect_readable(&paths)?;
    let feed = if paths.is_empty() { cluster(&settings)? } else { directory(paths, &settings)? };
    let access_log = access_log(&settings)?;
    let grace = settings.serve.shutdown_grace;
    let start = move || Server::start(&settings.controller, &settings.serve, feed, access_log);
    let Some(server) = runtime.block_on(unless_ended(start, &mut signals))? else {
        tracing::info!("ended before anything was served");
        return Ok(ExitCode::SUCCESS);
    };
    for address in server.http_addresses() {
        tracing::info!(%address, "serving HTTP");
    }
    for address in server.https_addresses() {
        tracing::info!(%address, "serving HTTPS");
    }
    if let Some(address) = server.webhook_address() {
        tracing::info!(%address, "serving the admission webhook");
    }
    tracing::info!(address = %server.admin_address(), "serving the admin port: health checks, metrics and debugging");
    tracing::info!("ready: {}", counted(server.hosts(), "host"));

    let grace = match runtime.block_on(signals.next()) {
        Ended::Terminated => grace,
        Ended::Interrupted => Duration::ZERO,
    };
    std::thread::spawn(move || {
        runtime.block_on(signals.next());
        std::process::exit(1);
    });
    match server.shut_down(grace) {
        0 => tracing::info!("ended"),
        cut_off => tracing::warn!(cut_off, "ended with connections still open"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `start` on a thread of its own, since it may take as long as the cluster does to answer. `None` if a signal comes
/// first.
async fn unless_ended<T: Send + 'static>(
    start: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    signals: &mut Signals,
) -> anyhow::Result<Option<T>> {
    let (outcome, started) = oneshot::channel();
    // It cannot be sent when a signal came first.
    std::thread::Builder::new().name("start".to_owned()).spawn(move || drop(outcome.send(start())))?;
    tokio::select! {
        started = started => started.context("the thread that starts serving is gone")?.map(Some),
        _ = signals.next() => Ok(None),
    }
}

fn directory(paths: Vec<PathBuf>, settings: &Settings) -> anyhow::Result<Feed> {
    if settings.cluster != ClusterSettings::default() {
        tracing::warn!("flags about the cluster are ignored: objects are read from files");
    }
    if settings.controller.topology_aware && settings.controller.zone.is_none() {
        tracing::warn!("--enable-topology-aware-routing has no effect without --topology-zone: files know no zone");
    }
    let webhook = &settings.serve.webhook;
    anyhow::ensure!(
        webhook.port.is_none() || webhook.certificate.is_some(),
        "--validating-webhook-certificate: is missing: expected a file, since without a cluster there is no place for a \
         certificate of Adit's own"
    );
    let (events, receiver) = mpsc::channel(EVENTS);
    DirectorySource::new(paths).spawn(events).context("cannot start watching")?;
    Ok(receiver.into())
}

fn cluster(settings: &Settings) -> anyhow::Result<Feed> {
    let mut cluster = settings.cluster.clone();
    cluster.status.pod = pod();
    Ok(ClusterSource::new(&settings.controller, &cluster).spawn()?)
}

/// The Pod that this process runs in, where the environment says so.
fn pod() -> Option<NamespacedName> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    Some(NamespacedName { namespace: variable("POD_NAMESPACE")?.into(), name: variable("POD_NAME")?.into() })
}

fn access_log(settings: &Settings) -> anyhow::Result<Box<dyn Write + Send>> {
    let Some(path) = &settings.serve.access_log else { return Ok(Box::new(io::stdout())) };
    let file = OpenOptions::new().create(true).append(true).open(path);
    Ok(Box::new(file.with_context(|| format!("--access-log-path: cannot open {}", path.display()))?))
}

/// The signals that end us.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

enum Ended {
    Terminated,
    Interrupted,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> Ended {
        tokio::select! {
            _ = self.terminate.recv() => Ended::Terminated,
            _ = self.interrupt.recv() => Ended::Interrupted,
        }
    }
}
