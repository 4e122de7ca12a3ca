use crate::config::{AccessLog, Escape, Syslog, Template};
use crate::telemetry::fixture::{connection, headers, record, telemetry};
use std::net::UdpSocket;

fn log(text: &str, host: &str, port: u16) -> AccessLog {
    let syslog = Some(Syslog { host: host.into(), port });
    AccessLog { format: Template::parse(text).expect("valid"), escape: Escape::None, syslog, ..AccessLog::default() }
}

#[test]
fn each_line_is_a_datagram() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let (connection, headers) = (connection(), headers(&[("x-name", "first")]));
    let log = log("[$http_x_name] $status", "127.0.0.1", server.local_addr().expect("an address").port());
    let (telemetry, written) = telemetry();
    let worker = telemetry.worker();
    worker.record(&record(&connection, &headers), &log);
    worker.record(&record(&connection, &headers), &log);
    // What is logged otherwise goes where it went before.
    worker.record(&record(&connection, &headers), &AccessLog { syslog: None, ..log });
    worker.flush();
    assert_eq!(written.text(&telemetry), "[first] 200\n");
    for _ in 0..2 {
        let mut datagram = [0; 512];
        let length = server.recv(&mut datagram).expect("a datagram");
        let datagram = std::str::from_utf8(&datagram[..length]).expect("text");
        let (head, line) = datagram.split_once(" nginx: ").expect("a tag");
        assert_eq!(line, "[first] 200");
        let (time, host) = head.strip_prefix("<190>").and_then(|head| head.split_at_checked(15)).expect("a time");
        assert!(jiff::fmt::strtime::parse("%b %e %H:%M:%S", time).is_ok(), "{time}");
        assert_eq!(host.trim_start(), gethostname::gethostname().to_string_lossy());
    }
}

#[test]
fn what_cannot_be_sent_is_counted() {
    let (connection, headers) = (connection(), headers(&[]));
    let (telemetry, written) = telemetry();
    let worker = telemetry.worker();
    // No name has such a byte, so that nobody is asked for it.
    let log = log("$status", "a\0b", 514);
    worker.record(&record(&connection, &headers), &log);
    worker.record(&record(&connection, &headers), &log);
    worker.flush();
    assert_eq!(written.text(&telemetry), "");
    let metrics = telemetry.metrics().expect("text");
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("adit_access_log_dropped_lines_total"));
    assert!(dropped.expect("the metric").ends_with("} 2"), "{dropped:?}");
}
