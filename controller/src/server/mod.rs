//! A whole Adit in one process: source, pipeline, gateway and admin port, put together and taken apart.

mod answers;
mod certificate_metrics;
mod config_metrics;
mod listening;
mod reviews;
mod shared_translator;
mod version;

use crate::admission::{Keeper, OwnCertificate, Webhook};
use crate::apiserver::{Access, AccessError};
use crate::dashboard::{self, Dashboard};
use crate::diagnostic::Diagnostic;
use crate::events::Recorder;
use crate::explain::Drafts;
use crate::feed::{Feed, SourceEvent, WatchHealth};
use crate::pipeline::{Pipeline, State};
use crate::settings::{ClusterSettings, ControllerSettings, ServeSettings, StatusSettings};
use crate::status::{self, Reporter, Status};
use crate::translate::Translator;
use answers::{Served, answers};
use anyhow::Context as _;
use certificate_metrics::CertificateReport;
use config_metrics::{ConfigMetrics, Content};
use futures_util::future::OptionFuture;
use gateway::admin::{self, Admin, Lifecycle};
use gateway::config::Update;
use gateway::listener::{DrainTimeouts, Gateway};
use gateway::ocsp::OcspFetcher;
use gateway::table::{Published, Publisher};
use gateway::telemetry::{Identity, Telemetry};
use gateway::upstream::{DnsSettings, Registry, Resolver};
use listening::{any_address, listen_settings};
use reviews::Arrivals;
use shared_translator::SharedTranslator;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
pub(crate) use version::version;

/// How long idle connections stay after the last one was accepted, where there is a grace period at all: their clients
/// may have a request on its way, above all those that were accepted last.
const LINGER: Duration = Duration::from_secs(5);

/// How long the spans of the last requests may take to the collector.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// A running Adit. Dropping it ends its connections at once; [`Server::shut_down`] does so gently.
pub struct Server {
    gateway: Gateway,
    admin: SocketAddr,
    webhook: Option<Webhook>,
    state: watch::Receiver<State>,
    lifecycle: Arc<Lifecycle>,
    telemetry: Arc<Telemetry>,
    registry: Arc<Registry>,
    publisher: Arc<Publisher>,
    status: Option<Status>,
    exporter: JoinHandle<()>,
    // Last, so that everything else ends while its runtime still runs.
    control: Runtime,
}

impl Server {
    /// Starts serving what a source reports, and returns once requests are served. Until the source has synced, only the
    /// admin port is open, and `/readyz` says why.
    ///
    /// # Errors
    /// An address cannot be listened on, a thread cannot be started, or the system's DNS configuration cannot be read.
    pub fn start(
        controller: &ControllerSettings,
        serve: &ServeSettings,
        source: impl Into<Feed>,
        access_log: Box<dyn Write + Send>,
    ) -> anyhow::Result<Self> {
        let Feed { events, health, cluster } = source.into();
        let control = control_runtime().context("cannot start the control plane's runtime")?;
        let registry = Arc::new(Registry::new());
        let telemetry = Arc::new(Telemetry::start(&identity(controller), &serve.metrics, access_log)?);
        telemetry.count_endpoints(registry.clone())?;
        let publisher = Arc::new(Publisher::new(registry.clone()));
        let lifecycle = Arc::new(Lifecycle::default());

        let resolver = resolver(serve)?;
        let exporter = control.spawn(telemetry.traces().exporter(resolver.names()).run());
        let ocsp = telemetry.ocsp().clone();
        control.spawn(OcspFetcher::new(publisher.staples(), resolver.names(), serve.dns_allow_loopback, ocsp).run());
        control.spawn(resolver.run(registry.clone()));
        control.spawn(publisher.geo().clone().follow());
        control.spawn(sweep(telemetry.clone()));
        if let Some(health) = health {
            control.spawn(measure(health, telemetry.clone()));
        }
        let translator = SharedTranslator::new(Translator::new(controller.clone()));
        let (reporter, observations) = cluster
            .as_ref()
            .filter(|cluster| cluster.status.update)
            .map(|cluster| Reporter::new(&cluster.status))
            .unzip();
        let (state, arrivals) =
            start_pipeline(translator.clone(), events, reporter, &publisher, &telemetry, &lifecycle)?;
        let watched = cluster.as_ref().map(|cluster| cluster.namespaces.clone()).unwrap_or_default();
        let store = arrivals.store.clone();
        let drafts = Arc::new(Drafts::new(store.clone(), controller.clone(), watched.clone()));
        let review = reviews::reviewer(translator.clone(), arrivals, watched);
        let webhook = Webhook::start(&serve.webhook, any_address(true), review, telemetry.controller().clone())?;
        let dashboard = serve.dashboard.then(|| {
            Arc::new(Dashboard::new(dashboard::Sources {
                replica: identity(controller).pod,
                publisher: publisher.clone(),
                registry: registry.clone(),
                translator: translator.shared(),
                store: store.clone(),
                drafts: drafts.clone(),
                state: state.clone(),
                telemetry: telemetry.clone(),
            }))
        });
        let served = Served {
            publisher: publisher.clone(),
            registry: registry.clone(),
            translator,
            store,
            drafts,
            state: state.clone(),
        };
        let answers = answers(serve, &lifecycle, &telemetry, served, dashboard);
        let admin = start_admin(serve, answers, &control)?;
        // Workers read what is fixed at their start from the settings, so the first table comes before them.
        control.block_on(first_table(state.clone()));
        let listening = listen_settings(serve, &publisher);
        let temp_space = Arc::clone(&listening.temp_space);
        telemetry.measure_temp_files(move || temp_space.used())?;
        let gateway = Gateway::start(&listening, &publisher, &telemetry)?;
        lifecycle.listening();
        let status = match cluster {
            Some(cluster) => {
                let own = webhook.as_ref().and_then(Webhook::own_certificate);
                let own = own.map(|certificate| (certificate, serve.webhook.name.as_str()));
                Some(control.block_on(write_to(cluster, controller, observations, state.clone(), &telemetry, own))?)
            }
            None => None,
        };
        Ok(Self {
            gateway,
            admin,
            webhook,
            state,
            lifecycle,
            telemetry,
            registry,
            publisher,
            status,
            exporter,
            control,
        })
    }

