//! Names that ingress-nginx has dropped, and names that it never had but users set.

use super::entry::Annotation;

const REMOVED: &str = "ingress-nginx has removed it";
const NEVER: &str = "ingress-nginx never had it";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    removed("global-rate-limit", "Set a limit on requests that all replicas shared, until ingress-nginx 1.12."),
    removed("global-rate-limit-window", "Set the time to which `global-rate-limit` applied."),
    removed("global-rate-limit-key", "Set the key by which `global-rate-limit` counted requests."),
    removed("global-rate-limit-ignored-cidrs", "Named networks to which `global-rate-limit` did not apply."),
    removed("enable-opentracing", "Turned on traces. Use `enable-opentelemetry`."),
    removed(
        "opentracing-trust-incoming-span",
        "Continued the traces of clients. Use `opentelemetry-trust-incoming-span`.",
    ),
    removed("enable-influxdb", "Sent metrics to InfluxDB. Use the metrics for Prometheus."),
    removed("influxdb-measurement", "Set the measurement of the metrics for InfluxDB."),
    removed("influxdb-port", "Set the port of InfluxDB."),
    removed("influxdb-host", "Set the host of InfluxDB."),
    removed("influxdb-server-name", "Set the server name in the metrics for InfluxDB."),
    removed("secure-backends", "Turned on TLS to the backend. Use `backend-protocol: HTTPS`."),
    removed("grpc-backend", "Turned on gRPC to the backend. Use `backend-protocol: GRPC`."),
    removed("add-base-url", "Inserted a `<base>` tag into HTML responses."),
    removed("base-url-scheme", "Set the scheme of the URL in that `<base>` tag."),
    Annotation::ignored(
        "server-tokens",
        "it is a key of the ConfigMap",
        "Sets whether responses name the server. Use the key of the ConfigMap.",
    ),
    Annotation::ignored(
        "ssl-protocols",
        "it is a key of the ConfigMap",
        "Sets the TLS versions. Use the key of the ConfigMap.",
    ),
    Annotation::ignored(
        "large-client-header-buffers",
        "it is a key of the ConfigMap",
        "Sets how large a request head may be. Use the key of the ConfigMap.",
    ),
    Annotation::ignored("client-max-body-size", NEVER, "A directive of nginx. Use `proxy-body-size`."),
    Annotation::ignored(
        "proxy-buffers",
        NEVER,
        "A directive of nginx. ingress-nginx has `proxy-buffers-number` and `proxy-buffer-size`.",
    ),
];

const fn removed(key: &'static str, doc: &'static str) -> Annotation {
    Annotation::ignored(key, REMOVED, doc)
}
