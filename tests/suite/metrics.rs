//! Every metric moves: a real Adit is made to do what it counts.

use anyhow::{Context, Result, ensure};
use controller::object::NamespacedName;
use controller::settings::ControllerSettings;
use gateway::telemetry::{Identity, METRICS, MetricDoc, MetricsSettings, Telemetry};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::SystemTime;
use tests::adit::{Adit, documents, manifests, slice};
use tests::backend::answering;
use tests::connection::{Connection, PATIENCE};
use tests::objects;
use tests::ports::free_port;

/// What never changes in the life of a process. These are there from the start, and not 0.
const CONSTANT: &[&str] = &[
    "nginx_ingress_controller_build_info",
    "nginx_ingress_controller_nginx_process_num_procs",
    "nginx_ingress_controller_nginx_process_oldest_start_time_seconds",
    "process_max_fds",
    "process_start_time_seconds",
];

/// Metrics that other tests of this binary move: it takes other settings, a cluster, or what only the system does.
const ELSEWHERE: &[(&str, &str)] = &[
    ("nginx_ingress_controller_config_last_reload_successful", "metrics::fault_n03_a_defect_is_measured"),
    ("nginx_ingress_controller_errors", "metrics::fault_n03_a_defect_is_measured"),
    ("nginx_ingress_controller_leader_election_status", "status::a_lost_lease_stops_the_writing_and_nothing_else"),
    (
        "nginx_ingress_controller_nginx_process_read_bytes_total",
        "metrics::fault_n03_the_system_counts_bytes_of_storage",
    ),
    (
        "nginx_ingress_controller_nginx_process_write_bytes_total",
        "metrics::fault_n03_the_system_counts_bytes_of_storage",
    ),
    ("adit_temp_file_bytes", "buffering::requests::a_large_upload_lies_in_a_file_and_takes_no_memory"),
    ("adit_refused_connections_total", "listeners::a_client_has_no_more_connections_than_it_may"),
    (
        "adit_http2_connection_errors_total",
        "attacks::http2_floods::attack_40_pings_settings_and_priorities_without_end",
    ),
    (
        "adit_proxy_protocol_failures_total",
        "proxy_protocol::attack_42_without_a_sound_header_the_connection_closes_without_an_answer",
    ),
    ("adit_retries_total", "retries::a_backend_that_fails_altogether_is_not_asked_much_more_often"),
    ("adit_refused_retries_total", "retries::a_backend_that_fails_altogether_is_not_asked_much_more_often"),
    ("adit_ejected_endpoints", "balancing::an_endpoint_that_fails_gets_no_requests_until_its_time_is_over"),
    ("adit_ejections_total", "balancing::an_endpoint_that_fails_gets_no_requests_until_its_time_is_over"),
    ("adit_mirror_lost_copies_total", "mirrors::a_mirror_that_is_adit_itself_gets_one_copy"),
    ("adit_admission_reviews_total", "admission::reviews::a_path_is_free_once_its_ingress_is_gone"),
    ("adit_configmap_invalid_values", "admission::reviews::a_wrong_value_of_the_configmap_is_refused_and_harms_nobody"),
    ("adit_watch_healthy", "cluster_source::access::a_kind_that_is_forbidden_counts_as_empty_until_it_is_allowed"),
    ("adit_ocsp_fetches_total", "ocsp::a_response_is_sent_along_once_it_is_there"),
    ("adit_trace_spans_sent_total", "tracing::a_span_tells_of_its_request"),
    ("adit_trace_spans_dropped_total", "tracing::what_is_refused_is_counted"),
    ("adit_access_log_dropped_lines_total", "dashboards::fault_n03_every_alert_can_fire"),
];

/// The samples of every metric, by its name: a histogram's series are its own.
type Samples = BTreeMap<&'static str, BTreeSet<String>>;

#[tokio::test]
async fn fault_n03_every_metric_moves() -> Result<()> {
    let backend = answering(OK).await?;
    let port = free_port();
    let settings = ControllerSettings {
        tcp_services: Some(NamespacedName { namespace: "default".into(), name: "tcp".into() }),
        ..ControllerSettings::default()
    };
    let (first, second) = (manifests(&[backend], &json!({})), more(backend, port)?);
    let mut adit = Adit::start_as(settings, &first).await?;
    let before = samples(&adit).await?;
    for name in CONSTANT {
        let values = before.get(name).with_context(|| format!("there is no {name}"))?;
        ensure!(!values.is_empty() && values.iter().all(|sample| !sample.ends_with(" 0")), "{values:?}");
    }
    let mut still: Vec<_> = METRICS.iter().map(|metric| metric.name).filter(|name| is_moved_here(name)).collect();
    let mut load = Load::default();
    let moved = async {
        loop {
            adit.replace(&second).await?;
            load.once(&adit, port).await?;
            let now = samples(&adit).await?;
            still.retain(|name| now.get(name) == before.get(name));
            if still.is_empty() {
                return anyhow::Ok(());
            }
            // Again: some have whole seconds, and others are counted a little later.
            adit.replace(&first).await?;
        }
    };
    let moved = tokio::time::timeout(PATIENCE, moved).await;
    moved.with_context(|| format!("do not move: {still:?}"))?
}

fn is_moved_here(name: &str) -> bool {
    !CONSTANT.contains(&name) && !ELSEWHERE.iter().any(|(elsewhere, _)| *elsewhere == name)
}