    /// The addresses for cleartext HTTP, with their real ports.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        self.gateway.http_addresses()
    }

    /// The addresses for HTTPS, likewise.
    pub fn https_addresses(&self) -> &[SocketAddr] {
        self.gateway.https_addresses()
    }

    /// The address of the admin port.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The address of the admission webhook, if there is one.
    pub fn webhook_address(&self) -> Option<SocketAddr> {
        self.webhook.as_ref().map(Webhook::address)
    }

    /// How many virtual hosts are served now.
    pub fn hosts(&self) -> usize {
        self.publisher.load().hosts().count()
    }

    /// How far the pipeline has come, and what is wrong with the objects.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits until every name of an ExternalName Service has been looked up once.
    pub async fn resolved(&self) {
        const PAUSE: Duration = Duration::from_millis(5);
        while self.registry.is_resolving() {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Ends as a Pod should: `/healthz` fails while requests are still taken for `grace`, then connections end one
    /// after the other. Returns how many had to be cut off.
    pub fn shut_down(self, grace: Duration) -> usize {
        self.lifecycle.terminating();
        self.gateway.announce_shutdown();
        tracing::info!(?grace, "shutting down; another signal ends the process at once");
        // Inside, because a sleep is born into the runtime that it is made in.
        self.control.block_on(async {
            tokio::join!(tokio::time::sleep(grace), OptionFuture::from(self.status.map(Status::stop)))
        });
        let busy = self.publisher.load().settings().shutdown_timeout;
        let cut_off = self.gateway.drain(DrainTimeouts { idle: LINGER.min(grace), busy });
        self.telemetry.sync();
        self.telemetry.traces().end();
        // An error says that the collector is slow: the process ends without it.
        let _ = self.control.block_on(async { tokio::time::timeout(LAST_SPANS, self.exporter).await });
        cut_off
    }
}

fn control_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("control").enable_all().build()
}

/// Elects who writes to the cluster, and writes: with a certificate of its own, also what the webhook of this name needs.
async fn write_to(
    cluster: ClusterSettings,
    controller: &ControllerSettings,
    observations: Option<status::Observations>,
    state: watch::Receiver<State>,
    telemetry: &Arc<Telemetry>,
    own: Option<(Arc<OwnCertificate>, &str)>,
) -> Result<Status, AccessError> {
    let settings = cluster.status.clone();
    let access = Access::open(cluster).await?;
    let status = Status::start(&settings, &access, observations, controller);
    if let Some((certificate, name)) = own {
        let name = status::own_object(name, &settings, &access);
        let keeper = Keeper::new(access.clone(), name, certificate, settings.interval, status.leading());
        tokio::spawn(keeper.run());
    }
    tokio::spawn(Recorder::new(access, replica(&settings)).run(state, status.leading()));
    if settings.election {
        tokio::spawn(measure_leadership(settings.election_id, status.leading(), telemetry.clone()));
    }
    Ok(status)
}

/// The name of this replica: its Pod's, or outside a Pod the machine's.
fn replica(settings: &StatusSettings) -> String {
    let pod = settings.pod.as_ref().map(|pod| pod.name.to_string());
    pod.unwrap_or_else(|| gethostname::gethostname().to_string_lossy().into_owned())
}

