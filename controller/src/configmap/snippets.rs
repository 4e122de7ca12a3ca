//! Snippets of the whole gateway.

use super::entry::Key;
use super::read::Reader;
use crate::diagnostic::{Diagnostic, Reason, Severity};
use crate::route_defaults::{
    CompressionDirectives, LimitZones, RealIpDirectives, SnippetBlock, of_snippets, real_ip_of_keys,
};
use crate::snippet::{self, Context, Place, SnippetReport};
use gateway::config::{Compression, Subject};
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
         `limit_conn_zone`, those of compression, those that say who is believed about the address of a client (`real_ip_header` and \
         its like), and `limit_req`, `limit_conn`, `error_page` and `sub_filter` for all hosts and paths that have none of their own. \
         Those that tune what Adit does by itself are accepted without effect, and a warning says so.",
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

/// What the snippets come to.
#[derive(Default)]
struct Snippets {
    http: SnippetBlock,
    server: SnippetBlock,
    location: SnippetBlock,
    auth: SnippetBlock,
    reports: Vec<SnippetReport>,
    diagnostics: Vec<Diagnostic>,
    /// The texts that can be used.
    good: Vec<(&'static Key, String)>,
    /// The others, each with what is wrong with it as a whole.
    refused: Vec<(&'static Key, String, String)>,
}

impl Reader<'_> {
    /// Reads the snippets together, since they share their variables. Where one cannot be used, and what was there before in
    /// its place can, that stays.
    pub(super) fn snippets(&mut self, data: &BTreeMap<String, String>) {
        let read = read(&self.object, data);
        let read = match self.with_former(data, &read) {
            None => self.deny_snippets(read),
            Some(former) => former,
        };
        for (key, text) in &read.good {
            self.last_good.keep(key, text);
        }
        self.snippets.extend(read.reports);
        self.diagnostics.extend(read.diagnostics);
        self.compression(&read.http.compression);
        self.real_ip(&read.http.real_ip);
        let SnippetBlock { zones, variables, mapped, error_pages, intercepts_errors, sub_filter, limits, .. } =
            read.http;
        self.builder.config.gateway.mapped = mapped.into();
        let routes = &mut self.builder.config.routes;
        routes.limit_zones = Arc::new(zones);
        routes.http_snippet =
            Arc::new(SnippetBlock { error_pages, intercepts_errors, sub_filter, limits, ..SnippetBlock::default() });
        routes.mapped_variables = Arc::new(variables);
        routes.external_auth.snippet = Arc::new(read.auth);
        routes.server_snippet = Arc::new(read.server);
        routes.location_snippet = Arc::new(read.location);
    }

    /// The snippets with the former texts of those that cannot be used, if all can be used then.
    fn with_former(&mut self, data: &BTreeMap<String, String>, now: &Snippets) -> Option<Snippets> {
        if now.refused.is_empty() {
            return None;
        }
        let mut texts = data.clone();
        for (key, ..) in &now.refused {
            texts.insert(key.name.to_owned(), self.former.of(key, true)?.to_string());
        }
        let mut former = read(&self.object, &texts);
        if !former.refused.is_empty() {
            return None;
        }
        for (key, text, complaint) in &now.refused {
            let stays = "its last valid version stays in effect";
            self.report(Severity::Error, key, text, Reason::Invalid, &format!("{complaint}; {stays}"));
        }
        // What is told is about what is there now.
        (former.reports, former.diagnostics) = (now.reports.clone(), now.diagnostics.clone());
        Some(former)
    }

    /// Lets no request in because of the snippets that cannot be used. Their former texts are not forgotten.
    fn deny_snippets(&mut self, read: Snippets) -> Snippets {
        for (key, text, complaint) in &read.refused {
            match self.former.of(key, true) {
                Some(former) => self.last_good.keep(key, former),
                None => self.last_good.forget(key),
            }
            self.deny(key, text, complaint);
        }
        read
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
}

fn read(object: &Subject, data: &BTreeMap<String, String>) -> Snippets {
    let mut read = Snippets::default();
    let none = BTreeSet::new();
    let mut zones = LimitZones::default();
    read.one((object, &zones), data, "main-snippet", Context::Main, &none);
    read.one((object, &zones), data, "stream-snippet", Context::Stream, &none);
    let set_by = |name: &str| data.get(name).map(|text| snippet::variables(text)).unwrap_or_default();
    // Headers may have what the auth request sets, and what is made of others is made when it is asked for.
    let of_auth = set_by(GLOBAL_AUTH);
    let of_all = &(&set_by("server-snippet") | &set_by("location-snippet")) | &of_auth;
    // As in nginx a limit may stand before its zone.
    zones = snippet::zones(data.get(HTTP).map_or("", String::as_str), &of_all);
    read.http = read.one((object, &zones), data, HTTP, Context::Http, &of_all);
    zones = read.http.zones.clone();
    let of_http = read.http.variables.clone();
    read.server = read.one((object, &zones), data, "server-snippet", Context::Server, &of_http);
    let before = &of_http | &read.server.variables;
    read.location = read.one((object, &zones), data, "location-snippet", Context::Location, &(&before | &of_auth));
    let before = &before | &read.location.variables;
    read.auth = read.one((object, &zones), data, GLOBAL_AUTH, Context::Auth, &before);
    read
}

impl Snippets {
    /// Reads one. One that cannot be used comes to nothing.
    fn one(
        &mut self,
        (object, zones): (&Subject, &LimitZones),
        data: &BTreeMap<String, String>,
        name: &str,
        context: Context,
        outer: &BTreeSet<Arc<str>>,
    ) -> SnippetBlock {
        let (Some(text), Some(key)) = (data.get(name).filter(|text| !text.trim().is_empty()), Key::named(name)) else {
            return SnippetBlock::default();
        };
        let field = format!("data.{name}");
        let place = Place { object, field: &field, context, services: None, zones };
        let snippet = snippet::read(text, &place, outer);
        self.diagnostics.extend(snippet.diagnostics(&place).map(|found| match found.severity {
            Severity::Error => found.refused(),
            Severity::Warning => found,
        }));
        self.reports.push(snippet.report(&place));
        match snippet.complaint() {
            None => {
                self.good.push((key, text.clone()));
                snippet.block
            }
            Some(complaint) => {
                self.refused.push((key, text.clone(), complaint));
                SnippetBlock::default()
            }
        }
    }
}
