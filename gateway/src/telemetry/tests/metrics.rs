use super::streams::record as stream;
use crate::config::{
    AccessLog, Backend, Ejection, GatewaySettings, HostName, RouteLabels, ServiceBackend, StreamProtocol,
};
use crate::headers::Headers;
use crate::telemetry::fixture::{attempt, connection, labels, record, routed, sample, telemetry};
use crate::telemetry::{
    Admission, ConnectionState, Event, METRICS, Orphan, Record, ServedCertificate, Telemetry, Traffic,
};
use crate::upstream::Registry;
use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const SERIES: &str =
    "canary=\"\",host=\"h\",ingress=\"web\",method=\"GET\",namespace=\"ns\",path=\"/\",service=\"echo\"";

fn requests(telemetry: &Telemetry, status: u16) -> Option<f64> {
    let text = telemetry.metrics().expect("encodes");
    sample(&text, "nginx_ingress_controller_requests", &format!("{SERIES},status=\"{status}\""))
}

#[test]
fn a_request_is_measured() {
    let (telemetry, _) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let (labels, attempts) = (labels(), [attempt()]);
    worker.record(&Record { attempts: &attempts, ..routed(&labels, &connection, &headers) }, &AccessLog::default());
    let text = telemetry.metrics().expect("encodes");
    let value = |name: &str, more: &str| {
        let name = format!("nginx_ingress_controller_{name}");
        sample(&text, &name, &format!("{SERIES},status=\"200\"{more}"))
    };
    assert_eq!(value("requests", ""), Some(1.0));
    assert_eq!(value("request_duration_seconds_bucket", ",le=\"0.025\""), Some(0.0));
    assert_eq!(value("request_duration_seconds_bucket", ",le=\"0.05\""), Some(1.0));
    assert_eq!(value("request_duration_seconds_bucket", ",le=\"+Inf\""), Some(1.0));
    assert_eq!(value("response_duration_seconds_sum", ""), Some(0.04));
    assert_eq!(value("header_duration_seconds_sum", ""), Some(0.03));
    assert_eq!(value("connect_duration_seconds_sum", ""), Some(0.002));
    assert_eq!(value("request_size_bucket", ",le=\"90\""), Some(1.0));
    assert_eq!(value("response_size_sum", ""), Some(750.0));
    assert_eq!(value("bytes_sent_bucket", ",le=\"1000\""), Some(1.0));
    assert_eq!(value("bytes_sent_bucket", ",le=\"10000000\""), Some(1.0));
}

#[test]
fn traffic_is_told_by_service() {
    let (telemetry, _) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers, labels) = (connection(), Headers::default(), labels());
    let answered = routed(&labels, &connection, &headers);
    let failed = Record { status: 502, ..routed(&labels, &connection, &headers) };
    for record in [&answered, &failed, &record(&connection, &headers)] {
        worker.record(record, &AccessLog::default());
    }
    let seconds = 2.0 * answered.duration.as_secs_f64();
    let expected = (("ns".into(), "echo".into()), Traffic { requests: 2, errors: 1, seconds });
    assert_eq!(telemetry.traffic().into_iter().collect::<Vec<_>>(), [expected]);
}

#[test]
fn only_routes_have_request_series() {
    let (telemetry, _) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let unmatched = Record { reply: Some("no-route"), status: 404, ..record(&connection, &headers) };
    worker.record(&unmatched, &AccessLog::default());
    worker.record(&unmatched, &AccessLog::default());
    worker.event(Event::RefusedHead, "bare-lf");
    let text = telemetry.metrics().expect("encodes");
    assert!(!text.contains("nginx_ingress_controller_requests{"), "{text}");
    assert_eq!(sample(&text, "nginx_ingress_controller_nginx_process_requests_total", ""), Some(2.0));
    assert_eq!(sample(&text, "adit_replies_total", "reason=\"no-route\""), Some(2.0));
    assert_eq!(sample(&text, "adit_refused_heads_total", "reason=\"bare-lf\""), Some(1.0));
}

#[test]
fn workers_add_up_while_scraped() {
    const EACH: u32 = 2000;
    let (telemetry, _) = telemetry();
    let labels = labels();
    let workers: Vec<_> = (0..3).map(|_| telemetry.worker()).collect();
    std::thread::scope(|scope| {
        for worker in workers {
            let labels = &labels;
            scope.spawn(move || {
                let (connection, headers) = (connection(), Headers::default());
                for _ in 0..EACH {
                    let record = routed(labels, &connection, &headers);
                    worker.record(&record, &AccessLog::default());
                }
            });
        }
        let mut last = 0.0;
        for _ in 0..20 {
            let now = requests(&telemetry, 200).unwrap_or_default();
            assert!(now >= last, "a counter never falls");
            last = now;
        }
    });
    // The workers are gone; what they counted is not.
    assert_eq!(requests(&telemetry, 200), Some(f64::from(3 * EACH)));
}

