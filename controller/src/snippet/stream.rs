//! Directives of TCP and UDP services: what `stream-snippet` may have. Their names mean other things in `http`.

use super::context::Context;
use super::entry::Entry;

const STREAM: &[Context] = &[Context::Stream];

const SERVERS: &str = "a server of a snippet opens a port of its own; expected an entry of --tcp-services-configmap or \
                       --udp-services-configmap, \"PORT\": \"namespace/service:port\"";
const CLIENTS: &str = "TCP and UDP services have no rules for the addresses of clients yet; expected a NetworkPolicy, or \
                       loadBalancerSourceRanges of the Service before Adit";
const VARIABLES: &str = "there are no variables of TCP and UDP services to set";
const TLS: &str =
    "TCP services carry bytes as they come; expected TLS to be terminated by an Ingress or by the Service behind it";
const PREREAD: &str = "names of TLS are looked at for ssl-passthrough alone; expected the annotation of that name";
const BUFFERS: &str = "Adit chooses the sizes of its buffers, and the options of its sockets";

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::idle("proxy_timeout", STREAM, "the ConfigMap's proxy-stream-timeout sets it for all services"),
    Entry::idle("proxy_responses", STREAM, "the ConfigMap's proxy-stream-responses sets it for all services"),
    Entry::idle(
        "proxy_next_upstream*",
        STREAM,
        "the ConfigMap's proxy-stream-next-upstream and its like set it for all services",
    ),
    Entry::idle("log_format", STREAM, "the ConfigMap's log-format-stream is the one format"),
    Entry::idle("proxy_buffer_size", STREAM, BUFFERS),
    Entry::idle("preread_buffer_size", STREAM, BUFFERS),
    Entry::idle("tcp_nodelay", STREAM, BUFFERS),
    Entry::idle("proxy_socket_keepalive", STREAM, BUFFERS),
    Entry::idle("resolver_timeout", STREAM, "Adit looks names up by itself"),
    Entry::idle("variables_hash_*", STREAM, "Adit has no such tables"),
    Entry::idle("map_hash_*", STREAM, "Adit has no such tables"),
    Entry::refused("server", SERVERS),
    Entry::refused("upstream", SERVERS),
    Entry::refused("listen", SERVERS),
    Entry::refused("proxy_pass", SERVERS),
    Entry::refused("allow", CLIENTS),
    Entry::refused("deny", CLIENTS),
    Entry::refused("limit_conn*", CLIENTS),
    Entry::refused("map", VARIABLES),
    Entry::refused("geo", VARIABLES),
    Entry::refused("split_clients", VARIABLES),
    Entry::refused("set", VARIABLES),
    Entry::refused("ssl_preread", PREREAD),
    Entry::refused("ssl_*", TLS),
    Entry::refused("proxy_ssl*", TLS),
    Entry::refused(
        "proxy_protocol",
        "it is an option of an entry of --tcp-services-configmap: \"namespace/service:port::PROXY\"",
    ),
    Entry::refused("proxy_connect_timeout", "how long connecting to a backend of TCP may take cannot be set"),
    Entry::refused("proxy_upload_rate", "the rate of TCP and UDP services cannot be limited"),
    Entry::refused("proxy_download_rate", "the rate of TCP and UDP services cannot be limited"),
    Entry::refused("proxy_bind", "addresses towards backends are chosen by the system"),
    Entry::refused("return", "a TCP or UDP service only carries bytes to its backend"),
    Entry::refused("resolver", "Adit looks names up with the resolver of its Pod"),
    Entry::refused(
        "access_log",
        "it names a file, which a snippet must not; the ConfigMap's disable-stream-access-log turns lines off",
    ),
];
