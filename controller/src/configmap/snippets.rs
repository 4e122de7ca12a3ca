//! Snippets of the whole gateway.

use super::entry::Key;
use super::read::Reader;
use crate::route_defaults::{CompressionDirectives, RealIpDirectives, SnippetBlock, of_snippets, real_ip_of_keys};
use crate::snippet::{self, Context, Place};
use gateway::config::Compression;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SOME: &str = "Some directives only; with another one every request is answered with 503.";

const GLOBAL_AUTH: &str = "global-auth-snippet";
const HTTP: &str = "http-snippet";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "location-snippet",
        "",
        "Adds nginx directives to every path, after those of the annotation `configuration-snippet`. [snippets.md](snippets.md) lists \
         those that work.",
        |_, _| Ok(()), // read with the other snippets
    )
    .but(SOME),
    Key::full(
        "server-snippet",
        "",
        "Adds nginx directives to every host, after those of the annotation of that name. [snippets.md](snippets.md) lists those that \
         work.",
        |_, _| Ok(()),
    )
    .but(SOME),
    Key::full(
        HTTP,
        "",
        "Adds nginx directives to the block for HTTP: `map` and `geo`, which make variables, `limit_req_zone` and \
         `limit_conn_zone`, those of compression, those that say whom to believe about the address of a client, and `limit_req`, \
         `limit_conn`, `error_page` and `sub_filter` for all hosts and paths that have none of their own. Those that tune what Adit does \
         by itself are accepted without effect, and a warning says so.",
        |_, _| Ok(()),
    )
    .but(SOME),
    Key::full(
        "main-snippet",
        "",
        "Adds nginx directives to the top level of the configuration. Those that tune nginx's processes are accepted without effect, \
         and a warning says so.",
        |_, _| Ok(()),
    )
    .but(SOME),
    Key::full(
        "stream-snippet",
        "",
        "Adds nginx directives to the block for TCP and UDP services. Those that tune what Adit does by itself are accepted without \
         effect, and a warning says so. Servers are refused: Adit opens only the ports of `--tcp-services-configmap` and \
         `--udp-services-configmap`.",
        |_, _| Ok(()),
    )
    .but(SOME),
];

impl Reader<'_> {
    /// Reads the snippets together, since they share their variables.
    pub(super) fn snippets(&mut self, data: Option<&BTreeMap<String, String>>) {
        let Some(data) = data else { return };
        let none = BTreeSet::new();
        self.snippet(data, "main-snippet", Context::Main, &none);
        self.snippet(data, "stream-snippet", Context::Stream, &none);
        let set_by = |name: &str| data.get(name).map(|text| snippet::variables(text)).unwrap_or_default();
        // Headers may have what the auth request sets, and what is made of others is made when it is asked for.
        let of_auth = set_by(GLOBAL_AUTH);
        let of_all = &(&set_by("server-snippet") | &set_by("location-snippet")) | &of_auth;
        // As in nginx a limit may stand before its zone.
        self.builder.config.routes.limit_zones =
            Arc::new(snippet::zones(data.get(HTTP).map_or("", String::as_str), &of_all));
        let http = self.snippet(data, HTTP, Context::Http, &of_all);
        self.compression(&http.compression);
        self.real_ip(&http.real_ip);
        self.builder.config.routes.limit_zones = Arc::new(http.zones);
        self.builder.config.routes.http_snippet = Arc::new(SnippetBlock {
            error_pages: http.error_pages,
            intercepts_errors: http.intercepts_errors,
            sub_filter: http.sub_filter,
            limits: http.limits,
            ..SnippetBlock::default()
        });
        let server = self.snippet(data, "server-snippet", Context::Server, &http.variables);
        let before = &http.variables | &server.variables;
        let location = self.snippet(data, "location-snippet", Context::Location, &(&before | &of_auth));
        let auth = self.snippet(data, GLOBAL_AUTH, Context::Auth, &(&before | &location.variables));
        self.builder.config.gateway.mapped = http.mapped.into();
        self.builder.config.routes.mapped_variables = Arc::new(http.variables);
        self.builder.config.routes.external_auth.snippet = Arc::new(auth);
        self.builder.config.routes.server_snippet = Arc::new(server);
        self.builder.config.routes.location_snippet = Arc::new(location);
    }

    /// What the directives of other snippets are for, those of `http-snippet` included.
    fn compression(&mut self, http: &CompressionDirectives) {
        let config = &mut self.builder.config;
        let base = of_snippets(&config.gateway.compression);
        config.routes.compression = match http.over(&base) {
            None => Arc::new(base),
            Some(compression) => {
                config.gateway.compression = Compression::clone(&compression);
                compression
            }
        };
    }

    /// The snippets of servers and locations go on from what holds in `http`.
    fn real_ip(&mut self, http: &RealIpDirectives) {
        let config = &mut self.builder.config;
        let of_keys = real_ip_of_keys(&config.gateway.forwarded);
        config.gateway.real_ip = http.over_keys(of_keys.as_ref());
        config.routes.real_ip = config.gateway.real_ip.clone().or(of_keys);
    }

    fn snippet(
        &mut self,
        data: &BTreeMap<String, String>,
        name: &str,
        context: Context,
        outer: &BTreeSet<Arc<str>>,
    ) -> SnippetBlock {
        let (Some(text), Some(key)) = (data.get(name).filter(|text| !text.trim().is_empty()), Key::named(name)) else {
            return SnippetBlock::default();
        };
        let (object, field) = (self.object.clone(), format!("data.{name}"));
        let zones = Arc::clone(&self.builder.config.routes.limit_zones);
        let place = Place { object: &object, field: &field, context, services: None, zones: &zones };
        let snippet = snippet::read(text, &place, outer);
        self.diagnostics.extend(snippet.diagnostics(&place));
        self.snippets.push(snippet.report(&place));
        match snippet.complaint() {
            None => snippet.block,
            Some(complaint) => {
                self.deny(key, text, &complaint);
                SnippetBlock::default()
            }
        }
    }
}
