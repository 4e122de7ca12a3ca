//! A whole Adit with TCP and UDP services, its objects, and backends that speak no HTTP.

use anyhow::{Context, Result, ensure};
use controller::feed::SourceEvent;
use controller::object::NamespacedName;
use controller::pipeline::State;
use controller::server::Server;
use controller::settings::{ControllerSettings, ServeSettings};
use controller::source::manifest;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
use tests::adit::{documents, on_loopback};
use tests::connection::{Connection, PATIENCE};
use tests::log::Lines;
use tests::ports;
pub(super) use tests::ports::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What the tests read of a session.
const LOG: &str = "$protocol $server_port $status $bytes_received/$bytes_sent $proxy_upstream_name $upstream_addr";

/// A running Adit with two workers. Its TCP services are in ConfigMap `default/tcp`, its UDP services in `default/udp`.
pub(super) struct World {
    server: Option<Server>,
    events: mpsc::Sender<SourceEvent>,
    sent: u64,
    log: mpsc::UnboundedReceiver<String>,
}

impl World {
    pub(super) async fn start(objects: Vec<Value>) -> Result<Self> {
        let name = |name: &str| Some(NamespacedName { namespace: "default".into(), name: name.into() });
        let controller =
            ControllerSettings { tcp_services: name("tcp"), udp_services: name("udp"), ..Default::default() };
        let serve = ServeSettings { workers: NonZero::new(2), ..on_loopback(ServeSettings::default()) };
        let (events, receiver) = mpsc::channel(1024);
        let (lines, log) = mpsc::unbounded_channel();
        let start = move || Server::start(&controller, &serve, receiver, Box::new(Lines(lines)));
        events.send(SourceEvent::Synced).await?;
        let server = tokio::task::spawn_blocking(start).await??;
        let mut world = Self { server: Some(server), events, sent: 1, log };
        world.apply([config_map("adit", "adit", &json!({"log-format-stream": LOG}))]).await?;
        world.apply(objects).await?;
        Ok(world)
    }

    pub(super) fn server(&self) -> Result<&Server> {
        self.server.as_ref().context("the server is gone")
    }

    /// Applies objects, and waits until they are part of what is served.
    pub(super) async fn apply(&mut self, objects: impl IntoIterator<Item = Value>) -> Result<()> {
        let manifest = manifest::parse(&"objects.yaml".into(), documents(objects).as_bytes());
        ensure!(manifest.diagnostics.is_empty(), "{:?}", manifest.diagnostics);
        for object in manifest.objects {
            self.events.send(SourceEvent::Apply(object)).await?;
            self.sent += 1;
        }
        let sent = self.sent;
        self.reaches(|state| state.source_revision >= sent).await
    }

    /// Waits until the pipeline is in a state that fits.
    pub(super) async fn reaches(&self, fits: impl FnMut(&State) -> bool) -> Result<()> {
        let mut state = self.server()?.state();
        let reached = timeout(PATIENCE, state.wait_for(fits)).await;
        reached.context("the state does not come")?.map(drop).context("the pipeline has ended")
    }

    /// Waits until something wrong is told that has this text.
    pub(super) async fn says(&self, text: &str) -> Result<()> {
        let wrong = |state: &State| state.diagnostics.iter().any(|diagnostic| diagnostic.to_string().contains(text));
        self.reaches(wrong).await.with_context(|| text.to_owned())
    }

