//! Directives without effect: what they tune is not there, or set elsewhere, and requests are safe without them.

use super::context::Context;
use super::entry::{ALSO_IN_IF, Call, Entry, HTTP, HTTP_SERVER, HTTP_SERVER_LOCATION};
use super::refused::BACKEND_TLS;

const NO_CACHE: &str = "Adit keeps no responses, and each request reaches its backend";
const NO_FILES: &str = "Adit serves no files";
const CLIENTS: &str = "the ConfigMap's key of that name sets it for all hosts";
const WORKERS: &str = "Adit runs one thread for each worker of the ConfigMap's worker-processes";

/// Auth responses are kept, so that there it would matter.
const OUTSIDE_AUTH: &[Context] = &[Context::Http, Context::Server, Context::Location];
const TOP: &[Context] = &[Context::Main];

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::idle("client_body_in_file_only", HTTP, NO_FILES),
    Entry::idle("client_header_buffer_size", HTTP_SERVER, CLIENTS),
    Entry::idle("large_client_header_buffers", HTTP_SERVER, CLIENTS),
    Entry::idle("client_header_timeout", HTTP_SERVER, CLIENTS),
    Entry::idle("client_body_timeout", HTTP, CLIENTS),
    Entry::idle("send_timeout", HTTP, "how long a client may take no bytes is the same for all hosts"),
    Entry::idle("keepalive_timeout", HTTP, "the ConfigMap's keep-alive sets it for all hosts"),
    Entry::idle("keepalive_requests", HTTP, "the ConfigMap's keep-alive-requests sets it for all hosts"),
    Entry::idle("proxy_http_version", HTTP, "the annotation proxy-http-version sets it"),
    Entry::idle("proxy_socket_keepalive", HTTP, "Adit chooses the options of its sockets"),
    Entry::idle("reset_timedout_connection", HTTP, "Adit chooses the options of its sockets"),
    Entry::idle("tcp_nodelay", HTTP, "Adit chooses the options of its sockets"),
    Entry::idle("tcp_nopush", HTTP, "Adit chooses the options of its sockets"),
    Entry::idle(
        "underscores_in_headers",
        HTTP_SERVER,
        "the ConfigMap's enable-underscores-in-headers sets it for all hosts",
    ),
    Entry::idle("ignore_invalid_headers", HTTP_SERVER, "the ConfigMap's ignore-invalid-headers sets it for all hosts"),
    Entry::idle("server_tokens", HTTP, "the ConfigMap's server-tokens sets it for all hosts"),
    Entry::idle("http2", HTTP_SERVER, "the ConfigMap's use-http2 sets it for all hosts"),
    Entry::idle("http2_push_preload", HTTP, "there is no server push, as in nginx since 1.25.1"),
    Entry::idle("proxy_cache*", OUTSIDE_AUTH, NO_CACHE),
    Entry::idle("proxy_no_cache", OUTSIDE_AUTH, NO_CACHE),
    Entry::idle("etag", HTTP, NO_FILES),
    Entry::idle("if_modified_since", HTTP, NO_FILES),
    Entry::idle("sendfile", ALSO_IN_IF, NO_FILES),
    Entry::idle("aio", HTTP, NO_FILES),
    Entry::idle("directio", HTTP, NO_FILES),
    Entry::idle("open_file_cache*", HTTP, NO_FILES),
    Entry::idle("log_not_found", HTTP, NO_FILES),
    Entry::idle("log_subrequest", HTTP, "auth requests are not logged"),
    Entry::idle("log_format", &[Context::Http], "the ConfigMap's log-format-upstream is the one format"),
    Entry::idle("rewrite_log", ALSO_IN_IF, "`adit explain` shows what becomes of a request"),
    Entry::idle(
        "uninitialized_variable_warn",
        ALSO_IN_IF,
        "a variable without a value is empty, without a line in a log",
    ),
    Entry::idle("resolver_timeout", HTTP, "Adit looks names up by itself"),
    Entry::idle("variables_hash_*", &[Context::Http], "Adit has no such tables"),
    Entry::idle("server_names_hash_*", &[Context::Http], "Adit has no such tables"),
    Entry::idle("map_hash_*", &[Context::Http], "Adit has no such tables"),
    Entry::idle("types_hash_*", HTTP, "Adit has no such tables"),
    Entry::idle("proxy_headers_hash_*", HTTP, "Adit has no such tables"),
    Entry::idle("lingering_*", HTTP, "Adit reads what a client still sends for a short time"),
    Entry::idle(
        "chunked_transfer_encoding",
        HTTP_SERVER,
        "Adit frames each response as its client's version of HTTP has it",
    ),
    Entry::idle("worker_*", TOP, WORKERS),
    Entry::idle("pcre_jit", TOP, WORKERS),
    Entry::idle("thread_pool", TOP, WORKERS),
    Entry::idle("timer_resolution", TOP, WORKERS),
    Entry::idle("env", TOP, "there is no code that could read an environment"),
    Entry::works(
        "proxy_ssl_verify",
        HTTP_SERVER_LOCATION,
        1..=1,
        "Only `off`, which is so without the annotation `proxy-ssl-verify`, and which does not turn that off.",
        unverified,
    ),
    Entry::works("grpc_ssl_verify", HTTP_SERVER_LOCATION, 1..=1, "As `proxy_ssl_verify`.", unverified),
];

/// Backends whose certificates are not verified.
fn unverified(call: &mut Call<'_>) -> Result<(), String> {
    match call.switch()? {
        false => Ok(()),
        true => Err(format!("is refused: {BACKEND_TLS}")),
    }
}
