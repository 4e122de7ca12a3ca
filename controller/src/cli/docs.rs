//! The pages of `docs/` that are made from the code: `make docs` writes them, a test keeps them current.

use super::flags;
use super::markdown::{code, row};
use crate::{annotation, configmap};
use gateway::telemetry::{COMMON_LABELS, METRICS, MetricKind};
use std::fmt::Write as _;

/// A generated page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its name: `docs/NAME.md`.
    pub name: &'static str,
    /// Its whole text.
    pub render: fn() -> String,
}

/// All generated pages.
pub const PAGES: &[Page] = &[
    Page { name: "annotations", render: annotations },
    Page { name: "configmap", render: config_map },
    Page { name: "flags", render: flags::markdown },
    Page { name: "metrics", render: metrics },
];

/// How to read the column "support", on both pages that have it.
const SUPPORT: &str = "\
    Support is *full*: as in ingress-nginx; *partial*: with the difference that is named; *ignored*: has no effect, \
    for the reason that is named; *not yet*: has no effect, and a warning says so; *refused*: not yet either, and \
    unsafe to leave out, so routes that it concerns answer 503.\n";

const METRICS_OF_REQUESTS: &str = "\
    Metrics of requests are those with the labels `ingress` and `method`. Their label `host` is the host of the rule, \
    not the client's; `path` is the path of the rule, and a method that HTTP does not have is `OTHER`, so that clients \
    cannot make series. Requests that no rule takes are not among them, but in `adit_replies_total`. Flags change that:\n\n\
    * `--enable-metrics=false`: nothing is measured, and `/metrics` answers 404.\n\
    * `--metrics-per-host=false`: there is no label `host`; requests that no rule takes are measured, with `ingress`, \
    `namespace`, `path` and `service` empty.\n\
    * `--metrics-per-undefined-host`: requests that no rule takes are measured, with the host that they name; `_` is \
    none, and `_other` every host after the first 100 of the process.\n\
    * `--report-status-classes`: `status` is `2xx` and so on.\n\
    * `--time-buckets`, `--length-buckets`, `--size-buckets`: the buckets of seconds, of \
    `nginx_ingress_controller_request_size` and `nginx_ingress_controller_response_size`, and of \
    `nginx_ingress_controller_bytes_sent`.\n\
    * `--exclude-socket-metrics`: metrics of requests that it names are neither measured nor told.\n\n";

fn annotations() -> String {
    let mut page = String::from("# Annotations\n\nMade from the code by `make docs`. Every name is preceded by ");
    let _ = write!(page, "`nginx.ingress.kubernetes.io/`, or by what `--annotations-prefix` says.\n\n{SUPPORT}");
    for family in annotation::FAMILIES {
        let _ = write!(page, "\n## {}\n\n| annotation | support | meaning |\n|---|---|---|\n", family.title);
        for annotation in family.annotations {
            let support = match annotation.support {
                annotation::Support::Full => "full".to_owned(),
                annotation::Support::Partial(difference) => format!("partial: {difference}"),
                annotation::Support::Ignored(why) => format!("ignored: {why}"),
                annotation::Support::Planned => "not yet".to_owned(),
                annotation::Support::Denied => "refused".to_owned(),
            };
            row(&mut page, &[&format!("`{}`", annotation.key), &support, annotation.doc]);
        }
    }
    page
}

fn config_map() -> String {
    let mut page =
        String::from("# ConfigMap keys\n\nMade from the code by `make docs`. The ConfigMap is the one that ");
    let _ = write!(page, "`--configmap` names, `adit/adit` by default. Changes take effect at once.\n\n{SUPPORT}");
    for family in configmap::FAMILIES {
        let _ = write!(page, "\n## {}\n\n| key | default | support | meaning |\n|---|---|---|---|\n", family.title);
        for key in family.keys {
            let support = match key.support {
                configmap::Support::Full => "full".to_owned(),
                configmap::Support::Partial(difference) => format!("partial: {difference}"),
                configmap::Support::Ignored(why) => format!("ignored: {why}"),
                configmap::Support::Planned => "not yet".to_owned(),
                configmap::Support::Denied => "refused".to_owned(),
            };
            row(&mut page, &[&format!("`{}`", key.name), &code(key.default), &support, key.doc]);
        }
    }
    page
}

fn metrics() -> String {
    let mut page = String::from("# Metrics\n\nMade from the code by `make docs`. `/metrics` on the admin port has ");
    page.push_str("them in Prometheus' text format. Those that ingress-nginx has too bear its names and labels.\n\n");
    let _ = write!(page, "Every metric has the labels {}.\n\n", labels(COMMON_LABELS));
    page.push_str(METRICS_OF_REQUESTS);
    page.push_str("| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for metric in METRICS {
        let kind = match metric.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        row(&mut page, &[&code(metric.name), kind, &labels(metric.labels), metric.help]);
    }
    page
}

fn labels(names: &[&str]) -> String {
    names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_current() {
        for page in PAGES {
            let file = format!("{}/../docs/{}.md", env!("CARGO_MANIFEST_DIR"), page.name);
            let found = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(found, (page.render)(), "{file} is out of date: run `make docs`");
        }
    }
}
