use crate::config::{Owner, RouteLabels};
use crate::connection::Connection;
use crate::headers::Headers;
use crate::telemetry::{Attempt, Build, Identity, MetricsSettings, Record, RequestInfo, Telemetry};
use parking_lot::Mutex;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A log that a test can read.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What is written so far, given that the worker has flushed.
    pub(crate) fn text(&self, telemetry: &Telemetry) -> String {
        telemetry.sync();
        String::from_utf8(self.0.lock().clone()).expect("the log is text")
    }
}

pub(crate) fn telemetry() -> (Telemetry, Log) {
    telemetry_with(&MetricsSettings::default())
}

pub(crate) fn telemetry_with(metrics: &MetricsSettings) -> (Telemetry, Log) {
    let log = Log::default();
    let identity = Identity {
        class: "adit.dev/ingress".to_owned(),
        namespace: "ingress".to_owned(),
        pod: "adit-0".to_owned(),
        build: Build { release: "1.2.3".to_owned(), ..Build::default() },
    };
    (Telemetry::start(&identity, metrics, Box::new(log.clone())).expect("starts"), log)
}

pub(crate) fn connection() -> Connection {
    Connection {
        id: 42,
        peer: SocketAddr::from(([192, 0, 2, 1], 50000)),
        local: SocketAddr::from(([192, 0, 2, 80], 8080)),
        advertised_port: 80,
        proxied: None,
        own_port: None,
        tls: None,
    }
}

pub(crate) fn labels() -> Arc<RouteLabels> {
    Arc::new(RouteLabels {
        host: "h".into(),
        path: "/".into(),
        owner: Owner {
            namespace: "ns".into(),
            ingress: "web".into(),
            service: "echo".into(),
            service_port: "80".into(),
        },
        canary: Arc::default(),
    })
}

pub(crate) fn attempt() -> Attempt {
    Attempt {
        address: SocketAddr::from(([10, 0, 0, 1], 8080)),
        status: Some(200),
        connect: Some(Duration::from_millis(2)),
        header: Some(Duration::from_millis(30)),
        response: Duration::from_millis(40),
        response_length: 612,
        after: Duration::from_millis(1),
        span: None,
    }
}

pub(crate) fn request<'a>(connection: &'a Connection, headers: &'a Headers) -> RequestInfo<'a> {
    RequestInfo {
        client: Ipv4Addr::new(203, 0, 113, 7).into(),
        method: "GET",
        target: b"/x?a=1&b=2",
        path: b"/x",
        version: "HTTP/1.1",
        host: "h",
        headers: Some(headers),
        request_id: b"5c8f7b1e",
        ..RequestInfo::new(connection, 3)
    }
}

/// The record of a request that went well; tests change what they are about.
pub(crate) fn record<'a>(connection: &'a Connection, headers: &'a Headers) -> Record<'a> {
    Record {
        request: request(connection, headers),
        logged: true,
        reply: None,
        request_length: 85,
        duration: Duration::from_micros(41_999),
        status: 200,
        body_bytes_sent: 612,
        bytes_sent: 750,
        encoded: None,
        attempts: &[],
    }
}

/// The same, taken by the route with these labels.
pub(crate) fn routed<'a>(labels: &'a Arc<RouteLabels>, connection: &'a Connection, headers: &'a Headers) -> Record<'a> {
    Record {
        request: RequestInfo { labels: Some(labels), ..request(connection, headers) },
        ..record(connection, headers)
    }
}

pub(crate) fn headers(lines: &[(&'static str, &str)]) -> Headers {
    lines.iter().map(|&(name, value)| (name.parse().expect("name"), value.parse().expect("value"))).collect()
}

/// The value of one sample, given all its labels but those that every metric has.
pub(crate) fn sample(text: &str, name: &str, labels: &str) -> Option<f64> {
    let common = "controller_class=\"adit.dev/ingress\",controller_namespace=\"ingress\",controller_pod=\"adit-0\"";
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?.strip_prefix('{')?;
        let (found, value) = rest.rsplit_once("} ")?;
        let mut pairs: Vec<_> = found.split(',').collect();
        let mut wanted: Vec<_> = common.split(',').chain(labels.split(',').filter(|pair| !pair.is_empty())).collect();
        pairs.sort_unstable();
        wanted.sort_unstable();
        (pairs == wanted).then(|| value.parse().expect("a number"))
    })
}
