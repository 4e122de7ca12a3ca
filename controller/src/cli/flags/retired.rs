//! The flags of ingress-nginx that have no effect in Adit. They are accepted, so that a Deployment's arguments keep
//! working, and each says why it has no effect.

use super::flag::{Flag, Shape};

const ONE_PROCESS: &str = "Adit passes TLS through on the port for HTTPS and needs no second port";
const NO_NGINX: &str = "Adit runs no nginx process";
const NO_NATIVE_HISTOGRAMS: &str =
    "native histograms need the binary format of Prometheus, and metrics are exported as text: see --time-buckets";
const NO_PROFILER: &str = "Adit has no Go profiler";
const NO_DOWNLOAD: &str = "databases are not downloaded: see --geoip-dir";
const NO_KLOG: &str = "logs go to standard error; see --log-level";

pub(super) const FLAGS: &[Flag] = &[
    value("sync-period", "watches report every change, so that objects need not be listed again"),
    value("sync-rate-limit", "a change needs no reload, so that changes need no rate limit"),
    switch("disable-sync-events", "Adit writes no Events about synced objects"),
    value("ssl-passthrough-proxy-port", ONE_PROCESS),
    switch("enable-ssl-chain-completion", "a certificate chain is served as its Secret has it"),
    switch("disable-full-test", "the admission webhook reviews an Ingress beside those of the same hosts only"),
    switch("enable-annotation-validation", "annotations are always validated"),
    switch("deep-inspect", "text of users never becomes code or configuration, so that it needs no inspection"),
    value("default-server-port", NO_NGINX),
    value("status-port", NO_NGINX),
    value("stream-port", NO_NGINX),
    value("internal-logger-address", NO_NGINX),
    value("dynamic-configuration-retries", NO_NGINX),
    value("post-shutdown-grace-period", "the process ends with its last connection: see docs/protocols.md"),
    value("health-check-timeout", "the health check does not call another process"),
    value("bucket-factor", NO_NATIVE_HISTOGRAMS),
    value("max-buckets", NO_NATIVE_HISTOGRAMS),
    value("monitor-max-batch-size", "requests are counted when they end, and not sent in batches"),
    switch("profiling", NO_PROFILER),
    value("profiler-port", NO_PROFILER),
    value("profiler-address", NO_PROFILER),
    value("maxmind-mirror", NO_DOWNLOAD),
    value("maxmind-license-key", NO_DOWNLOAD),
    value("maxmind-retries-count", NO_DOWNLOAD),
    value("maxmind-retries-timeout", NO_DOWNLOAD),
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
    Flag::ignored(name, Shape::Switch, why)
}

const fn value(name: &'static str, why: &'static str) -> Flag {
    Flag::ignored(name, Shape::Value("VALUE"), why)
}