#[test]
fn series_go_with_their_route() {
    let (telemetry, _) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let labels = labels();
    let count = |labels: &Arc<RouteLabels>| {
        worker.record(&routed(labels, &connection, &headers), &AccessLog::default());
    };
    count(&labels);
    assert_eq!(requests(&telemetry, 200), Some(1.0));
    count(&labels);
    assert_eq!(requests(&telemetry, 200), Some(2.0), "another table, the same labels");
    count(&labels);
    drop(labels);
    assert_eq!(requests(&telemetry, 200), Some(3.0), "told once more");
    assert_eq!(requests(&telemetry, 200), None, "and gone");
}

#[test]
fn a_sweep_drops_series_without_a_scrape() {
    let (telemetry, _) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let (kept, gone) = (labels(), Arc::new(RouteLabels { host: "gone".into(), ..RouteLabels::default() }));
    for labels in [&kept, &gone] {
        worker.record(&routed(labels, &connection, &headers), &AccessLog::default());
    }
    drop(gone);
    telemetry.sweep();
    let text = telemetry.metrics().expect("encodes");
    assert!(!text.contains("host=\"gone\""), "{text}");
    assert_eq!(requests(&telemetry, 200), Some(1.0), "what was swept is counted");
}

#[test]
fn equal_labels_are_one_series() {
    let (telemetry, _) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let first = labels();
    let mut second = RouteLabels::clone(&first);
    second.owner.service_port = "http".into();
    for labels in [&first, &Arc::new(second)] {
        worker.record(&routed(labels, &connection, &headers), &AccessLog::default());
    }
    assert_eq!(requests(&telemetry, 200), Some(2.0));
}

#[test]
fn connections_are_counted_by_state() {
    let (telemetry, _) = telemetry();
    let worker = telemetry.worker();
    let mut first = worker.connection(ConnectionState::Reading);
    let second = worker.connection(ConnectionState::Reading);
    first.set(ConnectionState::Writing);
    let states = |telemetry: &Telemetry| {
        let text = telemetry.metrics().expect("encodes");
        ["active", "reading", "writing", "waiting"].map(|state| {
            let name = "nginx_ingress_controller_nginx_process_connections";
            sample(&text, name, &format!("state=\"{state}\"")).expect("every state")
        })
    };
    assert_eq!(states(&telemetry), [2.0, 1.0, 1.0, 0.0]);
    first.set(ConnectionState::Waiting);
    drop(second);
    assert_eq!(states(&telemetry), [1.0, 0.0, 0.0, 1.0]);
    drop(worker);
    assert_eq!(states(&telemetry), [1.0, 0.0, 0.0, 1.0], "a connection may outlive its worker");
    drop(first);
    assert_eq!(states(&telemetry), [0.0; 4]);
    let text = telemetry.metrics().expect("encodes");
    let total = "nginx_ingress_controller_nginx_process_connections_total";
    assert_eq!(sample(&text, total, "state=\"accepted\""), Some(2.0));
    assert_eq!(sample(&text, total, "state=\"handled\""), Some(2.0));
}

#[test]
fn the_controller_speaks_of_publishing() {
    let (telemetry, _) = telemetry();
    let controller = telemetry.controller();
    controller.published(7, 99 << 11, SystemTime::UNIX_EPOCH + Duration::from_secs(1000));
    controller.failed(8);
    controller.orphan("ns", "web", Orphan::NoEndpoint, true);
    let text = telemetry.metrics().expect("encodes");
    let value = |name: &str| sample(&text, &format!("nginx_ingress_controller_{name}"), "");
    assert_eq!(value("config_hash"), Some(99.0));
    assert_eq!(value("config_last_reload_successful"), Some(0.0));
    assert_eq!(value("config_last_reload_successful_timestamp_seconds"), Some(1000.0));
    assert_eq!((value("success"), value("errors")), (Some(1.0), Some(1.0)));
    assert_eq!(sample(&text, "adit_table_revision", ""), Some(8.0));
    let orphan = "ingress=\"web\",namespace=\"ns\",type=\"no-endpoint\"";
    assert_eq!(sample(&text, "nginx_ingress_controller_orphan_ingress", orphan), Some(1.0));
    controller.orphan("ns", "web", Orphan::NoEndpoint, false);
    controller.orphan("ns", "web", Orphan::NoService, false);
    assert!(!telemetry.metrics().expect("encodes").contains("orphan_ingress{"));
}

