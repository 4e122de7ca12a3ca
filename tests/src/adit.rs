//! A whole Adit in this process, for tests that are about connections, files or the admin port.

use crate::connection::{Connection, PATIENCE};
use crate::drivers::Objects;
use crate::log::Lines;
use crate::objects;
use crate::tls::Offer;
use anyhow::{Context, Result, bail, ensure};
use controller::feed::{Feed, SourceEvent};
use controller::pipeline::State;
use controller::server::Server;
use controller::settings::{ClusterSettings, ControllerSettings, ServeSettings};
use controller::source::cluster::ClusterSource;
use controller::source::directory::DirectorySource;
use serde_json::{Value, json};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Events on their way: more than any test sends before the server takes them.
const EVENTS: usize = 1024;

/// A running Adit with default settings, on free ports of the loopback.
pub struct Adit {
    server: Option<Server>,
    /// Without a sender the pipeline would end.
    events: mpsc::Sender<SourceEvent>,
    objects: Objects,
    sent: u64,
}

impl Adit {
    /// Serves these manifests, with one worker.
    ///
    /// # Errors
    /// If something is wrong with them, or the server does not start.
    pub async fn start(manifests: &str) -> Result<Self> {
        Self::start_as(ControllerSettings::default(), manifests).await
    }

    /// As [`Adit::start`], with other settings of what is served.
    ///
    /// # Errors
    /// As [`Adit::start`].
    pub async fn start_as(settings: ControllerSettings, manifests: &str) -> Result<Self> {
        let serve = on_loopback(ServeSettings::default());
        Self::start_with(settings, serve, manifests, Box::new(std::io::sink())).await
    }

    /// As [`Adit::start`], with other settings of how it is served.
    ///
    /// # Errors
    /// As [`Adit::start`].
    pub async fn start_on(serve: ServeSettings, manifests: &str) -> Result<Self> {
        Self::start_with(ControllerSettings::default(), serve, manifests, Box::new(std::io::sink())).await
    }

    /// As [`Adit::start`]; the lines of the access log come out of the receiver.
    ///
    /// # Errors
    /// As [`Adit::start`].
    pub async fn start_logging(manifests: &str) -> Result<(Self, mpsc::UnboundedReceiver<String>)> {
        Self::start_logging_as(ControllerSettings::default(), manifests).await
    }

    /// The same, with other settings of what is served.
    ///
    /// # Errors
    /// As [`Adit::start`].
    pub async fn start_logging_as(
        settings: ControllerSettings,
        manifests: &str,
    ) -> Result<(Self, mpsc::UnboundedReceiver<String>)> {
        let (lines, log) = mpsc::unbounded_channel();
        let serve = on_loopback(ServeSettings::default());
        Ok((Self::start_with(settings, serve, manifests, Box::new(Lines(lines))).await?, log))
    }

    async fn start_with(
        settings: ControllerSettings,
        serve: ServeSettings,
        manifests: &str,
        log: Box<dyn Write + Send>,
    ) -> Result<Self> {
        let (events, receiver) = mpsc::channel(EVENTS);
        let mut objects = Objects::default();
        let first = objects.events(manifests)?;
        let sent = first.len() as u64;
        for event in first {
            if let SourceEvent::Problems { diagnostics, .. } = &event {
                ensure!(diagnostics.is_empty(), "{diagnostics:?}");
            }
            events.send(event).await?;
        }
        let server = Self::serve(settings, serve, receiver, log).await?;
        Ok(Self { server: Some(server), events, objects, sent })
    }

    /// Replaces the manifests that it was started with, and waits until the new ones are in effect.
    ///
    /// # Errors
    /// If they are not in effect in time.
    pub async fn replace(&mut self, manifests: &str) -> Result<()> {
        for event in self.objects.events(manifests)? {
            self.events.send(event).await?;
            self.sent += 1;
        }
        let sent = self.sent;
        self.reaches(|state| state.source_revision >= sent).await
    }

