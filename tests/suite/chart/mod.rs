//! The Helm chart, `manifests/chart/adit`, as Helm itself renders it: by default, and with values files as people have them.
//! What it does in a cluster is in `tests/lab/chart.rs`.

mod beside;
mod drift;
mod image;
mod names;
mod pods;
mod rendered;
mod shapes;
mod takeover;
mod typed;
mod wrong;
