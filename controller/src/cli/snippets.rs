//! The page of the directives that snippets may have.

use super::markdown::{code, row};
use crate::snippet::{Entry, FAMILIES, Kind};
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
    # Snippets\n\nGenerated from the code by `make docs`. These directives of nginx may stand in the annotations \
    `configuration-snippet` (a location), `server-snippet` (a server, and locations in it) and `auth-snippet` (an auth request), and in the ConfigMap's \
    `location-snippet`, `server-snippet`, `global-auth-snippet`, `http-snippet` and `main-snippet`. Those of `stream-snippet` are at \
    the end. Annotations need `allow-snippet-annotations: \"true\"` and \
    `annotations-risk-level: Critical` in the ConfigMap.\n\n\
    A snippet is read once, with nginx's syntax and no other, and becomes typed settings: nothing of it is ever text again. It \
    works as a whole or not at all. If one of its directives cannot be served, a diagnostic names the line, the directive, and what \
    to write instead; then the routes of a `configuration-snippet` or `auth-snippet`, all routes of the hosts of a `server-snippet`, or with the \
    ConfigMap's all routes answer 503, and nothing else changes. `adit check` lists all that is wrong at once, and which lines \
    work.\n\n\
    * A directive *without effect* is accepted, and a warning says why it has none. Requests are safe without it.\n\
    * The order is nginx's: the server's directives of the rewrite module run before the route is looked up, a location's before access \
    is decided.\n\
    * The snippet of an auth request is run before the auth server is asked, or a kept response is looked for. What it sets is there for \
    the headers of the backend's request. Path and arguments there are not the client's in nginx, so that `$uri`, `$args` and their \
    like are faults; `$request_uri` has what the client asked for.\n\
    * A `location` of a server has what may stand in a location, too.\n\
    * Inheritance is nginx's: each directive says where it differs.\n\
    * Variables are those that [configmap.md](configmap.md#variables) lists, `$1` to `$9`, named groups, `$upstream_http_NAME`, \
    `$sent_http_NAME`, those of a `set` in the same snippet, the same Ingress's `server-snippet` or the ConfigMap's, and those of `map` \
    and `geo` in the ConfigMap's `http-snippet`. One that is unknown is a fault.\n\
    * A snippet may have 256 KiB, 1000 directives, and blocks 8 deep.\n";

pub(super) fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for family in FAMILIES {
        let _ = write!(page, "\n## {}\n\n", family.title);
        let works = family.directives.first().is_some_and(|entry| !matches!(entry.kind, Kind::Idle | Kind::Refused));
        table(&mut page, &["directive", "where", if works { "what it does" } else { "why" }], family.directives);
    }
    page
}

fn table(page: &mut String, columns: &[&str], entries: &[Entry]) {
    row(page, columns);
    let _ = writeln!(page, "{}|", "|---".repeat(columns.len()));
    for entry in entries {
        row(page, &[code(entry.name), places(entry), meaning(entry)]);
    }
}

fn places(entry: &Entry) -> String {
    let places = entry.contexts.iter().map(|context| context.name()).collect::<Vec<_>>().join(", ");
    if places.is_empty() { "nowhere".into() } else { places }
}

fn meaning(entry: &Entry) -> String {
    let effect = if let Kind::Idle = entry.kind { "No effect: " } else { "" };
    let elsewhere = entry.idle.iter().map(|(contexts, why)| {
        let places: Vec<_> = contexts.iter().map(|context| context.name()).collect();
        format!(" No effect in {}: {why}.", places.join(", "))
    });
    let refused = entry.refused.map(|why| format!(" Refused elsewhere: {why}."));
    format!("{effect}{}{}{}", entry.doc, elsewhere.collect::<String>(), refused.unwrap_or_default())
}
