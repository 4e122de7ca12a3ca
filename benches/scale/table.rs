//! The table of all controllers and sizes, as Markdown.

use crate::measure::Measured;
use benches::report::{head_line, row_line};
use hdrhistogram::Histogram;
use std::time::Duration;

const HEAD: [&str; 12] = [
    "objects",
    "controller",
    "start s",
    "statuses s",
    "memory MiB",
    "idle CPU %",
    "change p50 ms",
    "p99 ms",
    "max ms",
    "CPU ms per change",
    "request p99 us",
    "with changes",
];

pub(crate) fn head() -> String {
    head_line(&HEAD)
}

/// A row about so many objects.
pub(crate) fn row(objects: &str, controller: &str, measured: &Measured) -> String {
    let Measured { start, statuses, memory, idle, changes, cost, steady, changing } = measured;
    row_line(&[
        objects.to_owned(),
        controller.to_owned(),
        seconds(*start),
        statuses.map(seconds).unwrap_or_default(),
        (memory >> 20).to_string(),
        format!("{:.1}", idle * 100.0),
        milliseconds(changes.value_at_quantile(0.5)),
        milliseconds(changes.value_at_quantile(0.99)),
        milliseconds(changes.max()),
        format!("{:.1}", cost.as_secs_f64() * 1e3),
        percentile_99(steady),
        percentile_99(changing),
    ])
}

pub(crate) fn void_row(objects: &str, controller: &str) -> String {
    let cells = [objects.to_owned(), controller.to_owned(), "void".to_owned()];
    row_line(&[&cells[..], &[const { String::new() }; HEAD.len() - 3]].concat())
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

fn milliseconds(microseconds: u64) -> String {
    format!("{:.1}", microseconds as f64 / 1e3)
}

fn percentile_99(histogram: &Histogram<u64>) -> String {
    histogram.value_at_quantile(0.99).to_string()
}
