//! The requests of now: those that have just ended, each with a way to its explanation.

use super::layout::{badge, shown, table};
use form_urlencoded::Serializer;
use gateway::admin::Events;
use gateway::telemetry::{Ended, Tail};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Serialize;

/// A request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    number: u64,
    /// How many others ended since the one before it and are not shown.
    skipped: u64,
    at: String,
    client: String,
    method: String,
    url: String,
    status: u16,
    /// Why Adit has answered it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<&'static str>,
    milliseconds: f64,
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
}

/// Those that have ended after one of them, oldest first.
pub(super) fn gather(tail: &Tail, after: u64) -> Vec<Row> {
    tail.look(after).iter().map(row).collect()
}

fn row(ended: &Ended) -> Row {
    let at = Timestamp::try_from(ended.at).map(|at| format!("{at:.3}")).unwrap_or_default();
    Row {
        number: ended.number,
        skipped: ended.skipped,
        at,
        client: ended.client.to_string(),
        method: ended.method.to_string(),
        url: format!("{}://{}{}", ended.scheme, ended.host, ended.target),
        status: ended.status,
        reply: ended.reply,
        milliseconds: ended.duration.as_secs_f64() * 1000.0,
        service: ended.service.to_string(),
        endpoint: ended.endpoint.map(|endpoint| endpoint.to_string()),
    }
}

/// The same as rows of the page's table, for those who follow.
pub(super) fn events(tail: &Tail, after: u64) -> Events {
    let rows = gather(tail, after);
    let last = rows.last().map_or(after, |row| row.number);
    Events { last, lines: rows.iter().map(|row| write_row(row).into_string()).collect() }
}

/// The newest first. A script adds more at the top, where there is one.
pub(super) fn write(rows: &[Row]) -> Markup {
    let last = rows.last().map_or(0, |row| row.number);
    let listed = html! { @for row in rows.iter().rev() { (write_row(row)) } };
    html! {
        p {
            "Requests that have ended since somebody looks at this page, at most " (Tail::PER_SECOND) " of a second. "
            "Paths and queries are those of the access log. "
            span #state role="status" {}
        }
        p {
            a .button href="requests" { "Load again" } " "
            button #pause type="button" hidden { "Pause" }
        }
        div #requests data-last=(last) data-most=(Tail::KEPT) {
            (table("Requests, the newest first", &["Request", "Answer"], &listed))
        }
        script src="requests.js" {}
    }
}

fn write_row(row: &Row) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href=(why(row)) { (shown(&row.method)) " " (shown(&row.url)) }
                span .detail { (row.at) " from " (row.client) }
                @if row.skipped > 0 { span .detail { (row.skipped) " more before it, which are not shown" } }
            }
            td {
                (badge(class(row.status), &row.status.to_string())) " " (format!("{:.1} ms", row.milliseconds))
                @if let Some(reply) = row.reply { span .detail { "by Adit: " (reply) } }
                @if !row.service.is_empty() {
                    span .detail { (shown(&row.service)) @if let Some(endpoint) = &row.endpoint { " at " (endpoint) } }
                }
            }
        }
    }
}

fn class(status: u16) -> &'static str {
    match status {
        500.. => "error",
        400.. => "warning",
        200..300 => "good",
        _ => "plain",
    }
}

/// The page that explains a request as one without headers: those are not kept.
fn why(row: &Row) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("method", &row.method).append_pair("url", &row.url);
    format!("why?{}", query.finish())
}
