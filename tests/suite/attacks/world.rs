//! A gateway before a backend that records what it gets, and attackers at each door.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, annotated, documents, manifests, slice};
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::recorder::{Recording, recorded_answering};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// What the backend answers, unless a test has its own.
pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Where an attacker connects. Both serve host `h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Http,
    Https,
}

pub(super) const DOORS: [Door; 2] = [Door::Http, Door::Https];

/// A gateway for host `h`, its backend, and its access log.
pub(super) struct World {
    pub(super) adit: Adit,
    pub(super) recording: Recording,
    log: UnboundedReceiver<String>,
}

impl World {
    /// One whose backend answers everything [`OK`].
    pub(super) async fn new() -> Result<Self> {
        Self::with(&[], json!({})).await
    }

    /// The same, with annotations of ingress-nginx, by their names after the prefix, and the ConfigMap's data.
    pub(super) async fn with(annotations: &[(&str, &str)], config: Value) -> Result<Self> {
        Self::before(recorded_answering(OK).await?, annotations, config).await
    }

    /// The same before another backend.
    pub(super) async fn before(
        (backend, recording): (SocketAddr, Recording),
        annotations: &[(&str, &str)],
        config: Value,
    ) -> Result<Self> {
        let annotations = [annotations, &[("ssl-redirect", "false")]].concat();
        Self::of(&annotated(&annotations, &[backend], &config), recording).await
    }

    /// One whose Ingress is for every host.
    pub(super) async fn catch_all() -> Result<Self> {
        let (backend, recording) = recorded_answering(OK).await?;
        let objects = manifests(&[backend], &json!({"ssl-redirect": "false"})).replace(r#""host":"h","#, "");
        Self::of(&objects, recording).await
    }

    /// One that lets nobody to this path of its host: an Ingress of its own has a list of addresses.
    pub(super) async fn with_closed_path(path: &str) -> Result<Self> {
        let (backend, recording) = recorded_answering(OK).await?;
        let prefix = "nginx.ingress.kubernetes.io";
        let annotations = json!({
            format!("{prefix}/whitelist-source-range"): "192.0.2.1",
            format!("{prefix}/ssl-redirect"): "false",
        });
        let backend_of_path = json!({"service": {"name": "backend", "port": {"number": 80}}});
        let paths = json!([{"path": path, "pathType": "Prefix", "backend": backend_of_path}]);
        let closed = json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "closed", "annotations": annotations},
            "spec": {"rules": [{"host": "h", "http": {"paths": paths}}]},
        });
        let open = annotated(&[("ssl-redirect", "false")], &[backend], &json!({}));
        Self::of(&(open + &documents([closed])), recording).await
    }

    /// One that asks an auth server, `auth`, at this address.
    pub(super) async fn guarded(auth: SocketAddr, annotations: &[(&str, &str)], config: Value) -> Result<Self> {
        let (backend, recording) = recorded_answering(OK).await?;
        let guard = [("auth-url", "http://auth.default.svc.cluster.local/check"), ("ssl-redirect", "false")];
        let annotations = [annotations, &guard].concat();
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "auth"},
            "spec": {"ports": [{"port": 80}]},
        });
        let objects = annotated(&annotations, &[backend], &config);
        Self::of(&(objects + &documents([service, slice("auth", 0, auth)])), recording).await
    }

    /// One that lets in `alice` with the password `a`, on `/` and on `/open`, which needs none if the ConfigMap says so.
    pub(super) async fn with_users(annotations: &[(&str, &str)], config: Value) -> Result<Self> {
        let (backend, recording) = recorded_answering(OK).await?;
        let guard = [("auth-type", "basic"), ("auth-secret", "users"), ("auth-realm", "r"), ("ssl-redirect", "false")];
        let annotations = [&guard, annotations].concat();
        let objects = annotated(&annotations, &[backend], &config);
        let (before, after) = objects.split_once("\"paths\":[").context("no paths")?;
        let open = json!({"path": "/open", "pathType": "Prefix", "backend": {"service": {"name": "backend", "port": {"number": 80}}}});
        let objects = format!("{before}\"paths\":[{open},{after}");
        let users = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "users"},
            "stringData": {"auth": "alice:{PLAIN}a"},
        });
        Self::of(&(objects + &documents([users])), recording).await
    }

    async fn of(objects: &str, recording: Recording) -> Result<Self> {
        let (adit, log) = Adit::start_logging(objects).await?;
        Ok(Self { adit, recording, log })
    }

    pub(super) async fn connect(&self, door: Door) -> Result<Connection> {
        match door {
            Door::Http => self.adit.connect().await,
            Door::Https => self.adit.connect_tls("h").await,
        }
    }

    /// These bytes get this status at each door and the connection ends, nothing of them reaches the backend, and it is
    /// logged and counted.
    pub(super) async fn refuses(&mut self, bytes: &[u8], status: u16) -> Result<()> {
        self.refuses_with_any(bytes, &[status]).await
    }

    /// The same, with one of these statuses.
    pub(super) async fn refuses_with_any(&mut self, bytes: &[u8], statuses: &[u16]) -> Result<()> {
        for door in DOORS {
            let attack = || format!("{:?} at {door:?}", String::from_utf8_lossy(bytes));
            self.recording.clear();
            let counted = self.counted().await?;
            let mut connection = self.connect(door).await?;
            connection.send(bytes).await?;
            let response = connection.response("GET").await.with_context(attack)?;
            let refused = response.closed && statuses.contains(&response.status);
            assert!(refused, "{}: {} {}", attack(), response.status, response.closed);
            assert_eq!(self.recording.all(), "", "{}", attack());
            self.logs(response.status).await.with_context(attack)?;
            assert!(self.counted().await? > counted, "{} is not counted", attack());
        }
        self.serves_others().await
    }

    /// A request is answered with this status at each door, and the backend gets nothing of it.
    pub(super) async fn answers(&mut self, request: &[u8], status: u16) -> Result<()> {
        for door in DOORS {
            let attack = || format!("{:?} at {door:?}", String::from_utf8_lossy(request));
            self.recording.clear();
            let mut connection = self.connect(door).await?;
            connection.send(request).await?;
            let response = connection.response("GET").await.with_context(attack)?;
            assert_eq!(response.status, status, "{}", attack());
            assert_eq!(self.recording.all(), "", "{}", attack());
            self.logs(status).await.with_context(attack)?;
        }
        Ok(())
    }

    /// These bytes are a request that the backend answers, at each door. Returns what it has got.
    pub(super) async fn forwards(&mut self, bytes: impl AsRef<[u8]>) -> Result<[Vec<u8>; 2]> {
        let mut got = [Vec::new(), Vec::new()];
        for (door, got) in DOORS.into_iter().zip(&mut got) {
            let attack = || format!("{:?} at {door:?}", String::from_utf8_lossy(bytes.as_ref()));
            self.recording.clear();
            let mut connection = self.connect(door).await?;
            connection.send(&bytes).await?;
            let response = connection.response("GET").await.with_context(attack)?;
            assert_eq!(response.status, 200, "{}", attack());
            self.logs(200).await.with_context(attack)?;
            *got = self.recording.bytes();
        }
        Ok(got)
    }

    /// The backend gets these headers of a request, at each door: their lines, in lower case and sorted, of those names.
    pub(super) async fn forwards_headers(&mut self, bytes: &[u8], names: &[&str]) -> Result<[Vec<String>; 2]> {
        let lines = |head: Vec<u8>| {
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
            let is_named = |line: &&str| line.split_once(':').is_some_and(|(name, _)| names.contains(&name));
            let mut lines: Vec<_> = head.lines().filter(is_named).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        Ok(self.forwards(bytes).await?.map(lines))
    }

    /// The next line of the access log is of a request with this answer.
    pub(super) async fn logs(&mut self, status: u16) -> Result<()> {
        let line = self.line().await?;
        assert!(line.contains(&format!("\" {status} ")), "{line}");
        Ok(())
    }

    /// The next line of the access log.
    pub(super) async fn line(&mut self) -> Result<String> {
        loop {
            let line = timeout(PATIENCE, self.log.recv()).await.context("no line in the log")?.context("no log")?;
            // Of another test: its Adit still asks for an API server that has gone, whose port is ours now.
            if !line.contains("allowWatchBookmarks=true") {
                return Ok(line);
            }
        }
    }

    /// How many requests have been counted, refused ones and those that a rule matched.
    async fn counted(&self) -> Result<u64> {
        const COUNTERS: [&str; 2] = ["adit_refused_heads_total{", "nginx_ingress_controller_requests{"];
        let metrics = self.adit.metrics().await?;
        let counted = metrics.lines().filter(|line| COUNTERS.iter().any(|counter| line.starts_with(counter)));
        Ok(counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// The sum of a metric's samples with this label.
    pub(super) async fn counter(&self, metric: &str, label: &str) -> Result<u64> {
        let metrics = self.adit.metrics().await?;
        let samples = metrics.lines().filter(|line| line.starts_with(&format!("{metric}{{")) && line.contains(label));
        Ok(samples.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Waits until a metric has this reason: a connection is counted when all of its streams have ended.
    pub(super) async fn counts(&self, metric: &str, reason: &str) -> Result<()> {
        let label = format!("reason={reason:?}");
        let counted = async {
            loop {
                let metrics = self.adit.metrics().await?;
                if metrics.lines().any(|line| line.starts_with(metric) && line.contains(&label)) {
                    return Ok(());
                }
            }
        };
        timeout(PATIENCE, counted).await.with_context(|| format!("no {metric} of {reason}"))?
    }

    /// A client that behaves is served.
    pub(super) async fn serves_others(&mut self) -> Result<()> {
        let response = self.get(&mut self.connect(Door::Http).await?).await?;
        assert_eq!(response.status, 200);
        self.logs(200).await
    }

    /// Asks for `/` of host `h`.
    pub(super) async fn get(&self, connection: &mut Connection) -> Result<Response> {
        connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
        connection.response("GET").await
    }
}
