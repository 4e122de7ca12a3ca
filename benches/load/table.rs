//! A group's table, as Markdown.

use crate::outcome::{Outcome, Row, Spread};
use std::fmt::Write;

/// From which share of its processors on a proxy is said to be at its limit.
const FULL: f64 = 0.95;
const HEAD: [&str; 7] = ["proxy", "CPU us per request", "to the first", "requests/s", "busy", "system calls", "memory"];

/// The table, and what is to be said about it.
pub(crate) fn markdown(outcome: &Outcome) -> String {
    let mut text = format!("### {}\n\n", outcome.title);
    row(&mut text, &HEAD);
    let _ = writeln!(text, "|{}", "---|".repeat(HEAD.len()));
    let first = outcome.rows.first().map_or(f64::NAN, |row| row.spread(|sample| sample.cost).median);
    for found in &outcome.rows {
        row(&mut text, &cells(found, first));
    }
    for Row { name, void, .. } in &outcome.rows {
        if let Some(reason) = void {
            let _ = write!(text, "\n{name} is void: {reason}\n");
        }
    }
    if !outcome.absent.is_empty() {
        let absent = outcome.absent.iter().map(|(name, reason)| format!("{name}: {reason}"));
        let _ = write!(text, "\nNot in it is {}.\n", absent.collect::<Vec<_>>().join("; "));
    }
    text
}

fn cells(row: &Row, first: f64) -> [String; 7] {
    if row.void.is_some() {
        return [&row.name, "void", "", "", "", "", ""].map(str::to_owned);
    }
    let [cost, rate] = [row.spread(|sample| sample.cost), row.spread(|sample| sample.rate)];
    let busy = row.spread(|sample| sample.busy).median;
    // A proxy that is not at its limit could do more.
    let at_least = if busy < FULL { "> " } else { "" };
    [
        row.name.clone(),
        show(cost, 1),
        format!("{:.2}", cost.median / first),
        format!("{at_least}{}", show(rate, 0)),
        format!("{:.0} %", busy * 100.0),
        format!("{:.2}", row.syscalls),
        format!("{} MiB", row.memory >> 20),
    ]
}

fn show(Spread { lowest, median, highest }: Spread, digits: usize) -> String {
    format!("{median:.digits$} ({lowest:.digits$} - {highest:.digits$})")
}

fn row(text: &mut String, cells: &[impl AsRef<str>]) {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}
