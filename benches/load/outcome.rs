//! What was measured.

use serde::{Deserialize, Serialize};

/// Of a group.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    /// The proxies that do not take part, and why.
    pub(crate) absent: Vec<(String, String)>,
}

/// Of a proxy.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// One for each round.
    pub(crate) samples: Vec<Sample>,
    /// Bytes of memory after the last round.
    pub(crate) memory: u64,
    /// System calls per request.
    pub(crate) syscalls: f64,
    /// Why none of it counts, if so.
    pub(crate) void: Option<String>,
}

/// What one round shows.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// CPU time of the proxy, in microseconds per request.
    pub(crate) cost: f64,
    /// Requests per second.
    pub(crate) rate: f64,
    /// Which share of its processors the proxy used.
    pub(crate) busy: f64,
}

/// The middle one of the rounds, and the ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) lowest: f64,
    pub(crate) median: f64,
    pub(crate) highest: f64,
}

impl Outcome {
    /// Whether the row of any proxy is void.
    pub(crate) fn is_void(&self) -> bool {
        self.rows.iter().any(|row| row.void.is_some())
    }
}

impl Row {
    /// Of a value of the rounds. Without any it is not a number.
    pub(crate) fn spread(&self, value: fn(&Sample) -> f64) -> Spread {
        let mut values: Vec<f64> = self.samples.iter().map(value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let [lowest, highest] = [values.first(), values.last()].map(|end| end.copied().unwrap_or(f64::NAN));
        Spread { lowest, median: values.get(values.len() / 2).copied().unwrap_or(f64::NAN), highest }
    }
}
