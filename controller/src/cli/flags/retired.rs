//! The flags of ingress-nginx that mean nothing here. They are accepted, so that a Deployment's arguments keep working,
//! and each says why it does nothing.

use super::{Effect, Flag, Shape, Topic};

const NO_STATUS: &str = "no status is written yet";
const NO_ELECTION: &str = "no leader is elected: nothing is written to a cluster";
const ONE_PROCESS: &str = "TLS is passed through and terminated on the port for HTTPS, without another one behind it";
const NO_WEBHOOK: &str = "there is no admission webhook yet; `adit check` reports the same";
const NO_NGINX: &str = "no nginx process runs here";
const FIXED_METRICS: &str = "metrics always have the default form";
const NO_PROFILER: &str = "the Go profiler does not exist here";
const NO_GEOIP: &str = "GeoIP databases are not used yet";
const NO_KLOG: &str = "logs go to standard error; see --log-level";

pub(super) const FLAGS: &[Flag] = &[
    value("sync-period", "watches miss nothing, so nothing is listed again for safety"),
    value("sync-rate-limit", "changes cost no reload, so they are not rationed"),
    switch("disable-sync-events", NO_STATUS),
    value("publish-service", NO_STATUS),
    value("publish-status-address", NO_STATUS),
    switch("report-node-internal-ip-address", NO_STATUS),
    switch("update-status", NO_STATUS),
    switch("update-status-on-shutdown", NO_STATUS),
    value("status-update-interval", NO_STATUS),
    value("election-id", NO_ELECTION),
    value("election-ttl", NO_ELECTION),
    switch("disable-leader-election", NO_ELECTION),
    value("ssl-passthrough-proxy-port", ONE_PROCESS),
    switch("enable-ssl-chain-completion", "chains are served as their Secrets have them"),
    value("validating-webhook", NO_WEBHOOK),
    value("validating-webhook-certificate", NO_WEBHOOK),
    value("validating-webhook-key", NO_WEBHOOK),
    switch("disable-full-test", NO_WEBHOOK),
    switch("enable-annotation-validation", "annotations are always validated"),
    switch("deep-inspect", "no user's text becomes code here, so there is nothing to inspect it for"),
    switch("enable-topology-aware-routing", "all ready endpoints are used, whatever their zone"),
    value("default-server-port", NO_NGINX),
    value("status-port", NO_NGINX),
    value("stream-port", NO_NGINX),
    value("internal-logger-address", NO_NGINX),
    value("dynamic-configuration-retries", NO_NGINX),
    value("post-shutdown-grace-period", "the process ends as soon as its last connection has; see docs/protocols.md"),
    value("health-check-timeout", "the health check asks no other process"),
    switch("enable-metrics", "metrics are always measured"),
    switch("metrics-per-host", FIXED_METRICS),
    switch("metrics-per-undefined-host", FIXED_METRICS),
    switch("report-status-classes", FIXED_METRICS),
    value("time-buckets", FIXED_METRICS),
    value("length-buckets", FIXED_METRICS),
    value("size-buckets", FIXED_METRICS),
    value("bucket-factor", FIXED_METRICS),
    value("max-buckets", FIXED_METRICS),
    value("exclude-socket-metrics", FIXED_METRICS),
    value("monitor-max-batch-size", FIXED_METRICS),
    switch("profiling", NO_PROFILER),
    value("profiler-port", NO_PROFILER),
    value("profiler-address", NO_PROFILER),
    value("maxmind-mirror", NO_GEOIP),
    value("maxmind-license-key", NO_GEOIP),
    value("maxmind-edition-ids", NO_GEOIP),
    value("maxmind-retries-count", NO_GEOIP),
    value("maxmind-retries-timeout", NO_GEOIP),
    switch("add_dir_header", NO_KLOG),
    switch("alsologtostderr", NO_KLOG),
    value("log_backtrace_at", NO_KLOG),
    value("log_dir", NO_KLOG),
    value("log_file", NO_KLOG),
    value("log_file_max_size", NO_KLOG),
    switch("logtostderr", NO_KLOG),
    switch("one_output", NO_KLOG),
    switch("skip_headers", NO_KLOG),
    switch("skip_log_headers", NO_KLOG),
    value("stderrthreshold", NO_KLOG),
    value("vmodule", NO_KLOG),
];

const fn switch(name: &'static str, why: &'static str) -> Flag {
    ignored(name, Shape::Switch, why)
}

const fn value(name: &'static str, why: &'static str) -> Flag {
    ignored(name, Shape::Value("VALUE"), why)
}

const fn ignored(name: &'static str, shape: Shape, why: &'static str) -> Flag {
    Flag { name, shape, default: "", topic: Topic::Objects, doc: "Accepted and ignored", effect: Effect::Ignored(why) }
}
