//! Every metric, once: the code that counts and the documentation both read this table.

use prometheus::Opts;
use prometheus::core::Desc;
use prometheus::proto::MetricType;
use std::collections::HashMap;

/// A metric, as the documentation shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricDoc {
    /// Its full name.
    pub name: &'static str,
    /// What its numbers are.
    pub kind: MetricKind,
    /// Its labels, sorted, without those that every metric has ([`COMMON_LABELS`]).
    pub labels: &'static [&'static str],
    /// What it counts, with its unit.
    pub help: &'static str,
}

/// What the numbers of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows, until the process or what it counts for is gone.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets, with their sum and number.
    Histogram,
}

impl MetricDoc {
    pub(super) fn opts(&self) -> Opts {
        Opts::new(self.name, self.help)
    }

    pub(super) fn desc(&self) -> prometheus::Result<Desc> {
        let labels = self.labels.iter().map(|&label| label.to_owned()).collect();
        Desc::new(self.name.to_owned(), self.help.to_owned(), labels, HashMap::new())
    }

    pub(super) fn metric_type(&self) -> MetricType {
        match self.kind {
            MetricKind::Counter => MetricType::COUNTER,
            MetricKind::Gauge => MetricType::GAUGE,
            MetricKind::Histogram => MetricType::HISTOGRAM,
        }
    }
}

/// The labels that every metric has: one value each for the life of the process.
pub const COMMON_LABELS: &[&str] = &["controller_class", "controller_namespace", "controller_pod"];

/// The labels of request metrics, before flags change them. `host` is the virtual host that took the request and not
/// what the client wrote, `path` is the path of the rule, and `method` is `OTHER` outside the methods of HTTP: clients
/// cannot make series.
const REQUEST: &[&str] = &["canary", "host", "ingress", "method", "namespace", "path", "service", "status"];

/// The labels of a port of a TCP or UDP service.
const STREAM: &[&str] = &["port", "protocol"];

/// The labels of a port of a Service.
const BACKEND: &[&str] = &["namespace", "port", "service"];

/// The labels of a certificate of a host.
const SSL: &[&str] = &["class", "host", "identifier", "namespace", "secret_name"];

/// The same, and what the certificate says of itself.
const SSL_INFO_LABELS: &[&str] = &[
    "class",
    "host",
    "identifier",
    "issuer_common_name",
    "issuer_organization",
    "namespace",
    "public_key_algorithm",
    "secret_name",
    "serial_number",
];

/// The metrics of requests, which flags change and leave out.
pub const REQUEST_METRICS: &[MetricDoc] = &[
    REQUESTS,
    REQUEST_DURATION,
    RESPONSE_DURATION,
    HEADER_DURATION,
    CONNECT_DURATION,
    REQUEST_SIZE,
    RESPONSE_SIZE,
    BYTES_SENT,
];

macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal $labels:expr, $help:literal;)*) => {
        $(pub(super) const $constant: MetricDoc =
            MetricDoc { name: $name, kind: MetricKind::$kind, labels: $labels, help: $help };)*

        /// Every metric that Adit has. Those that ingress-nginx has too bear its names and labels.
        pub const METRICS: &[MetricDoc] = &[$($constant),*];
    };
}

