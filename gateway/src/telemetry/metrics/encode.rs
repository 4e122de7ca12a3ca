//! Samples and their families as Prometheus' library wants them.

use super::names::{MetricDoc, MetricKind};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily};

pub(super) fn family(doc: MetricDoc, metrics: impl IntoIterator<Item = Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(doc.name.to_owned());
    family.set_help(doc.help.to_owned());
    family.set_field_type(doc.metric_type());
    family.set_metric(metrics.into_iter().collect());
    family
}

/// A family of one sample without labels.
pub(super) fn single(doc: MetricDoc, value: f64) -> MetricFamily {
    let mut metric = Metric::default();
    if doc.kind == MetricKind::Counter {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    family(doc, [metric])
}

pub(super) fn counter(labels: Vec<LabelPair>, value: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(value as f64);
    let mut metric = Metric::from_label(labels);
    metric.set_counter(counter);
    metric
}

pub(super) fn gauge(labels: Vec<LabelPair>, count: i64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(count as f64);
    let mut metric = Metric::from_label(labels);
    metric.set_gauge(gauge);
    metric
}

pub(super) fn pairs<const N: usize>(labels: [(&str, &str); N]) -> Vec<LabelPair> {
    labels.into_iter().map(|(name, value)| pair(name, value)).collect()
}

pub(super) fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}
