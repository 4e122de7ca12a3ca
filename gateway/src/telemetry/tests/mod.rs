//! The whole of telemetry, from records to the log and the metrics.

mod access_log;
mod metrics;
mod settings;
mod streams;
mod syslog;