metrics! {
    REQUESTS = Counter "nginx_ingress_controller_requests" REQUEST,
        "Requests that a rule matched";
    REQUEST_DURATION = Histogram "nginx_ingress_controller_request_duration_seconds" REQUEST,
        "Seconds from the first byte of a request to the last byte of its response";
    RESPONSE_DURATION = Histogram "nginx_ingress_controller_response_duration_seconds" REQUEST,
        "Seconds from the choice of the last endpoint to the last byte of its response";
    HEADER_DURATION = Histogram "nginx_ingress_controller_header_duration_seconds" REQUEST,
        "Seconds from the choice of the last endpoint to the head of its response";
    CONNECT_DURATION = Histogram "nginx_ingress_controller_connect_duration_seconds" REQUEST,
        "Seconds to connect to the last endpoint; 0 on a kept connection";
    REQUEST_SIZE = Histogram "nginx_ingress_controller_request_size" REQUEST,
        "Bytes of a request: head and body";
    RESPONSE_SIZE = Histogram "nginx_ingress_controller_response_size" REQUEST,
        "Bytes of a response: head and body";
    BYTES_SENT = Histogram "nginx_ingress_controller_bytes_sent" REQUEST,
        "Bytes of a response: head and body, as in nginx_ingress_controller_response_size, but in wider buckets";

    CONNECTIONS = Gauge "nginx_ingress_controller_nginx_process_connections" &["state"],
        "Open client connections by state: active (all), reading (a request head), writing (a response), waiting (idle)";
    CONNECTIONS_TOTAL = Counter "nginx_ingress_controller_nginx_process_connections_total" &["state"],
        "Client connections since the start: accepted, and handled; both are equal in Adit";
    REQUESTS_TOTAL = Counter "nginx_ingress_controller_nginx_process_requests_total" &[],
        "Requests since the start, whether a rule matched or not";

    BUILD_INFO = Gauge "nginx_ingress_controller_build_info" &["build", "release", "repository"],
        "Always 1; the labels describe the build";
    CONFIG_HASH = Gauge "nginx_ingress_controller_config_hash" &[],
        "A hash of the configuration, without addresses of endpoints: replicas that serve the same show the same";
    CONFIG_SUCCESSFUL = Gauge "nginx_ingress_controller_config_last_reload_successful" &[],
        "1 if all of the last change is served but for what is invalid in it, 0 while a defect of Adit keeps a part as it was before";
    CONFIG_TIMESTAMP = Gauge "nginx_ingress_controller_config_last_reload_successful_timestamp_seconds" &[],
        "Unix time in seconds of the last published change of the configuration";
    SUCCESS = Counter "nginx_ingress_controller_success" &[],
        "Changes of the configuration that were published";
    ERRORS = Counter "nginx_ingress_controller_errors" &[],
        "Changes of which a defect of Adit kept a part from being published; what is invalid in a change is left out and does not count";
    ORPHAN_INGRESS = Gauge "nginx_ingress_controller_orphan_ingress" &["ingress", "namespace", "type"],
        "1 for each Ingress with a route to a Service that does not exist (no-service), or that has no endpoint or not the port (no-endpoint)";
    LEADER = Gauge "nginx_ingress_controller_leader_election_status" &["name"],
        "1 if this replica holds the Lease of this name, 0 if not";

    CHECK_SUCCESS = Counter "nginx_ingress_controller_check_success" &["ingress", "namespace"],
        "How often an Ingress was read and served without an error: when it changes, or what it depends on does";
    CHECK_ERRORS = Counter "nginx_ingress_controller_check_errors" &["ingress", "namespace"],
        "How often an Ingress was read with an error in it, which keeps it or a part of it from being served";
    TESTED_INGRESSES = Gauge "nginx_ingress_controller_admission_tested_ingresses" &[],
        "Ingresses that the last change of Ingresses made Adit read";
    TESTED_DURATION = Gauge "nginx_ingress_controller_admission_tested_duration" &[],
        "Seconds that reading them took";
    RENDER_INGRESSES = Gauge "nginx_ingress_controller_admission_render_ingresses" &[],
        "Ingresses of the hosts that the last change of hosts made Adit compile";
    RENDER_DURATION = Gauge "nginx_ingress_controller_admission_render_duration" &[],
        "Seconds that compiling and publishing them took";
    CONFIG_SIZE = Gauge "nginx_ingress_controller_admission_config_size" &[],
        "Routes of these hosts; ingress-nginx has the bytes of nginx.conf here";
    ROUNDTRIP_DURATION = Gauge "nginx_ingress_controller_admission_roundtrip_duration" &[],
        "Seconds that the last change of hosts took, from reading its Ingresses until it was served";
    SSL_EXPIRE_TIME = Gauge "nginx_ingress_controller_ssl_expire_time_seconds" SSL,
        "Unix time in seconds at which a certificate of a host expires";
    SSL_INFO = Gauge "nginx_ingress_controller_ssl_certificate_info" SSL_INFO_LABELS,
        "Always 1; the labels describe a certificate of a host";

    NUM_PROCS = Gauge "nginx_ingress_controller_nginx_process_num_procs" &[],
        "Processes that serve: always 1";
    CPU_SECONDS = Counter "nginx_ingress_controller_nginx_process_cpu_seconds_total" &[],
        "CPU time in seconds, of user and system";
    READ_BYTES = Counter "nginx_ingress_controller_nginx_process_read_bytes_total" &[],
        "Bytes that were read from storage";
    WRITE_BYTES = Counter "nginx_ingress_controller_nginx_process_write_bytes_total" &[],
        "Bytes that were written to storage";
    RESIDENT_MEMORY = Gauge "nginx_ingress_controller_nginx_process_resident_memory_bytes" &[],
        "Resident memory in bytes";
    VIRTUAL_MEMORY = Gauge "nginx_ingress_controller_nginx_process_virtual_memory_bytes" &[],
        "Virtual memory in bytes";
    OLDEST_START = Gauge "nginx_ingress_controller_nginx_process_oldest_start_time_seconds" &[],
        "Unix time in seconds at which the process started";
    PROCESS_CPU_SECONDS = Counter "process_cpu_seconds_total" &[],
        "CPU time in seconds, of user and system";
    PROCESS_OPEN_FDS = Gauge "process_open_fds" &[],
        "Open file descriptors";
    PROCESS_MAX_FDS = Gauge "process_max_fds" &[],
        "The most file descriptors that may be open; there is none where that is unlimited";
    PROCESS_RESIDENT_MEMORY = Gauge "process_resident_memory_bytes" &[],
        "Resident memory in bytes";
    PROCESS_VIRTUAL_MEMORY = Gauge "process_virtual_memory_bytes" &[],
        "Virtual memory in bytes";
    PROCESS_START = Gauge "process_start_time_seconds" &[],
        "Unix time in seconds at which the process started";
    PROCESS_THREADS = Gauge "process_threads" &[],
        "Threads";

    REPLIES = Counter "adit_replies_total" &["reason"],
        "Responses that Adit made itself, such as redirects and error pages, by reason";
    RETRIES = Counter "adit_retries_total" &["reason"],
        "Requests that were sent again, by what came of the attempt before: a word of proxy-next-upstream, or stale for a kept connection that had ended";
    REFUSED_RETRIES = Counter "adit_refused_retries_total" &["reason"],
        "Requests that were not sent again, since too many of their backend were, by reason: always budget (retry-budget)";
    EJECTED_ENDPOINTS = Gauge "adit_ejected_endpoints" BACKEND,
        "Endpoints that get no requests now, because they have failed (eject-after-failures), of each backend where that may be";
    EJECTIONS = Counter "adit_ejections_total" BACKEND,
        "How often an endpoint of such a backend has failed so often that it got no requests for a while";
    REFUSED_HEADS = Counter "adit_refused_heads_total" &["reason"],
        "Request heads that were refused before routing, by reason";
    TLS_HANDSHAKE_FAILURES = Counter "adit_tls_handshake_failures_total" &["reason"],
        "TLS handshakes that failed, and TLS connections that could not be led on to a backend, by reason; connections that end without a byte are not counted";
    REFUSED_CONNECTIONS = Counter "adit_refused_connections_total" &["reason"],
        "Connections that were closed as soon as they were accepted, by reason: worker-limit (max-worker-connections) or client-limit (max-connections-per-client)";
    HTTP2_CONNECTION_ERRORS = Counter "adit_http2_connection_errors_total" &["reason"],
        "HTTP/2 connections that Adit ended because of errors of their clients, by reason";
    PROXY_PROTOCOL_FAILURES = Counter "adit_proxy_protocol_failures_total" &["reason"],
        "Connections that were closed because they had no valid PROXY header, by reason; connections that end without a byte are not counted";
    LOST_COPIES = Counter "adit_mirror_lost_copies_total" &["reason"],
        "Copies of requests that their mirrors did not get, or not whole, by reason: copies-limit, body-limit (bounds.md), no-endpoint, connect, timeout, broken, cut-off (the request itself) or loop";
    STREAM_SESSIONS_TOTAL = Counter "adit_stream_sessions_total" &["port", "protocol", "status"],
        "Ended sessions of TCP and UDP services, and of TLS that is led on to a backend, whether it passes through or ends here, by nginx's status: 200, 400, 500, 502 or 503";
    STREAM_BYTES = Counter "adit_stream_bytes_total" &["direction", "port", "protocol"],
        "Bytes of these sessions, of TLS that ends here those within it, by direction: received (from clients) or sent (to them)";
    STREAM_SESSIONS = Gauge "adit_stream_sessions" STREAM,
        "Open sessions of TCP and UDP services";
    STREAM_LISTENER = Gauge "adit_stream_listener_open" STREAM,
        "1 if the port of a TCP or UDP service, or of a listener of a Gateway, is open, 0 if it could not be opened";
    TEMP_FILE_BYTES = Gauge "adit_temp_file_bytes" &[],
        "Bytes of temporary files, of bodies that are buffered (max-temp-files-size)";
    TABLE_REVISION = Gauge "adit_table_revision" &[],
        "Revision of the routing table that is served; it grows with every change";
    WATCH_HEALTHY = Gauge "adit_watch_healthy" &["kind"],
        "1 if objects of a kind are watched in the cluster, 0 if the watch fails and the known objects stay in effect";
    REVIEWS = Counter "adit_admission_reviews_total" &["outcome"],
        "Requests of the API server to the admission webhook, by outcome: allowed, refused, or unchecked (allowed without a review, since none could be made in time)";
    INVALID_VALUES = Gauge "adit_configmap_invalid_values" &[],
        "Values that cannot be used, in the ConfigMap of settings, those that it names, and those of TCP and UDP services; Events of the ConfigMap name them";
    OCSP_FETCHES = Counter "adit_ocsp_fetches_total" &["result"],
        "OCSP responders that were asked about a certificate, by result: good, not-good (the certificate is revoked, or not known), invalid (a response that is not to be believed) or unanswered";
    SPANS_SENT = Counter "adit_trace_spans_sent_total" &[],
        "Spans that the collector has taken";
    SPANS_DROPPED = Counter "adit_trace_spans_dropped_total" &["reason"],
        "Spans that were dropped, by reason: queue-full (more than otel-max-queuesize waited), undelivered (the collector could not be reached, or did not take their batch) or refused (it took the others of their batch)";
    LOG_DROPPED = Counter "adit_access_log_dropped_lines_total" &[],
        "Lines of the access log that were dropped because the log could not be written, or not fast enough";
}
