//! A real Prometheus scrapes Adit as our ServiceMonitor says: the Grafana dashboards of ingress-nginx have data, and our
//! alerts can fire.

mod own;
mod prometheus;
mod queries;

use crate::ADIT;
use crate::manifests::{Installation, rules, text};
use anyhow::{Context, Result, bail, ensure};
use gateway::telemetry::{Identity, MetricsSettings, Telemetry};
use prometheus::Prometheus;
use serde_json::json;
use std::convert::Infallible;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use tests::adit::{documents, slice};
use tests::backend::answering;
use tests::connection::{Connection, PATIENCE};
use tests::objects;
use tests::ports::free_port;
use tests::process::Process;
use tests::tls::Offer;

/// The metrics of ingress-nginx 1.15, after their prefix; one of a histogram's series stands for it.
const NAMES: &str = "requests request_duration_seconds_bucket response_duration_seconds_bucket \
    header_duration_seconds_bucket connect_duration_seconds_bucket request_size_bucket response_size_bucket \
    bytes_sent_bucket build_info config_hash config_last_reload_successful \
    config_last_reload_successful_timestamp_seconds success errors check_success check_errors ssl_expire_time_seconds \
    ssl_certificate_info leader_election_status orphan_ingress admission_tested_ingresses admission_tested_duration \
    admission_render_ingresses admission_render_duration admission_config_size admission_roundtrip_duration \
    nginx_process_connections nginx_process_connections_total nginx_process_requests_total nginx_process_num_procs \
    nginx_process_cpu_seconds_total nginx_process_read_bytes_total nginx_process_write_bytes_total \
    nginx_process_resident_memory_bytes nginx_process_virtual_memory_bytes nginx_process_oldest_start_time_seconds";

