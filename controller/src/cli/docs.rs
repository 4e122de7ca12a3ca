//! The pages of `docs/` and the manifests that are made from the code: `make docs` writes them, a test keeps them current.

use super::adit_policy;
use super::flags;
use super::markdown::{code, row};
use super::snippets;
use crate::annotation::{Annotation, OWN_PREFIX};
use crate::configmap::Key;
use crate::convert;
use crate::registry::{Registered, Setting};
use gateway::config::{GEO_VARIABLES, Variable};
use gateway::telemetry::{COMMON_LABELS, METRICS, MetricKind};
use std::fmt::Write as _;

/// A generated page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its name.
    pub name: &'static str,
    /// The files that have its text.
    pub files: &'static [&'static str],
    /// Its whole text.
    pub render: fn() -> String,
}

/// All generated pages.
pub const PAGES: &[Page] = &[
    Page { name: "adit-policy", files: &["docs/adit-policy.md"], render: adit_policy::markdown },
    Page { name: "annotations", files: &["docs/annotations.md"], render: annotations },
    Page { name: "configmap", files: &["docs/configmap.md"], render: config_map },
    Page { name: "convert-annotations", files: &["docs/convert-annotations.md"], render: conversions },
    Page { name: "crd", files: &DEFINITIONS, render: adit_policy::definition },
    Page { name: "flags", files: &["docs/flags.md"], render: flags::markdown },
    Page { name: "metrics", files: &["docs/metrics.md"], render: metrics },
    Page { name: "snippets", files: &["docs/snippets.md"], render: snippets::markdown },
];

/// Helm reads nothing outside of its chart.
const DEFINITIONS: [&str; 2] =
    ["manifests/components/gateway-api/aditpolicies.yaml", "manifests/chart/adit/files/aditpolicies.yaml"];

/// How to read the column "support", on both pages that have it.
const SUPPORT: &str = "\
    The column \"support\" says:\n\n\
    * *full*: it works as in ingress-nginx.\n\
    * *partial*: it works, with the difference that is named.\n\
    * *ignored*: it has no effect, for the reason that is named. Requests are served without it; a warning says so.\n\n\
    A Boolean is `true`, `True`, `TRUE`, `t`, `T` or `1`, or `false`, `False`, `FALSE`, `f`, `F` or `0`.\n";

const CONFIG_MAP: &str = "\
    # ConfigMap keys\n\nGenerated from the code by `make docs`. The ConfigMap is the one that the flag `--configmap` \
    names, by default `adit/adit`. A change takes effect at once, except where the table says otherwise. An invalid \
    value is reported, and the last valid value of the key stays in effect; when Adit starts, the default is. Where the table says \
    that with an invalid value every request is answered with 503, it is so only where no valid value was in effect before. \
    [differences.md](differences.md#settings) says why. An empty Boolean is false. When the ConfigMap is deleted, its last \
    values stay in effect until it is there again, as in ingress-nginx; a Pod that starts without it has the defaults.\n\n";

/// How values are written, on the page of the ConfigMap.
const UNITS: &str = "\n\
    A time is a number of seconds, or numbers with units, such as `90`, `90s`, `1m30s` or `500ms`. The units are `ms`, \
    `s`, `m`, `h`, `d`, `w`, `M` (30 days) and `y` (365 days); the longest time is 2147483647 seconds. A size is a \
    number of bytes, or a number with `k`, `m` or `g` for multiples of 1024.\n";

const VARIABLES: &str = "\
    Log formats, `proxy-set-headers`, `add-headers` and the annotation `upstream-vhost` accept these variables, written \
    as `$name` or `${name}`. Their values are those of nginx and ingress-nginx. `$http_NAME` is a header of the request, with \
    `_` for each dash in its name; `$cookie_NAME` is a cookie, and `$arg_NAME` an argument of the query.\n\n";

