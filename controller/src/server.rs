//! A whole Adit in one process: source, pipeline, gateway and admin port, put together and taken apart.

use crate::cli::explain;
use crate::diagnostic::Diagnostic;
use crate::pipeline::{Pipeline, State};
use crate::settings::{ControllerSettings, ServeSettings};
use crate::source::SourceEvent;
use crate::translate::Translator;
use anyhow::Context as _;
use gateway::admin::{self, Admin, Lifecycle};
use gateway::listener::{Gateway, ListenSettings};
use gateway::table::Publisher;
use gateway::telemetry::{Identity, Telemetry};
use gateway::upstream::{DnsSettings, Registry, Resolver};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// How long requests may finish after the last connection was accepted (nginx: `worker-shutdown-timeout`).
const DRAIN: Duration = Duration::from_secs(240);

/// A running Adit.
pub struct Server {
    gateway: Gateway,
    admin: SocketAddr,
    state: watch::Receiver<State>,
    lifecycle: Arc<Lifecycle>,
    // Last, so that everything else ends while its runtime still runs.
    _control: Runtime,
}

impl Server {
    /// Starts serving what `events` tell. Requests are answered 404 until the source has synced; `/readyz` says so.
    ///
    /// # Errors
    /// An address cannot be bound, a thread cannot be started, or the system's DNS configuration cannot be read.
    pub fn start(
        controller: &ControllerSettings,
        serve: &ServeSettings,
        events: mpsc::Receiver<SourceEvent>,
        access_log: Box<dyn Write + Send>,
    ) -> anyhow::Result<Self> {
        let control = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("control")
            .enable_all()
            .build()
            .context("cannot start the control plane's runtime")?;
        let _inside = control.enter();
        let registry = Arc::new(Registry::new());
        let dns = DnsSettings { servers: serve.dns_servers.clone(), allow_loopback: serve.dns_allow_loopback };
        let resolver = Resolver::new(&dns).context("cannot read the system's DNS configuration")?;
        control.spawn(resolver.run(registry.clone()));
        let telemetry = Arc::new(Telemetry::start(&identity(controller), access_log)?);
        let publisher = Arc::new(Publisher::new(registry));
        let lifecycle = Arc::new(Lifecycle::default());
        let state = start_pipeline(controller, events, &publisher, &telemetry, &lifecycle)?;
        let listener = TcpListener::bind(SocketAddr::new(serve.admin_address.unwrap_or_else(any_address), serve.admin_port))
            .with_context(|| format!("cannot listen on the admin port {}", serve.admin_port))?;
        let admin = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let answers = answers(serve, &lifecycle, &telemetry, &publisher);
        control.spawn(admin::serve(tokio::net::TcpListener::from_std(listener)?, answers));
        let gateway = Gateway::start(&listen_settings(serve), &publisher, &telemetry)?;
        lifecycle.listening();
        drop(_inside);
        Ok(Self { gateway, admin, state, lifecycle, _control: control })
    }
}
