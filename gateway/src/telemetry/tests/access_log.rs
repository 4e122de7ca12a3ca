use crate::config::{AccessLog, Escape, Template};
use crate::connection::{Connection, TlsSession};
use crate::headers::Headers;
use crate::telemetry::fixture::{attempt, connection, headers, labels, record, routed, telemetry};
use crate::telemetry::{Attempt, Identity, MetricsSettings, Record, RequestInfo, Telemetry, Worker};
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// One line of the log, without the end of the line.
fn logged(record: &Record<'_>, log: &AccessLog) -> String {
    let (telemetry, written) = telemetry();
    let worker = telemetry.worker();
    worker.record(record, log);
    worker.flush();
    let text = written.text(&telemetry);
    text.strip_suffix('\n').expect("a whole line").to_owned()
}

fn format(text: &str, escape: Escape) -> AccessLog {
    AccessLog { format: Template::parse(text).expect("valid"), escape, ..AccessLog::default() }
}

#[test]
fn j08_default_format() {
    let (connection, headers) = (connection(), headers(&[("user-agent", "curl/8"), ("authorization", "Basic YTpi")]));
    let (labels, attempts) = (labels(), [attempt()]);
    let record = Record { attempts: &attempts, ..routed(&labels, &connection, &headers) };
    let line = logged(&record, &AccessLog::default());
    let (before, after) = line.split_once('[').expect("a time");
    let (time, after) = after.split_once(']').expect("a time");
    assert_eq!(before, "203.0.113.7 - a ");
    assert!(jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", time).is_ok(), "{time}");
    assert_eq!(
        after,
        " \"GET /x?a=1&b=2 HTTP/1.1\" 200 612 \"-\" \"curl/8\" 85 0.041 [ns-echo-80] [] 10.0.0.1:8080 612 0.040 200 \
         5c8f7b1e"
    );
}

#[test]
fn an_unmatched_request_names_the_default_backend() {
    let (connection, headers) = (connection(), Headers::default());
    let record = Record { status: 404, reply: Some("no-route"), ..record(&connection, &headers) };
    let line = logged(&record, &AccessLog::default());
    assert!(line.ends_with("404 612 \"-\" \"-\" 85 0.041 [upstream-default-backend] [] - - - - 5c8f7b1e"), "{line}");
}

#[test]
fn a_refused_head_has_no_upstream() {
    let connection = connection();
    let headers = Headers::default();
    let record = Record {
        request: RequestInfo { target: b"\x16\x03\"", ..RequestInfo::new(&connection, 1) },
        status: 400,
        reply: Some("bad-request-line"),
        ..record(&connection, &headers)
    };
    let line = logged(&record, &AccessLog::default());
    assert!(line.contains("\"\\x16\\x03\\x22\" 400 612 \"-\" \"-\" 85 0.041 [] [] - - - - "), "{line}");
}

#[test]
fn j10_default_escape() {
    let (connection, headers) = (connection(), headers(&[("header3", "Here is \"header3\" with default escape")]));
    let log = format(r#"{"my_header3":"$http_header3", "my_header4":"$http_header4"}"#, Escape::Default);
    assert_eq!(
        logged(&record(&connection, &headers), &log),
        r#"{"my_header3":"Here is \x22header3\x22 with default escape", "my_header4":"-"}"#
    );
}

#[test]
fn j11_no_escape() {
    let (connection, headers) = (connection(), headers(&[("header5", "Here is \"header5\" with none escape")]));
    let log = format(r#"{"my_header5":"$http_header5", "my_header6":"$http_header6"}"#, Escape::None);
    assert_eq!(
        logged(&record(&connection, &headers), &log),
        r#"{"my_header5":"Here is "header5" with none escape", "my_header6":""}"#
    );
}

#[test]
fn json_lines_are_json() {
    let (connection, headers) = (connection(), headers(&[("user-agent", "a \"b\" \\ c")]));
    let log = format(r#"{"agent":"$http_user_agent","user":"$remote_user","status":$status}"#, Escape::Json);
    let line: serde_json::Value = serde_json::from_str(&logged(&record(&connection, &headers), &log)).expect("JSON");
    assert_eq!(line, serde_json::json!({ "agent": "a \"b\" \\ c", "user": "", "status": 200 }));
}

#[test]
fn tries_are_listed() {
    let (connection, headers) = (connection(), Headers::default());
    let failed = Attempt {
        address: "[2001:db8::1]:80".parse().expect("address"),
        status: Some(502),
        connect: None,
        header: None,
        response: Duration::from_secs(5),
        response_length: 0,
        after: Duration::ZERO,
        span: None,
    };
    let attempts = [failed, attempt()];
    let record = Record { attempts: &attempts, ..record(&connection, &headers) };
    let log = format(
        "$upstream_addr|$upstream_status|$upstream_connect_time|$upstream_header_time|$upstream_response_time|\
         $upstream_response_length",
        Escape::Default,
    );
    assert_eq!(logged(&record, &log), "[2001:db8::1]:80, 10.0.0.1:8080|502, 200|-, 0.002|-, 0.030|5.000, 0.040|0, 612");
}

#[test]
fn variables_of_a_request() {
    let (connection, headers) = (connection(), headers(&[("host", "H:80"), ("cookie", "id=7")]));
    let labels = labels();
    let record = routed(&labels, &connection, &headers);
    let record = Record { request: RequestInfo { scheme: b"https", ..record.request }, ..record };
    let log = format(
        "$host $http_host $server_name $server_port $server_addr $remote_addr $realip_remote_addr $remote_port \
         $scheme $pass_access_scheme $namespace $ingress_name $service_name $service_port $location_path $proxy_host \
         $request_method $request_uri $uri $args $query_string $arg_b $cookie_id $connection $connection_requests \
         $bytes_sent $content_length $ssl_cipher",
        Escape::Default,
    );
    assert_eq!(
        logged(&record, &log),
        "h H:80 h 80 192.0.2.80 203.0.113.7 192.0.2.1 50000 http https ns web echo 80 / ns-echo-80 GET /x?a=1&b=2 /x \
         a=1&b=2 a=1&b=2 2 7 42 3 750 - -"
    );
}

#[test]
fn variables_of_a_tls_session() {
    let session = TlsSession {
        protocol: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        server_name: Some("h".into()),
        resumed: true,
        ..TlsSession::default()
    };
    let connection = Connection { tls: Some(session), ..connection() };
    let headers = headers(&[]);
    let log = format("$scheme $ssl_protocol $ssl_cipher $ssl_server_name $ssl_session_reused", Escape::Default);
    assert_eq!(logged(&record(&connection, &headers), &log), "https TLSv1.3 TLS_AES_256_GCM_SHA384 h r");
}

#[test]
fn logs_only_what_shall_be_logged() {
    let (telemetry, written) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let labels = labels();
    let taken = routed(&labels, &connection, &headers);
    let log = format("$status", Escape::Default);
    let off = AccessLog { enabled: false, ..log.clone() };
    worker.record(&Record { logged: false, status: 201, ..taken }, &log);
    worker.record(&Record { status: 202, ..taken }, &log);
    worker.record(&Record { status: 203, ..taken }, &off);
    worker.record(&Record { status: 404, ..record(&connection, &headers) }, &log);
    worker.flush();
    assert_eq!(written.text(&telemetry), "202\n404\n");
}

#[test]
fn a_full_buffer_and_the_last_one_are_written() {
    let (telemetry, written) = telemetry();
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let log = format(&"x".repeat(33 << 10), Escape::Default);
    worker.record(&record(&connection, &headers), &log);
    assert_eq!(written.text(&telemetry).lines().count(), 0, "half a buffer waits");
    worker.record(&record(&connection, &headers), &log);
    assert_eq!(written.text(&telemetry).lines().count(), 2, "a full one does not");
    worker.record(&record(&connection, &headers), &log);
    drop(worker);
    assert_eq!(written.text(&telemetry).lines().count(), 3, "a worker leaves nothing behind");
}

/// A log that waits for the test at each write.
struct Stalled {
    entered: Sender<()>,
    go_on: Receiver<()>,
}

impl Write for Stalled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        let _ = self.go_on.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stalled_log_drops_lines_and_blocks_nobody() {
    let (entered, is_writing) = channel();
    let (release, go_on) = channel();
    let telemetry =
        Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(Stalled { entered, go_on }))
            .expect("starts");
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    let log = format("$status", Escape::Default);
    let write = |worker: &Worker| {
        worker.record(&record(&connection, &headers), &log);
        worker.flush();
    };
    write(&worker);
    is_writing.recv().expect("the writer is at it");
    for _ in 0..64 + 5 {
        write(&worker);
    }
    let text = telemetry.metrics().expect("encodes");
    let dropped = text.lines().find_map(|line| line.strip_prefix("adit_access_log_dropped_lines_total"));
    assert!(dropped.expect("the metric").ends_with("} 5"), "{dropped:?}");
    drop(release);
}

/// A log that cannot be written.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_that_cannot_be_written_are_counted() {
    let telemetry =
        Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(Broken)).expect("starts");
    let worker = telemetry.worker();
    let (connection, headers) = (connection(), Headers::default());
    worker.record(&record(&connection, &headers), &AccessLog::default());
    worker.flush();
    telemetry.sync();
    let text = telemetry.metrics().expect("encodes");
    let dropped = text.lines().find_map(|line| line.strip_prefix("adit_access_log_dropped_lines_total"));
    assert!(dropped.expect("the metric").ends_with("} 1"), "{dropped:?}");
}
