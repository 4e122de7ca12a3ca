//! Directives that are faults. Those that no table has are, too; these have a better reason.

use super::entry::Entry;

const CODE: &str = "it runs code, which no snippet may";
const FILE: &str = "it names a file, which a snippet must not";
const TLS: &str = "TLS is set by spec.tls and the ConfigMap's ssl-* keys";
pub(super) const BACKEND_TLS: &str = "TLS to backends is set by the annotations proxy-ssl-*, and the name that they \
                                      are sent by proxy_ssl_name in a location";
pub(super) const BACKEND: &str = "backends are those of the Ingress's rules; expected a Service in the rule, or the annotations backend-protocol and \
                       default-backend";
const FASTCGI: &str = "see the annotations fastcgi-index and fastcgi-params-configmap";
const RETRIES: &str = "expected the annotations proxy-next-upstream and proxy-next-upstream-tries";
const PROTOCOL: &str = "Adit does not speak this protocol";
const HEADERS: &str = "it changes headers of responses in a way that Adit does not have yet";
const FIREWALL: &str = "the firewall is set by the annotations enable-modsecurity and modsecurity-snippet";
const SERVERS: &str = "which hosts and ports are served is set by Ingresses and flags";

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::refused("*_by_lua*", CODE),
    Entry::refused("lua_*", CODE),
    Entry::refused("perl*", CODE),
    Entry::refused("js_*", CODE),
    Entry::refused("load_module", CODE),
    Entry::refused("include", FILE),
    Entry::refused("root", FILE),
    Entry::refused("alias", FILE),
    Entry::refused("index", FILE),
    Entry::refused("autoindex*", FILE),
    Entry::refused("try_files", FILE),
    Entry::refused("error_log", FILE),
    Entry::refused("auth_basic_user_file", FILE),
    Entry::refused("client_body_temp_path", FILE),
    Entry::refused("proxy_temp_path", FILE),
    Entry::refused("proxy_store*", FILE),
    Entry::refused("dav_*", FILE),
    Entry::refused("secure_link*", "it is not supported"),
    Entry::refused("ssl_*", TLS),
    Entry::refused("proxy_ssl_*", BACKEND_TLS),
    Entry::refused("grpc_ssl_*", BACKEND_TLS),
    Entry::refused("grpc_pass", BACKEND),
    Entry::refused("proxy_bind", BACKEND),
    Entry::refused("upstream", BACKEND),
    Entry::refused("proxy_next_upstream*", RETRIES),
    Entry::refused("grpc_next_upstream*", RETRIES),
    Entry::refused("fastcgi_*", FASTCGI),
    Entry::refused("uwsgi_*", PROTOCOL),
    Entry::refused("scgi_*", PROTOCOL),
    Entry::refused("memcached_*", PROTOCOL),
    Entry::refused("auth_jwt*", "it is not supported"),
    Entry::refused("proxy_cookie_flags", HEADERS),
    Entry::refused("add_trailer", HEADERS),
    Entry::refused("charset*", "Adit does not change how texts are encoded"),
    Entry::refused("modsecurity*", FIREWALL),
    Entry::refused("limit_except", "it is not supported; expected an if on $request_method"),
    Entry::refused("server", SERVERS),
    Entry::refused("server_name", SERVERS),
    Entry::refused("listen", SERVERS),
    Entry::refused("resolver", "Adit looks names up with the resolver of its Pod"),
    Entry::refused("split_clients", "it is not supported yet"),
    Entry::refused("geoip*", "expected the variables $geoip2_NAME, with use-geoip2 in the ConfigMap"),
    Entry::refused("opentelemetry*", "the annotation enable-opentelemetry and the ConfigMap say what is traced"),
    Entry::refused("mirror*", "it is not supported; expected the annotation mirror-target"),
    Entry::refused("merge_slashes", "how paths are read is the same for all hosts"),
    Entry::refused("user", "Adit runs as the user of its Pod"),
];
