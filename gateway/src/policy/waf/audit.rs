//! A line of the audit log: JSON, with the names that libmodsecurity has for the same, so that what reads its log reads ours.
//! Headers and bodies are not in it, which may hold passwords, but for what a rule has matched.

use super::rule_set::Rule;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::SystemTime;

/// Bytes at most of a value that a rule has matched.
const VALUE_LIMIT: usize = 200;

/// What the line has of the request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) client: SocketAddr,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) version: String,
}

/// A rule that has matched.
pub(super) struct Match<'a> {
    pub(super) id: &'a str,
    pub(super) rule: &'a Rule,
    pub(super) variable: &'a str,
    pub(super) value: &'a str,
}

/// The line, with its line feed.
pub(super) fn line(request: &Request, status: u16, now: SystemTime, matches: &[Match<'_>]) -> Vec<u8> {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(i64::MAX)).unwrap_or_default();
    let record = json!({ "transaction": {
        "time_stamp": time.to_string(),
        "unique_id": request.id,
        "client_ip": request.client.ip().to_string(),
        "client_port": request.client.port(),
        "request": {
            "method": request.method,
            "http_version": request.version.trim_start_matches("HTTP/"),
            "uri": request.target,
        },
        "response": { "http_code": status },
        "messages": matches.iter().map(message).collect::<Vec<_>>(),
    }});
    let mut line = record.to_string().into_bytes();
    line.push(b'\n');
    line
}

fn message(matched: &Match<'_>) -> Value {
    json!({
        "message": matched.rule.message,
        "details": {
            "ruleId": matched.id,
            "match": matched.variable,
            "data": shortened(matched.value),
            "severity": matched.rule.severity.map(|severity| severity.to_string()).unwrap_or_default(),
            "tags": matched.rule.tags,
        },
    })
}

fn shortened(value: &str) -> &str {
    &value[..value.floor_char_boundary(VALUE_LIMIT)]
}
