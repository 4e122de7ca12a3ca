//! What the Grafana dashboards of ingress-nginx 1.15 ask: `nginx.json` and `request-handling-performance.json`.

const PREFIX: &str = "nginx_ingress_controller";
/// The filters of a Pod, by the label that Prometheus gives it, or by that of the metrics.
const POD: &str = r#"controller_pod=~"$controller",controller_class=~"$controller_class",namespace=~"$namespace""#;
const CONTROLLER: &str =
    r#"controller_pod=~"$controller",controller_class=~"$controller_class",controller_namespace=~"$namespace""#;
const OF_INGRESS: &str = r#"exported_namespace=~"$exported_namespace",ingress=~"$ingress""#;

/// The panels of `nginx.json`.
pub(super) fn nginx() -> Vec<String> {
    let (requests, good) = (format!("{PREFIX}_requests"), r#"status!~"[4-5].*""#);
    let ingress = format!(r#"ingress!="",{CONTROLLER},ingress=~"$ingress",exported_namespace=~"$exported_namespace""#);
    let bucket = format!("{PREFIX}_request_duration_seconds_bucket{{{ingress}}}[2m]");
    let quantile = |q: &str, by: &str| format!("histogram_quantile({q}, sum(rate({bucket})) by ({by}))");
    let size = |of: &str| format!("sum(irate({PREFIX}_{of}_size_sum{{{CONTROLLER}}}[2m]))");
    let size_by_ingress = |of: &str| format!("sum(irate({PREFIX}_{of}_size_sum{{{ingress}}}[2m])) by (ingress)");
    vec![
        format!("round(sum(irate({requests}{{{POD}}}[2m])), 0.001)"),
        format!(r#"sum(avg_over_time({PREFIX}_nginx_process_connections{{{CONTROLLER},state="active"}}[2m]))"#),
        format!("sum(rate({requests}{{{POD},{good}}}[2m])) / sum(rate({requests}{{{POD}}}[2m]))"),
        format!("avg(irate({PREFIX}_success{{{CONTROLLER}}}[1m])) * 60"),
        format!(
            r#"count({PREFIX}_config_last_reload_successful{{controller_pod=~"$controller",controller_namespace=~"$namespace"}} == 0)"#
        ),
        format!("round(sum(irate({requests}{{{CONTROLLER},{OF_INGRESS}}}[2m])) by (ingress), 0.001)"),
        format!(
            "sum(rate({requests}{{{POD},{OF_INGRESS},{good}}}[2m])) by (ingress)
             / sum(rate({requests}{{{POD},{OF_INGRESS}}}[2m])) by (ingress)"
        ),
        size("request"),
        format!("- {}", size("response")),
        format!("avg({PREFIX}_nginx_process_resident_memory_bytes{{{CONTROLLER}}})"),
        format!("avg(rate({PREFIX}_nginx_process_cpu_seconds_total{{{CONTROLLER}}}[2m]))"),
        quantile("0.50", "le, ingress"),
        quantile("0.90", "le, ingress"),
        quantile("0.99", "le, ingress"),
        size_by_ingress("request"),
        size_by_ingress("response"),
        quantile("0.80", "le"),
        quantile("0.90", "le"),
        quantile("0.99", "le"),
        format!("sum(increase({bucket})) by (le)"),
        format!(
            r#"avg({PREFIX}_ssl_expire_time_seconds{{kubernetes_pod_name=~"$controller",namespace=~"$namespace",ingress=~"$ingress"}}) by (host) - time()"#
        ),
    ]
}

/// The panels of `request-handling-performance.json`.
pub(super) fn performance() -> Vec<String> {
    const INGRESS: &str = r#"ingress=~"$ingress""#;
    const ERROR: &str = r#"status=~"[4-5].*""#;
    const ROUTE: &str = "method, host, path";
    let quantile = |q: &str, of: &str, by: &str| {
        format!("histogram_quantile({q}, sum by ({by})(rate({PREFIX}_{of}_duration_seconds_bucket{{{INGRESS}}}[5m])))")
    };
    let rate = |of: &str, filters: &str, by: &str| format!("sum by ({by})(rate({PREFIX}_{of}{{{filters}}}[5m]))");
    let count = "request_duration_seconds_count";
    let errors = format!("{INGRESS},{ERROR}");
    let mut queries = vec![
        rate(count, INGRESS, ROUTE),
        quantile(".5", "response", &format!("le, {ROUTE}")),
        format!("{} / {}", rate(count, &errors, ROUTE), rate(count, INGRESS, ROUTE)),
        rate("response_duration_seconds_sum", INGRESS, ROUTE),
        rate(count, &errors, &format!("{ROUTE}, status")),
        format!("{} / {}", rate("response_size_sum", INGRESS, ROUTE), rate("response_size_count", INGRESS, ROUTE)),
        rate("response_size_bucket", INGRESS, "le"),
    ];
    for of in ["request", "response"] {
        queries.extend(["0.5", "0.95", "0.99"].map(|q| quantile(q, of, "le")));
    }
    queries
}