const METRICS_OF_REQUESTS: &str = "\
    The labels `namespace` and `service` are those of the Ingress. Prometheus stores them as `exported_namespace` and \
    `exported_service` if it adds labels of the same names for the Pod that it scrapes, as it does with \
    `manifests/install/monitoring.yaml`; the Grafana dashboards of ingress-nginx expect this.\n\n\
    The request metrics are those with the labels `ingress` and `method`. Clients cannot create time series: the label \
    `host` is the host of the rule, not of the request; `path` is the path of the rule; and `method` is `OTHER` for a \
    method that HTTP does not define. Requests that no rule matches are counted in `adit_replies_total` only. These \
    flags change the request metrics:\n\n\
    * `--enable-metrics=false`: nothing is measured, and `/metrics` answers 404.\n\
    * `--metrics-per-host=false`: there is no label `host`. Requests that no rule matches are measured, too, with \
    `ingress`, `namespace`, `path` and `service` empty.\n\
    * `--metrics-per-undefined-host`: requests that no rule matches are measured, too, with the host of the request. \
    `_` stands for a request without a host, and `_other` for every host after the first 100 of the process.\n\
    * `--report-status-classes`: `status` is a class such as `2xx`.\n\
    * `--time-buckets`: the buckets of the histograms in seconds.\n\
    * `--length-buckets`: the buckets of `nginx_ingress_controller_request_size` and \
    `nginx_ingress_controller_response_size`.\n\
    * `--size-buckets`: the buckets of `nginx_ingress_controller_bytes_sent`.\n\
    * `--exclude-socket-metrics`: the request metrics that it names are neither measured nor exported.\n\n";

fn annotations() -> String {
    let mut page = String::from("# Annotations\n\nGenerated from the code by `make docs`. Each name has the prefix ");
    let _ = write!(page, "`nginx.ingress.kubernetes.io/`, or that of the flag `--annotations-prefix`; those that ");
    let _ =
        write!(page, "ingress-nginx does not have are shown with their prefix, `{OWN_PREFIX}/`. Rules of Gateway API ");
    let _ = write!(page, "have most of them as fields of an [AditPolicy](adit-policy.md).\n\n{SUPPORT}");
    tables(&mut page, &["annotation", "support", "meaning"], |annotation: &Annotation| {
        let is_own = annotation.facets.is_own;
        let name = if is_own { format!("{OWN_PREFIX}/{}", annotation.name) } else { annotation.name.to_owned() };
        vec![code(&name), annotation.support.to_string(), annotation.doc.to_owned()]
    });
    page
}

fn conversions() -> String {
    let mut page = String::from("# What becomes of each annotation\n\nGenerated from the code by `make docs`: what ");
    page.push_str("[`adit convert`](convert.md) makes of annotations that have an effect.\n");
    tables(&mut page, &["annotation", "becomes"], |annotation: &Annotation| {
        vec![code(annotation.name), convert::in_words(annotation)]
    });
    page
}

fn config_map() -> String {
    let mut page = format!("{CONFIG_MAP}{SUPPORT}{UNITS}");
    tables(&mut page, &["key", "default", "support", "meaning"], |key: &Key| {
        vec![code(key.name), code(key.facets.default), key.support.to_string(), key.doc.to_owned()]
    });
    let _ = write!(page, "\n## Variables\n\n{VARIABLES}");
    let geo = GEO_VARIABLES.iter().map(|variable| &variable.name);
    let names: Vec<_> = Variable::NAMES.iter().chain(geo).map(|name| format!("`${name}`")).collect();
    let _ = writeln!(page, "{}", names.join(", "));
    page
}

/// A table for each family of settings, under its heading.
fn tables<F: Registered>(page: &mut String, columns: &[&str], cells: impl Fn(&Setting<F>) -> Vec<String>) {
    for family in Setting::<F>::families() {
        let _ = write!(page, "\n## {}\n\n", family.title);
        row(page, columns);
        let _ = writeln!(page, "{}|", "|---".repeat(columns.len()));
        for setting in family.settings {
            row(page, &cells(setting));
        }
    }
}

fn metrics() -> String {
    let mut page =
        String::from("# Metrics\n\nGenerated from the code by `make docs`. `/metrics` on the admin port has ");
    page.push_str("them in the text format of Prometheus. Metrics of ingress-nginx have its names and labels.\n\n");
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
    fn no_setting_is_left_for_later() {
        for page in PAGES.iter().filter(|page| ["annotations", "configmap", "flags"].contains(&page.name)) {
            let text = (page.render)();
            let later: Vec<_> =
                text.lines().filter(|line| line.contains("not yet") || line.contains("supported yet")).collect();
            assert_eq!(later, [""; 0], "{}", page.name);
        }
    }

    #[test]
    fn pages_are_current() {
        for (page, file) in PAGES.iter().flat_map(|page| page.files.iter().map(move |file| (page, file))) {
            let path = format!("{}/../{file}", env!("CARGO_MANIFEST_DIR"));
            let found = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(found, (page.render)(), "{file} is out of date: run `make docs`");
        }
    }
}