#[tokio::test]
async fn fault_n06_dashboards_of_ingress_nginx_have_data() -> Result<()> {
    let world = World::start().await?;
    let names: Vec<_> = NAMES.split_whitespace().map(|name| format!("nginx_ingress_controller_{name}")).collect();
    assert_eq!(names.len(), 36);
    for name in &names {
        world.answers(&format!("count({name})")).await?;
    }
    let queries = [queries::nginx(), queries::performance()].concat();
    assert_eq!(queries.len(), 34);
    for query in &queries {
        // "All" of each variable.
        world.answers(&substituted(query, |_| ".*")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_n06_filters_of_the_dashboards_offer_what_there_is() -> Result<()> {
    let world = World::start().await?;
    let hash = r#"nginx_ingress_controller_config_hash{namespace=~"adit"}"#;
    let requests = r#"nginx_ingress_controller_requests{namespace=~"adit",controller_pod=~"adit-0"}"#;
    let class = "adit.dev/ingress-controller";
    for (selector, label, value) in [
        (hash, "controller_namespace", "adit"),
        (hash, "controller_class", class),
        (hash, "controller_pod", "adit-0"),
        (requests, "exported_namespace", "default"),
        (requests, "ingress", "h"),
    ] {
        let values = async || world.prometheus.label_values(selector, label).await;
        let offered = async {
            while !values().await?.iter().any(|one| one == value) {}
            anyhow::Ok(())
        };
        let offered = tokio::time::timeout(PATIENCE, world.under_load(offered)).await;
        offered.with_context(|| format!("no {value} among the values of {label}"))??;
    }
    let chosen = |variable: &str| match variable {
        "namespace" => "adit",
        "controller_class" => class,
        "controller" => "adit-0",
        "exported_namespace" => "default",
        _ => "h",
    };
    // One Pod alone: the other has the failed configuration. Certificates have no Ingress, in ingress-nginx neither.
    let everywhere = |query: &&String| !query.contains("ssl_expire") && !query.contains("successful");
    for query in [queries::nginx(), queries::performance()].concat().iter().filter(everywhere) {
        world.answers(&substituted(query, chosen)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_n03_every_alert_can_fire() -> Result<()> {
    let world = World::start().await?;
    for rule in rules() {
        let expression = text(&rule["expr"]);
        match text(&rule["alert"]).as_str() {
            // An hour ago nothing was scraped.
            "AditAbsent" => world.answers(&expression.replace(')', " offset 1h)")).await?,
            _ => world.answers(&expression).await?,
        }
    }
    let orphan =
        r#"nginx_ingress_controller_orphan_ingress{exported_namespace="default",ingress="h",type="no-service"}"#;
    world.answers(orphan).await
}

/// Two Pods of Adit and their Prometheus. The first serves an Ingress, one of whose Services does not exist, while a
/// client has as many connections as it may, a port is taken, a value of the ConfigMap is wrong and the access log cannot be written. Of the second there
/// are the metrics only: a defect keeps a change from being served, and a watch fails.
struct World {
    adit: Process,
    prometheus: Prometheus,
    _occupant: TcpListener,
    _clients: Vec<Connection>,
}

impl World {
    async fn start() -> Result<Self> {
        let occupant = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port()))?;
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
        let environment = [("POD_NAMESPACE", "adit"), ("POD_NAME", "adit-0")];
        let full = Stdio::from(File::options().write(true).open("/dev/full")?);
        let arguments = ["--configmap=adit/adit", "--tcp-services-configmap=adit/tcp"];
        let objects = objects(backend, occupant.local_addr()?.port())?;
        let adit = Process::start_in(&environment, full, ADIT, &arguments, &objects).await?;
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS - 1 {
            let mut client = Connection::open(adit.http).await?;
            ensure!(get(&mut client, "/").await? == 200, "not served");
            clients.push(client);
        }
        let second = answering(String::leak(troubled()?)).await?;
        let installation = Installation::named("monitoring");
        let pods = [("adit-0", adit.admin), ("adit-1", second)];
        let prometheus = Prometheus::start(installation.only("ServiceMonitor"), &pods).await?;
        Ok(Self { adit, prometheus, _occupant: occupant, _clients: clients })
    }

    /// Waits, while there is traffic, until a query has a number for an answer.
    async fn answers(&self, query: &str) -> Result<()> {
        let mut last = Vec::new();
        let answered = async {
            while !last.iter().any(|value: &f64| value.is_finite()) {
                last = self.prometheus.query(query).await?;
            }
            anyhow::Ok(())
        };
        let answered = tokio::time::timeout(PATIENCE, self.under_load(answered)).await;
        answered.with_context(|| format!("no number for {query}: {last:?}"))?
    }

    /// Does something while there is traffic.
    async fn under_load<T>(&self, action: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = action => done,
            Err(error) = self.load() => Err(error),
        }
    }

    /// A client asks for what is there and what is not, over TLS, and another is refused a connection; for ever.
    async fn load(&self) -> Result<Infallible> {
        let offer = Offer { server_name: Some("h".to_owned()), ..Offer::default() };
        for path in ["/", "/gone"].iter().cycle() {
            // The last place is free only once Adit has noticed that the client before has gone.
            if let Ok(mut client) = Connection::open_tls(self.adit.https, &offer).await {
                get(&mut client, path).await?;
                let mut refused = Connection::open(self.adit.http).await?;
                ensure!(refused.is_closed().await, "one client too many is served");
            }
            tokio::task::yield_now().await;
        }
        bail!("the cycle has ended")
    }
}

/// The most connections of a client.
const CONNECTIONS: usize = 3;

async fn get(client: &mut Connection, path: &str) -> Result<u16> {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
    Ok(client.response("GET").await?.status)
}

fn objects(backend: SocketAddr, taken: u16) -> Result<String> {
    let path = |path: &str, service: &str| {
        let backend = json!({"service": {"name": service, "port": {"number": 80}}});
        json!({"path": path, "pathType": "Prefix", "backend": backend})
    };
    let rule = |host: &str| json!({"host": host, "http": {"paths": [path("/", "backend"), path("/gone", "gone")]}});
    let redirects = json!({"nginx.ingress.kubernetes.io/ssl-redirect": "false"});
    let limit =
        json!({"max-connections-per-client": CONNECTIONS.to_string(), "keep-alive": "3600", "proxy-body-size": "5x"});
    Ok(documents([
        objects::backend(),
        slice("backend", 0, backend),
        objects::certificate("h")?,
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "h", "annotations": redirects},
            "spec": {"tls": [{"hosts": ["h"], "secretName": "h"}], "rules": [rule("h")]},
        }),
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "well"},
            "spec": {"rules": [{"host": "well", "http": {"paths": [path("/", "backend")]}}]},
        }),
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "wrong", "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "wide"}},
            "spec": {"rules": [rule("wrong")]},
        }),
        objects::config_map("adit", &limit),
        objects::config_map("tcp", &json!({taken.to_string(): "default/backend:80"})),
    ]))
}

/// The answer of a Pod that serves an old configuration, does not follow Secrets and holds no Lease.
fn troubled() -> Result<String> {
    let identity = Identity {
        class: "adit.dev/ingress-controller".to_owned(),
        namespace: "adit".to_owned(),
        pod: "adit-1".to_owned(),
        ..Identity::default()
    };
    let telemetry = Telemetry::start(&identity, &MetricsSettings::default(), Box::new(std::io::sink()))?;
    telemetry.controller().failed(1);
    telemetry.controller().watch("Secret", false);
    telemetry.controller().leads("ingress-controller-leader", false);
    let text = telemetry.metrics()?;
    let kind = "text/plain; version=0.0.4";
    Ok(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{text}", text.len()))
}

/// A query with Grafana's variables in it.
fn substituted<'a>(query: &str, value: impl Fn(&str) -> &'a str) -> String {
    // The longer before the shorter that they begin with.
    ["exported_namespace", "namespace", "controller_class", "controller", "ingress"]
        .iter()
        .fold(query.to_owned(), |query, variable| query.replace(&format!("${variable}"), value(variable)))
}