    /// Serves what files hold and follows them, with two workers.
    ///
    /// # Errors
    /// If the server does not start.
    pub async fn follow(paths: Vec<PathBuf>) -> Result<Self> {
        let (events, receiver) = mpsc::channel(EVENTS);
        DirectorySource::new(paths).spawn(events.clone())?;
        let serve = ServeSettings { workers: NonZero::new(2), ..on_loopback(ServeSettings::default()) };
        let server = Self::serve(ControllerSettings::default(), serve, receiver, Box::new(std::io::sink())).await?;
        Ok(Self { server: Some(server), events, objects: Objects::default(), sent: 0 })
    }

    /// Serves what a cluster has, which takes as long as the cluster does to tell.
    ///
    /// # Errors
    /// If the settings lead to no cluster, or the server does not start.
    pub async fn watch(cluster: &ClusterSettings) -> Result<Self> {
        Self::watch_with(ControllerSettings::default(), on_loopback(ServeSettings::default()), cluster).await
    }

    /// The same, with other settings of what is served.
    ///
    /// # Errors
    /// As [`Adit::watch`].
    pub async fn watch_as(settings: ControllerSettings, cluster: &ClusterSettings) -> Result<Self> {
        Self::watch_with(settings, on_loopback(ServeSettings::default()), cluster).await
    }

    /// The same, with other settings of how it is served.
    ///
    /// # Errors
    /// As [`Adit::watch`].
    pub async fn watch_on(serve: ServeSettings, cluster: &ClusterSettings) -> Result<Self> {
        Self::watch_with(ControllerSettings::default(), serve, cluster).await
    }

    /// The same, with other settings of both.
    ///
    /// # Errors
    /// As [`Adit::watch`].
    pub async fn watch_with(
        settings: ControllerSettings,
        serve: ServeSettings,
        cluster: &ClusterSettings,
    ) -> Result<Self> {
        let feed = ClusterSource::new(&settings, cluster).spawn()?;
        let server = Self::serve(settings, serve, feed, Box::new(std::io::sink())).await?;
        // Nobody takes these: the cluster alone tells what to serve.
        let (events, _) = mpsc::channel(1);
        Ok(Self { server: Some(server), events, objects: Objects::default(), sent: 0 })
    }

    async fn serve(
        settings: ControllerSettings,
        serve: ServeSettings,
        feed: impl Into<Feed> + Send + 'static,
        log: Box<dyn Write + Send>,
    ) -> Result<Server> {
        let start = move || Server::start(&settings, &serve, feed, log);
        tokio::task::spawn_blocking(start).await?
    }

    fn server(&self) -> Result<&Server> {
        self.server.as_ref().context("the server is gone")
    }

    /// Connects to the port for HTTP.
    ///
    /// # Errors
    /// If it does not accept.
    pub async fn connect(&self) -> Result<Connection> {
        Connection::open(self.address()?).await
    }

    /// The address for HTTP.
    ///
    /// # Errors
    /// If the server does not listen.
    pub fn address(&self) -> Result<SocketAddr> {
        self.server()?.http_addresses().first().copied().context("the server does not listen")
    }

    /// Connects to the port for HTTPS.
    ///
    /// # Errors
    /// If it does not accept, or the handshake fails.
    pub async fn connect_tls(&self, host: &str) -> Result<Connection> {
        let offer = Offer { server_name: Some(host.to_owned()), ..Offer::default() };
        Connection::open_tls(self.https_address()?, &offer).await
    }

    /// The address for HTTPS.
    ///
    /// # Errors
    /// If the server does not listen.
    pub fn https_address(&self) -> Result<SocketAddr> {
        self.server()?.https_addresses().first().copied().context("the server does not listen")
    }

