use crate::config::{AccessLog, GatewaySettings, StreamProtocol, StreamSettings, Template};
use crate::connection::Connection;
use crate::telemetry::StreamRecord;
use crate::telemetry::fixture::{connection, sample, telemetry};
use std::net::SocketAddr;
use std::time::Duration;

/// A session that went well; tests say what is different.
pub(super) fn record(connection: &Connection) -> StreamRecord<'_> {
    StreamRecord {
        connection,
        protocol: "TCP",
        port: 9000,
        upstream: "tcp-ns-echo-80",
        endpoint: Some(SocketAddr::from(([10, 0, 0, 1], 8080))),
        server_name: Some("a\"b.example"),
        status: 200,
        received: 12,
        sent: 345,
        duration: Duration::from_micros(41_999),
    }
}

fn logging(format: &str, enabled: bool) -> GatewaySettings {
    let log = AccessLog { enabled, format: Template::parse(format).expect("valid"), ..AccessLog::default() };
    GatewaySettings { streams: StreamSettings { log, ..StreamSettings::default() }, ..GatewaySettings::default() }
}

fn logged(record: &StreamRecord<'_>, settings: &GatewaySettings) -> String {
    let (telemetry, written) = telemetry();
    let worker = telemetry.worker();
    worker.stream(record, settings);
    worker.flush();
    written.text(&telemetry)
}

#[test]
fn variables_are_those_of_nginx_streams() {
    let connection = connection();
    let settings = logging(
        "$remote_addr:$remote_port $server_addr:$server_port $protocol $status $bytes_sent $bytes_received \
         $session_time $upstream_addr $upstream_bytes_sent $upstream_bytes_received $proxy_upstream_name \
         $ssl_preread_server_name $connection $request",
        true,
    );
    assert_eq!(
        logged(&record(&connection), &settings),
        "192.0.2.1:50000 192.0.2.80:9000 TCP 200 345 12 0.041 10.0.0.1:8080 12 345 tcp-ns-echo-80 a\\x22b.example 42 -\n"
    );
    let unreached = StreamRecord { endpoint: None, server_name: None, status: 502, ..record(&connection) };
    let settings = logging("$status $upstream_addr $upstream_bytes_sent $ssl_preread_server_name", true);
    assert_eq!(logged(&unreached, &settings), "502 - - -\n");
}

#[test]
fn the_log_can_be_off() {
    assert_eq!(logged(&record(&connection()), &logging("$status", false)), "");
}

#[test]
fn sessions_and_bytes_are_counted_over_all_workers() {
    let (telemetry, _) = telemetry();
    let workers = [telemetry.worker(), telemetry.worker()];
    let (connection, settings) = (connection(), logging("", false));
    for worker in &workers {
        worker.stream(&record(&connection), &settings);
        worker.stream(&StreamRecord { status: 502, sent: 0, ..record(&connection) }, &settings);
    }
    let mut open: Vec<_> = workers.iter().map(|worker| worker.open_stream(StreamProtocol::Udp, 53)).collect();
    let value = |name: &str, labels: &str| sample(&telemetry.metrics().expect("encodes"), name, labels);
    let sessions = |status: &str| {
        value("adit_stream_sessions_total", &format!("port=\"9000\",protocol=\"TCP\",status=\"{status}\""))
    };
    assert_eq!((sessions("200"), sessions("502"), sessions("500")), (Some(2.0), Some(2.0), None));
    let bytes = |direction: &str| {
        value("adit_stream_bytes_total", &format!("direction=\"{direction}\",port=\"9000\",protocol=\"TCP\""))
    };
    assert_eq!((bytes("received"), bytes("sent")), (Some(48.0), Some(690.0)));
    let now = || value("adit_stream_sessions", "port=\"53\",protocol=\"UDP\"");
    assert_eq!(now(), Some(2.0));
    open.pop();
    assert_eq!(now(), Some(1.0));
}

#[test]
fn ports_are_told_for_as_long_as_they_are_wanted() {
    let (telemetry, _) = telemetry();
    let open =
        || sample(&telemetry.metrics().expect("encodes"), "adit_stream_listener_open", "port=\"53\",protocol=\"UDP\"");
    telemetry.listeners().set(StreamProtocol::Udp, 53, false);
    assert_eq!(open(), Some(0.0));
    telemetry.listeners().set(StreamProtocol::Udp, 53, true);
    assert_eq!(open(), Some(1.0));
    telemetry.listeners().forget(StreamProtocol::Udp, 53);
    assert_eq!(open(), None);
}