fn certificate() -> Arc<ServedCertificate> {
    Arc::new(ServedCertificate {
        namespace: "ns".to_owned(),
        secret_name: "tls".to_owned(),
        identifier: "-17".to_owned(),
        issuer_common_name: "R1".to_owned(),
        issuer_organization: "Acme".to_owned(),
        serial_number: "17".to_owned(),
        public_key_algorithm: "ECDSA",
        expires: 1000,
    })
}

#[test]
fn certificates_come_and_go() {
    let (telemetry, _) = telemetry();
    let host = HostName::Exact("h".into());
    telemetry.certificates().set(&HostName::Any, vec![certificate()]);
    telemetry.certificates().set(&host, vec![certificate(), certificate()]);
    let shown = || {
        let text = telemetry.metrics().expect("encodes");
        let labels = "class=\"adit.dev/ingress\",host=\"h\",identifier=\"-17\",namespace=\"ns\",secret_name=\"tls\"";
        let issuer = "issuer_common_name=\"R1\",issuer_organization=\"Acme\",public_key_algorithm=\"ECDSA\"";
        let info = format!("{labels},{issuer},serial_number=\"17\"");
        [("expire_time_seconds", labels), ("certificate_info", &*info)]
            .map(|(name, labels)| sample(&text, &format!("nginx_ingress_controller_ssl_{name}"), labels))
    };
    assert_eq!(shown(), [Some(1000.0), Some(1.0)]);
    let count = |text: &str| telemetry.metrics().expect("encodes").matches(text).count();
    assert_eq!((count("secret_name=\"tls\""), count("host=\"_\"")), (4, 2), "each once");
    telemetry.certificates().set(&host, Vec::new());
    assert_eq!((shown(), count("host=\"_\"")), ([None, None], 2));
}

#[test]
fn the_process_is_measured() {
    let (telemetry, _) = telemetry();
    let text = telemetry.metrics().expect("encodes");
    for name in ["process", "nginx_ingress_controller_nginx_process"] {
        let value = |what: &str| sample(&text, &format!("{name}_{what}"), "").expect(what);
        assert!(value("resident_memory_bytes") >= 4096.0);
        assert!(value("virtual_memory_bytes") > value("resident_memory_bytes"));
        assert!(value("cpu_seconds_total") >= 0.0);
    }
    let value = |name: &str| sample(&text, name, "").expect(name);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs_f64();
    assert!((1e9..now + 1.0).contains(&value("process_start_time_seconds")));
    assert!(value("process_open_fds") >= 3.0 && value("process_threads") >= 1.0);
}

/// The upstreams of one backend whose endpoints may be ejected.
fn ejecting() -> Arc<Registry> {
    let policy =
        Ejection { failures: NonZero::<u32>::MIN, slower_than: None, time: Duration::from_secs(30), max_percent: 50 };
    let registry = Arc::new(Registry::new());
    let backend = Backend { ejection: Some(policy), ..Backend::at([]) };
    registry.set(&ServiceBackend::tcp("ns", "echo", "80").into(), Some(backend));
    registry
}

#[test]
fn every_metric_is_documented() {
    let (telemetry, _) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let (labels, attempts) = (labels(), [attempt()]);
    let record = Record { attempts: &attempts, reply: Some("x"), ..routed(&labels, &connection, &headers) };
    worker.record(&record, &AccessLog::default());
    for event in Event::ALL {
        worker.event(event, "x");
    }
    worker.stream(&stream(&connection), &GatewaySettings::default());
    let _open = worker.open_stream(StreamProtocol::Tcp, 9000);
    telemetry.listeners().set(StreamProtocol::Tcp, 9000, true);
    telemetry.controller().orphan("ns", "web", Orphan::NoService, true);
    telemetry.measure_temp_files(|| 1).expect("measured once");
    telemetry.controller().watch("Ingress", true);
    telemetry.controller().leads("adit-leader", true);
    telemetry.controller().reviewed(Admission::Refused);
    for has_error in [false, true] {
        telemetry.checks().checked(&"ns".into(), &"web".into(), has_error);
    }
    telemetry.certificates().set(&HostName::Any, vec![certificate()]);
    telemetry.count_endpoints(ejecting()).expect("for the first time");
    let text = telemetry.metrics().expect("encodes");
    let told: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(str::to_owned).collect();
    let documented = METRICS.iter().map(|doc| format!("{} {:?}", doc.name, doc.kind).to_lowercase()).collect();
    assert_eq!(told, documented);
    for doc in METRICS {
        assert!(doc.labels.is_sorted(), "{}", doc.name);
        let line = text.lines().find(|line| !line.starts_with('#') && line.starts_with(doc.name)).expect(doc.name);
        for label in doc.labels {
            assert!(line.contains(&format!("{label}=\"")), "{}: {line}", doc.name);
        }
    }
}