#[test]
fn fault_n03_tests_that_move_metrics_are_there() -> Result<()> {
    let tests: Vec<_> = ELSEWHERE.iter().map(|(_, test)| *test).collect();
    assert_eq!(tests::listed::missing(&tests)?, [""; 0]);
    let named = CONSTANT.iter().chain(ELSEWHERE.iter().map(|(metric, _)| metric));
    let unknown: Vec<_> = named.filter(|name| !METRICS.iter().any(|metric| metric.name == **name)).collect();
    assert_eq!(unknown, [&""; 0], "there is no such metric");
    Ok(())
}

/// No objects lead to a defect, so that it is recorded as the server would.
#[test]
fn fault_n03_a_defect_is_measured() -> Result<()> {
    let telemetry = Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(std::io::sink()))?;
    let metrics = ["nginx_ingress_controller_config_last_reload_successful", "nginx_ingress_controller_errors"];
    let values = || -> Result<_> {
        let text = telemetry.metrics()?;
        Ok(metrics.map(|name| text.lines().find(|line| is_sample_of(line, name)).map(str::to_owned)))
    };
    telemetry.controller().published(1, 0, SystemTime::now());
    let before = values()?;
    telemetry.controller().failed(1);
    let after = values()?;
    assert!(before.iter().zip(&after).all(|(before, after)| before != after), "{before:?} {after:?}");
    Ok(())
}

/// Only the system knows them, and on some file systems they stay 0.
#[tokio::test]
async fn fault_n03_the_system_counts_bytes_of_storage() -> Result<()> {
    let adit = Adit::start(&manifests(&[], &json!({}))).await?;
    for (metric, field) in [("read_bytes", "read_bytes"), ("write_bytes", "write_bytes")] {
        let name = format!("nginx_ingress_controller_nginx_process_{metric}_total");
        let before = counted_by_system(field)?;
        let text = adit.metrics().await?;
        let sample = text.lines().find(|line| is_sample_of(line, &name)).context(name)?;
        let value: f64 = sample.rsplit(' ').next().context("no value")?.parse()?;
        assert!((before..=counted_by_system(field)?).contains(&value), "{sample}");
    }
    Ok(())
}

fn counted_by_system(field: &str) -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/io")?;
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("{field}: ")));
    Ok(value.with_context(|| format!("no {field}: {text}"))?.parse()?)
}

async fn samples(adit: &Adit) -> Result<Samples> {
    let text = adit.metrics().await?;
    let of =
        |metric: &MetricDoc| text.lines().filter(|line| is_sample_of(line, metric.name)).map(str::to_owned).collect();
    Ok(METRICS.iter().map(|metric| (metric.name, of(metric))).collect())
}

/// Whether a line is a sample of a metric, or of one of a histogram's series.
fn is_sample_of(line: &str, name: &str) -> bool {
    let Some(rest) = line.strip_prefix(name) else { return false };
    ["_bucket", "_sum", "_count", ""]
        .iter()
        .any(|series| rest.strip_prefix(series).is_some_and(|rest| rest.starts_with('{')))
}

/// What is done again and again, and what is held meanwhile.
#[derive(Default)]
struct Load {
    connections: Vec<Connection>,
    memory: Vec<Vec<u8>>,
    threads: Vec<mpsc::Sender<()>>,
}

impl Load {
    async fn once(&mut self, adit: &Adit, port: u16) -> Result<()> {
        let mut client = adit.connect().await?;
        ensure!(get(&mut client, "h").await? == 200, "not served");
        ensure!(get(&mut client, "unknown").await? == 404, "served");
        self.connections.push(client);
        ensure!(get(&mut adit.connect_tls("h").await?, "h").await? == 200, "not served over TLS");

        let mut refused = adit.connect().await?;
        refused.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").await?;
        ensure!(refused.response("GET").await?.status == 400, "not refused");
        let mut rubbish = Connection::open(adit.https_address()?).await?;
        rubbish.send([0xff; 64]).await?;
        ensure!(rubbish.bytes(1).await? == [21], "no alert");

        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        ensure!(get(&mut Connection::open(address).await?, "h").await? == 200, "not served over TCP");

        self.memory.push(vec![1; 1 << 20]);
        let (running, ended) = mpsc::channel();
        thread::spawn(move || ended.recv());
        self.threads.push(running);
        Ok(())
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn get(client: &mut Connection, host: &str) -> Result<u16> {
    client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
    Ok(client.response("GET").await?.status)
}

/// The objects with a certificate, a TCP service, an Ingress without a Service and one with an error.
fn more(backend: SocketAddr, port: u16) -> Result<String> {
    let ingress = |name: &str, service: &str, tls: Value, annotations: Value| {
        let paths = json!([{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}}]);
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"tls": tls, "rules": [{"host": name, "http": {"paths": paths}}]},
        })
    };
    Ok(documents([
        objects::backend(),
        slice("backend", 0, backend),
        objects::certificate("h")?,
        ingress(
            "h",
            "backend",
            json!([{"hosts": ["h"], "secretName": "h"}]),
            json!({"nginx.ingress.kubernetes.io/ssl-redirect": "false"}),
        ),
        ingress("gone", "gone", json!([]), json!({})),
        ingress("wrong", "backend", json!([]), json!({"nginx.ingress.kubernetes.io/proxy-body-size": "wide"})),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tcp"}, "data": {port.to_string(): "default/backend:80"}}),
    ]))
}
