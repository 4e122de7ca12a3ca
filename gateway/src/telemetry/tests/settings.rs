//! What flags change about the metrics of requests.

use crate::config::{AccessLog, GatewaySettings, RouteLabels, StreamProtocol};
use crate::headers::Headers;
use crate::telemetry::fixture::{attempt, connection, labels, record, routed, sample, telemetry_with};
use crate::telemetry::{
    ConnectionState, Event, MetricsSettings, REQUEST_METRICS, Record, RequestInfo, Telemetry, Worker,
};
use std::sync::Arc;

const REQUESTS: &str = "nginx_ingress_controller_requests";
const ROUTE: &str = "canary=\"\",ingress=\"web\",method=\"GET\",namespace=\"ns\",path=\"/\",service=\"echo\"";
const NO_ROUTE: &str = "canary=\"\",ingress=\"\",method=\"GET\",namespace=\"\",path=\"\",service=\"\"";

fn value(telemetry: &Telemetry, name: &str, labels: &str) -> Option<f64> {
    sample(&telemetry.metrics().expect("encodes"), name, labels)
}

/// A request that a route with these labels took, or none.
fn request(worker: &Worker, labels: Option<&Arc<RouteLabels>>, host: &str, status: u16) {
    let (connection, headers) = (connection(), Headers::default());
    let attempts = [attempt()];
    let record = record(&connection, &headers);
    let request = RequestInfo { labels, host, ..record.request };
    let record = Record { request, status, attempts: &attempts, ..record };
    worker.record(&record, &AccessLog { enabled: false, ..AccessLog::default() });
}

#[test]
fn without_the_label_host_hosts_add_up() {
    let (telemetry, _) = telemetry_with(&MetricsSettings { per_host: false, ..MetricsSettings::default() });
    let worker = telemetry.worker();
    let first = labels();
    let second = Arc::new(RouteLabels { host: "other".into(), ..RouteLabels::clone(&first) });
    request(&worker, Some(&first), "h", 200);
    request(&worker, Some(&second), "other", 200);
    for host in ["nobody", "else"] {
        request(&worker, None, host, 404);
    }
    assert_eq!(value(&telemetry, REQUESTS, &format!("{ROUTE},status=\"200\"")), Some(2.0));
    assert_eq!(value(&telemetry, REQUESTS, &format!("{NO_ROUTE},status=\"404\"")), Some(2.0));
    assert!(!telemetry.metrics().expect("encodes").contains("host="));
}

#[test]
fn classes_of_status_add_up() {
    let (telemetry, _) = telemetry_with(&MetricsSettings { status_classes: true, ..MetricsSettings::default() });
    let worker = telemetry.worker();
    let labels = labels();
    for status in [200, 204, 299, 499, 503] {
        request(&worker, Some(&labels), "h", status);
    }
    let class = |class: &str| value(&telemetry, REQUESTS, &format!("{ROUTE},host=\"h\",status=\"{class}\""));
    assert_eq!((class("2xx"), class("3xx"), class("4xx"), class("5xx")), (Some(3.0), None, Some(1.0), Some(1.0)));
    assert_eq!(class("200"), None);
    let size = "nginx_ingress_controller_request_size_count";
    assert_eq!(value(&telemetry, size, &format!("{ROUTE},host=\"h\",status=\"2xx\"")), Some(3.0));
}

#[test]
fn excluded_metrics_are_absent_and_the_others_are_not() {
    for excluded in REQUEST_METRICS {
        let settings = MetricsSettings { excluded: [excluded.name].into(), ..MetricsSettings::default() };
        let (telemetry, _) = telemetry_with(&settings);
        request(&telemetry.worker(), Some(&labels()), "h", 200);
        let text = telemetry.metrics().expect("encodes");
        for doc in REQUEST_METRICS {
            assert_eq!(text.contains(&format!("# TYPE {} ", doc.name)), doc != excluded, "{text}");
        }
    }
}

#[test]
fn hosts_that_no_route_names_are_told_up_to_a_bound_over_all_workers() {
    let (telemetry, _) = telemetry_with(&MetricsSettings { per_undefined_host: true, ..MetricsSettings::default() });
    let workers = [telemetry.worker(), telemetry.worker()];
    for number in 0..150 {
        for worker in &workers {
            request(worker, None, &format!("{number}.example"), 404);
        }
    }
    let text = telemetry.metrics().expect("encodes");
    let hosts = text.lines().filter(|line| line.starts_with("nginx_ingress_controller_requests{")).count();
    assert_eq!(hosts, 101, "{text}");
    let of = |host: &str| sample(&text, REQUESTS, &format!("{NO_ROUTE},host=\"{host}\",status=\"404\""));
    assert_eq!((of("0.example"), of("99.example"), of("100.example")), (Some(2.0), Some(2.0), None));
    assert_eq!(of("_other"), Some(100.0));
    request(&workers[0], None, "0.example", 404);
    let again = value(&telemetry, REQUESTS, &format!("{NO_ROUTE},host=\"0.example\",status=\"404\""));
    assert_eq!(again, Some(3.0), "series of hosts stay");
}

#[test]
fn buckets_are_as_they_are_set() {
    let settings = MetricsSettings {
        time_buckets: vec![0.041, 0.5].try_into().expect("valid"),
        length_buckets: vec![85.0].try_into().expect("valid"),
        size_buckets: vec![749.0, 750.0].try_into().expect("valid"),
        ..MetricsSettings::default()
    };
    let (telemetry, _) = telemetry_with(&settings);
    let labels = labels();
    request(&telemetry.worker(), Some(&labels), "h", 200);
    let text = telemetry.metrics().expect("encodes");
    let buckets = |metric: &str| -> Vec<f64> {
        let name = format!("nginx_ingress_controller_{metric}_bucket{{");
        let samples = text.lines().filter(|line| line.starts_with(&name));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect()
    };
    assert_eq!(buckets("request_duration_seconds"), [0.0, 1.0, 1.0]);
    assert_eq!(buckets("request_size"), [1.0, 1.0]);
    assert_eq!(buckets("bytes_sent"), [0.0, 1.0, 1.0]);
}

#[test]
fn nothing_is_measured_where_metrics_are_off_and_the_log_goes_on() {
    let (telemetry, log) = telemetry_with(&MetricsSettings { enabled: false, ..MetricsSettings::default() });
    let worker = telemetry.worker();
    let (connection, headers, labels) = (connection(), Headers::default(), labels());
    let record = Record { reply: Some("x"), ..routed(&labels, &connection, &headers) };
    worker.record(&record, &AccessLog::default());
    worker.event(Event::RefusedHead, "x");
    worker.stream(&super::streams::record(&connection), &GatewaySettings::default());
    let _stream = worker.open_stream(StreamProtocol::Tcp, 9000);
    let mut open = worker.connection(ConnectionState::Reading);
    open.set(ConnectionState::Writing);
    worker.flush();
    assert!(!log.text(&telemetry).is_empty());
    let text = telemetry.metrics().expect("encodes");
    for name in [REQUESTS, "adit_replies_total", "adit_refused_heads_total", "adit_stream_sessions"] {
        assert!(!text.contains(name), "{text}");
    }
    let active = sample(&text, "nginx_ingress_controller_nginx_process_connections", "state=\"active\"");
    assert_eq!(active, Some(0.0));
}