/// Reports to the metrics whether we hold the Lease.
async fn measure_leadership(lease: String, mut leading: watch::Receiver<bool>, telemetry: Arc<Telemetry>) {
    loop {
        telemetry.controller().leads(&lease, *leading.borrow_and_update());
        if leading.changed().await.is_err() {
            return;
        }
    }
}

async fn first_table(mut state: watch::Receiver<State>) {
    // An error means that the source has ended without saying anything: then there is nothing to wait for.
    let _ = state.wait_for(|state| state.revision > 0).await;
}

/// Drops the metrics of routes that are gone, also where nobody scrapes.
async fn sweep(telemetry: Arc<Telemetry>) {
    const PERIOD: Duration = Duration::from_secs(60);
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        telemetry.sweep();
    }
}

/// Reports to the metrics how the source's watches do.
async fn measure(mut health: watch::Receiver<WatchHealth>, telemetry: Arc<Telemetry>) {
    loop {
        for (kind, is_healthy) in &*health.borrow_and_update() {
            telemetry.controller().watch(kind, *is_healthy);
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

fn resolver(serve: &ServeSettings) -> anyhow::Result<Resolver> {
    let dns = DnsSettings { servers: serve.dns_servers.clone(), allow_loopback: serve.dns_allow_loopback };
    Resolver::new(&dns).context("cannot read the system's DNS configuration")
}

/// Who we are, in the labels of metrics. The names are those that ingress-nginx's manifests set.
fn identity(controller: &ControllerSettings) -> Identity {
    let variable = |name| std::env::var(name).unwrap_or_default();
    Identity {
        class: controller.controller_classes.first().cloned().unwrap_or_default(),
        namespace: variable("POD_NAMESPACE"),
        pod: variable("POD_NAME"),
        build: version::build(),
    }
}

fn start_pipeline(
    translator: SharedTranslator,
    events: mpsc::Receiver<SourceEvent>,
    reporter: Option<Reporter>,
    publisher: &Arc<Publisher>,
    telemetry: &Arc<Telemetry>,
    lifecycle: &Arc<Lifecycle>,
) -> anyhow::Result<(watch::Receiver<State>, Arrivals)> {
    let mut metrics = ConfigMetrics::new(telemetry.controller().clone(), telemetry.checks().clone());
    let mut certificates = CertificateReport::new(telemetry.certificates().clone());
    let (publisher, lifecycle, unopened) = (publisher.clone(), lifecycle.clone(), publisher.unopened());
    let (observed, hash) = (translator.clone(), publisher.clone());
    let spans = telemetry.clone();
    let (reading, checks) = (translator.clone(), telemetry.checks().clone());
    let publish = move |update: Update| {
        let content = Content::of(&update.hosts);
        let (hosts, entry_hosts, settings) =
            (update.hosts.clone(), update.entry_hosts.clone(), update.settings.clone());
        let changed = Update { hosts, entry_hosts, settings, ..Update::default() };
        let started = Instant::now();
        let Published { revision, rejected } = publisher.publish(update);
        if let Some(Content { ingresses, routes }) = content {
            checks.rendered(ingresses, routes, reading.took(), started.elapsed());
        }
        lifecycle.published();
        // Only now, since it parses certificates.
        certificates.record(&changed);
        if let Some(settings) = changed.settings {
            spans.traces().configure(&settings.tracing);
        }
        (revision, rejected.iter().map(Diagnostic::from).collect())
    };
    let observe = move |state: &State| {
        {
            let took = observed.took();
            let mut translator = observed.lock();
            metrics.record_orphans(translator.take_orphans());
            metrics.record_checks(translator.translated(), took, &state.diagnostics);
        }
        metrics.record_build(state, hash.config_hash(), SystemTime::now());
    };
    let (pipeline, state) = Pipeline::new(events, translator, publish);
    let arrivals = Arrivals { store: pipeline.store(), consumed: pipeline.consumed(), state: state.clone() };
    pipeline
        .watching(unopened)
        .reporting(reporter)
        .observed_by(observe)
        .spawn()
        .context("cannot start the pipeline")?;
    Ok((state, arrivals))
}

fn start_admin(serve: &ServeSettings, admin: Admin, control: &Runtime) -> anyhow::Result<SocketAddr> {
    let address = SocketAddr::new(serve.admin_address.unwrap_or_else(|| any_address(true)), serve.admin_port);
    let listener = control
        .block_on(tokio::net::TcpListener::bind(address))
        .with_context(|| format!("cannot listen on the admin port, {address} (choose another with --healthz-port)"))?;
    let address = listener.local_addr().context("the admin port has no address")?;
    control.spawn(admin::serve(listener, admin));
    Ok(address)
}
