//! The flags of ingress-nginx that mean nothing here. They are accepted, so that a Deployment's arguments keep working,
//! and each says why it does nothing.

use super::flag::{Effect, Flag, Shape, Topic};

const ONE_PROCESS: &str = "TLS is passed through and terminated on the port for HTTPS, without another one behind it";
const NO_WEBHOOK: &str = "there is no admission webhook yet; `adit check` reports the same";
const NO_NGINX: &str = "no nginx process runs here";
const NO_NATIVE_HISTOGRAMS: &str =
    "native histograms need Prometheus' binary format, and metrics are told as text: see --time-buckets";
const NO_PROFILER: &str = "the Go profiler does not exist here";
const NO_GEOIP: &str = "GeoIP databases are not used yet";
const NO_KLOG: &str = "logs go to standard error; see --log-level";

pub(super) const FLAGS: &[Flag] = &[
    value("sync-period", "watches miss nothing, so nothing is listed again for safety"),
    value("sync-rate-limit", "changes cost no reload, so they are not rationed"),
    switch("disable-sync-events", "no Event says that an object was synced"),
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
    value("bucket-factor", NO_NATIVE_HISTOGRAMS),
    value("max-buckets", NO_NATIVE_HISTOGRAMS),
    value("monitor-max-batch-size", "requests are counted as they end, and not sent anywhere in batches"),
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
