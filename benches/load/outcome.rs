//! What was measured.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Of a group.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    /// The proxies that do not take part, and why.
    pub(crate) absent: Vec<(String, String)>,
}

/// Of a proxy.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// One for each time that a quantity was measured.
    values: BTreeMap<Quantity, Vec<f64>>,
    /// Why none of it counts, if so.
    pub(crate) void: Option<String>,
}

/// What can be measured of a proxy. Of those that a group has, the first one matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quantity {
    /// Microseconds that a percentage of the requests take at most.
    Latency50,
    Latency99,
    Latency999,
    /// Kibibytes.
    MemoryPerConnection,
    /// CPU time in microseconds.
    CpuPerRequest,
    RequestsPerSecond,
    /// Per cent of its processors.
    Busy,
    SystemCallsPerRequest,
    /// Of the body, as it is compressed.
    BytesPerResponse,
    /// Mebibytes.
    Memory,
}

/// The middle one of some values, and the ends.
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

    /// What was measured.
    pub(crate) fn quantities(&self) -> Vec<Quantity> {
        let mut quantities: Vec<_> = self.rows.iter().flat_map(|row| row.values.keys().copied()).collect();
        quantities.sort_unstable();
        quantities.dedup();
        quantities
    }
}

impl Row {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), values: BTreeMap::new(), void: None }
    }

    pub(crate) fn add(&mut self, quantity: Quantity, value: f64) {
        self.values.entry(quantity).or_default().push(value);
    }

    /// Of all times, if it was measured.
    pub(crate) fn spread(&self, quantity: Quantity) -> Option<Spread> {
        let mut values = self.values.get(&quantity)?.clone();
        values.sort_unstable_by(f64::total_cmp);
        Some(Spread { lowest: *values.first()?, median: *values.get(values.len() / 2)?, highest: *values.last()? })
    }
}

impl Quantity {
    /// How it is called in a report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Latency50 => "p50 us",
            Self::Latency99 => "p99 us",
            Self::Latency999 => "p99.9 us",
            Self::MemoryPerConnection => "KiB per connection",
            Self::CpuPerRequest => "CPU us per request",
            Self::RequestsPerSecond => "requests/s",
            Self::Busy => "busy %",
            Self::SystemCallsPerRequest => "system calls",
            Self::BytesPerResponse => "bytes",
            Self::Memory => "memory MiB",
        }
    }

    /// Digits behind the point.
    pub(crate) fn digits(self) -> usize {
        match self {
            Self::SystemCallsPerRequest => 2,
            Self::CpuPerRequest | Self::MemoryPerConnection => 1,
            _ => 0,
        }
    }
}
