//! Names that ingress-nginx has dropped, and names that it never had but users set.

use super::entry::Annotation;

const REMOVED: &str = "ingress-nginx has removed it";
const NEVER: &str = "ingress-nginx never had it";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    removed("global-rate-limit", "A limit that all replicas shared, until 1.12."),
    removed("global-rate-limit-window", "The time that such a limit was for."),
    removed("global-rate-limit-key", "What such a limit counted by."),
    removed("global-rate-limit-ignored-cidrs", "Addresses without such a limit."),
    removed("enable-opentracing", "Traces; now `enable-opentelemetry`."),
    removed("opentracing-trust-incoming-span", "Traces; now `opentelemetry-trust-incoming-span`."),
    removed("enable-influxdb", "Metrics to InfluxDB; now Prometheus scrapes them."),
    removed("influxdb-measurement", "Its measurement."),
    removed("influxdb-port", "Its port."),
    removed("influxdb-host", "Its host."),
    removed("influxdb-server-name", "Its server name."),
    removed("secure-backends", "TLS towards the backend; now `backend-protocol: HTTPS`."),
    removed("grpc-backend", "gRPC towards the backend; now `backend-protocol: GRPC`."),
    removed("add-base-url", "A `<base>` tag put into answers."),
    removed("base-url-scheme", "Its scheme."),
    Annotation::ignored("server-tokens", "it is a key of the ConfigMap", "Whether answers name the server."),
    Annotation::ignored("ssl-protocols", "it is a key of the ConfigMap", "Versions of TLS."),
    Annotation::ignored(
        "large-client-header-buffers",
        "it is a key of the ConfigMap",
        "How large a request's head may be.",
    ),
    Annotation::ignored("client-max-body-size", NEVER, "Meant: `proxy-body-size`."),
    Annotation::ignored("proxy-buffers", NEVER, "Meant: `proxy-buffers-number` and `proxy-buffer-size`."),
];

const fn removed(key: &'static str, doc: &'static str) -> Annotation {
    Annotation::ignored(key, REMOVED, doc)
}