    /// Waits until a UDP port is open, of which nothing tells a client.
    pub(super) async fn opens(&self, port: u16) -> Result<()> {
        let labels = [&*format!("port=\"{port}\""), "protocol=\"UDP\""];
        let open = async {
            while self.metric("adit_stream_listener_open", &labels).await? != Some(1.0) {
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        timeout(PATIENCE, open).await.with_context(|| format!("port {port} does not open"))?
    }

    /// Waits until nothing is wrong.
    pub(super) async fn is_well(&self) -> Result<()> {
        self.reaches(|state| state.diagnostics.is_empty()).await
    }

    /// The next line of the log for TCP and UDP services.
    pub(super) async fn logged(&mut self) -> Result<String> {
        loop {
            let line = timeout(PATIENCE, self.log.recv()).await.context("no line in the log")?;
            let line = line.context("the log has ended")?;
            if ["TCP ", "UDP "].iter().any(|protocol| line.starts_with(protocol)) {
                return Ok(line);
            }
        }
    }

    /// The value of a metric's sample that has all of these labels.
    pub(super) async fn metric(&self, name: &str, labels: &[&str]) -> Result<Option<f64>> {
        let mut admin = Connection::open(self.server()?.admin_address()).await?;
        admin.send("GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n").await?;
        let text = String::from_utf8(admin.response("GET").await?.body)?;
        let found = text.lines().find(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')) && labels.iter().all(|l| line.contains(l))
        });
        Ok(found.and_then(|line| line.rsplit(' ').next()).map(str::parse).transpose()?)
    }

    /// Shuts down without a grace period.
    pub(super) fn shut_down(mut self) -> tokio::task::JoinHandle<Option<usize>> {
        let server = self.server.take();
        tokio::task::spawn_blocking(move || server.map(|server| server.shut_down(std::time::Duration::ZERO)))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It joins its threads, which a runtime's thread must not wait for.
        let server = self.server.take();
        std::thread::spawn(move || drop(server));
    }
}

pub(super) fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Connects to a port as soon as it is open.
pub(super) async fn connect(port: u16) -> Result<TcpStream> {
    let connected = async {
        loop {
            // Nothing tells a client when a port opens.
            match TcpStream::connect(at(port)).await {
                Ok(stream) => return stream,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    timeout(PATIENCE, connected).await.with_context(|| format!("port {port} does not open"))
}

/// Waits until a port refuses connections.
pub(super) async fn refuses(port: u16) -> Result<()> {
    ports::refuses(at(port)).await
}

/// Sends a text and expects it back, as often as one likes on one connection.
pub(super) async fn echoes(stream: &mut TcpStream, text: &str) -> Result<()> {
    stream.write_all(text.as_bytes()).await?;
    let mut echo = vec![0; text.len()];
    timeout(PATIENCE, stream.read_exact(&mut echo)).await.context("no echo in time")??;
    ensure!(echo == text.as_bytes(), "{text:?} came back as {:?}", String::from_utf8_lossy(&echo));
    Ok(())
}

/// All that comes until the end.
pub(super) async fn rest(stream: &mut TcpStream) -> Result<String> {
    let mut rest = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut rest)).await.context("no end in time")??;
    Ok(rest)
}

/// A backend that says its name and then sends back what it gets, until that ends.
pub(super) async fn tcp_echo(name: &'static str) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut input, mut output) = stream.split();
                output.write_all(name.as_bytes()).await?;
                tokio::io::copy(&mut input, &mut output).await?;
                output.shutdown().await
            });
        }
    });
    Ok(address)
}

/// A backend that sends each datagram back with its name before it.
pub(super) async fn udp_echo(name: &'static str) -> Result<SocketAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        let mut buffer = vec![0; 1 << 16];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let answer = [name.as_bytes(), &buffer[..length]].concat();
            let _ = socket.send_to(&answer, client).await;
        }
    });
    Ok(address)
}

pub(super) fn config_map(namespace: &str, name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data})
}

/// The ConfigMap of TCP services: port and value of each.
pub(super) fn tcp_services(entries: &[(u16, &str)]) -> Value {
    services_map("tcp", entries)
}

/// The ConfigMap of UDP services, likewise.
pub(super) fn udp_services(entries: &[(u16, &str)]) -> Value {
    services_map("udp", entries)
}

fn services_map(name: &str, entries: &[(u16, &str)]) -> Value {
    let data: serde_json::Map<_, _> = entries.iter().map(|(port, value)| (port.to_string(), json!(value))).collect();
    config_map("default", name, &data.into())
}

/// A Service with port 80 of this protocol, and its endpoints.
pub(super) fn service(name: &str, protocol: &str, endpoints: &[SocketAddr]) -> Vec<Value> {
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"name": "main", "port": 80, "protocol": protocol}]},
    });
    let slices = (0..2).map(|number| slice(name, protocol, number, endpoints.get(number)));
    [service].into_iter().chain(slices).collect()
}

/// One endpoint, or none: the EndpointSlice stays where it is, so that it can be applied again.
fn slice(service: &str, protocol: &str, number: usize, endpoint: Option<&SocketAddr>) -> Value {
    let endpoints: Vec<_> = endpoint.iter().map(|endpoint| json!({"addresses": [endpoint.ip()]})).collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": format!("{service}-{number}"), "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": "main", "port": endpoint.map_or(1, SocketAddr::port), "protocol": protocol}],
    })
}