    /// The address of the admin port.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn admin_address(&self) -> Result<SocketAddr> {
        Ok(self.server()?.admin_address())
    }

    /// The address of the admission webhook.
    ///
    /// # Errors
    /// If there is none.
    pub fn webhook_address(&self) -> Result<SocketAddr> {
        self.server()?.webhook_address().context("there is no webhook")
    }

    /// All metrics, as Prometheus sees them.
    ///
    /// # Errors
    /// If the admin port does not answer.
    pub async fn metrics(&self) -> Result<String> {
        let mut connection = Connection::open(self.admin_address()?).await?;
        connection.send("GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n").await?;
        Ok(String::from_utf8(connection.response("GET").await?.body)?)
    }

    /// The routing table, as `/debug/table` tells it, without its revision.
    ///
    /// # Errors
    /// If the admin port does not answer.
    pub async fn table(&self) -> Result<Value> {
        let mut connection = Connection::open(self.admin_address()?).await?;
        connection.send("GET /debug/table HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
        let mut table: Value = serde_json::from_slice(&connection.response("GET").await?.body)?;
        table["revision"] = Value::Null;
        Ok(table)
    }

    /// Waits until the pipeline is in a state that fits.
    ///
    /// # Errors
    /// If it does not come to that in time.
    pub async fn reaches(&self, fits: impl FnMut(&State) -> bool) -> Result<()> {
        let mut state = self.server()?.state();
        let Ok(reached) = tokio::time::timeout(PATIENCE, state.wait_for(fits)).await else {
            bail!("not reached in time; now: {:?}", state.borrow());
        };
        reached.context("the pipeline has ended").map(drop)
    }

    /// How far the pipeline has come.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn state(&self) -> Result<watch::Receiver<State>> {
        Ok(self.server()?.state())
    }

    /// Shuts down without a grace period. Returns how many connections were cut off.
    ///
    /// # Errors
    /// If it panics.
    pub async fn shut_down(mut self) -> Result<usize> {
        let server = self.server.take().context("the server is gone")?;
        Ok(tokio::task::spawn_blocking(move || server.shut_down(Duration::ZERO)).await?)
    }
}

impl Drop for Adit {
    fn drop(&mut self) {
        // It joins its threads, which a runtime's thread must not wait for.
        let server = self.server.take();
        std::thread::spawn(move || drop(server));
    }
}

/// The same settings, but for free ports of the loopback and one worker.
pub fn on_loopback(serve: ServeSettings) -> ServeSettings {
    let localhost = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    ServeSettings {
        bind_address: localhost,
        http_port: 0,
        advertised_http_port: Some(80),
        https_port: 0,
        advertised_https_port: Some(443),
        workers: Some(NonZero::<usize>::MIN),
        dns_allow_loopback: true,
        admin_address: localhost,
        admin_port: 0,
        ..serve
    }
}

/// An Ingress for all of host `h`, its Service `backend` with an endpoint at each address, and the ConfigMap's data.
pub fn manifests(backends: &[SocketAddr], config: &Value) -> String {
    annotated(&[], backends, config)
}

/// The same, with annotations of ingress-nginx on the Ingress, by their names after the prefix.
pub fn annotated(annotations: &[(&str, &str)], backends: &[SocketAddr], config: &Value) -> String {
    let slices = backends.iter().enumerate().map(|(number, address)| slice("backend", number, *address));
    let config_map = objects::config_map("adit", config);
    documents([objects::backend(), objects::ingress("h", annotations), config_map].into_iter().chain(slices))
}

/// An EndpointSlice of a Service, for one address.
pub fn slice(service: &str, number: usize, address: SocketAddr) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": format!("{service}-{number}"), "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address.ip()], "conditions": {"ready": true}}],
        "ports": [{"port": address.port(), "protocol": "TCP"}],
    })
}

/// Objects as a stream of YAML documents, which JSON is, too.
pub fn documents(objects: impl IntoIterator<Item = Value>) -> String {
    objects.into_iter().map(|object| format!("---\n{object}\n")).collect()
}
