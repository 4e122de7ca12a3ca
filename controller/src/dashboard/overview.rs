//! What is wrong, before all else; then how much is served.

use super::layout::{badge, shown};
use super::paging::Part;
use super::{backends, certificates};
use crate::diagnostic::{Diagnostic, Severity};
use crate::explain::{CertificateUse, ServedCertificate, ShownUpstream};
use crate::store::Store;
use gateway::table::Table;
use gateway::upstream::Registry;
use maud::{Markup, html};
use serde::Serialize;

/// How many problems of an object are listed, and how many backends or certificates with problems; their pages have all.
const SHOWN: usize = 20;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data {
    revision: u64,
    hosts: usize,
    routes: usize,
    backends: usize,
    errors: usize,
    warnings: usize,
    /// Objects with what is wrong with them, those with errors first.
    problems: Part<Problems>,
    /// Backends without endpoints, or with ejected ones.
    troubled_backends: Vec<ShownUpstream>,
    /// Certificates that have ended or will soon.
    ending_certificates: Vec<ServedCertificate>,
}

/// What is wrong with one object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Problems {
    object: String,
    facts: Vec<Diagnostic>,
}

pub(super) fn gather(
    table: &Table,
    (registry, store): (&Registry, &Store),
    diagnostics: &[Diagnostic],
    uses: &[CertificateUse],
    page: usize,
) -> Data {
    let of = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    Data {
        revision: table.revision(),
        hosts: table.hosts().count(),
        routes: table.hosts().map(|host| host.routes().len()).sum(),
        backends: registry.upstreams().len(),
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        problems: Part::of(by_object(diagnostics), page, |facts| Problems {
            object: facts.first().map(|first| first.object.to_string()).unwrap_or_default(),
            facts: facts.into_iter().cloned().collect(),
        }),
        troubled_backends: backends::troubled(registry, store),
        ending_certificates: certificates::ending(uses),
    }
}

/// The same by object, and those with errors first: what is said of an object stands together.
fn by_object(diagnostics: &[Diagnostic]) -> Vec<Vec<&Diagnostic>> {
    let mut facts: Vec<_> = diagnostics.iter().collect();
    facts.sort_by(|one, other| (&one.object, *one).cmp(&(&other.object, *other)));
    let mut objects: Vec<Vec<_>> =
        facts.chunk_by(|one, other| one.object == other.object).map(<[&Diagnostic]>::to_vec).collect();
    objects.sort_by_key(|facts| facts.iter().map(|fact| fact.severity).min());
    objects
}

pub(super) fn write(data: &Data) -> Markup {
    html! {
        (counts(data))
        section aria-labelledby="problems" {
            h2 #problems { "Problems with objects" }
            @if data.problems.entries.is_empty() { p .good { "There are none." } } @else {
                p { (data.problems.summary("object", "objects")) }
                @for problems in &data.problems.entries { (write_problems(problems)) }
                (data.problems.links("./", &[]))
            }
        }
        section aria-labelledby="troubled" {
            h2 #troubled { "Backends without endpoints, or with ejected ones" }
            (troubled(&data.troubled_backends))
        }
        section aria-labelledby="ending" {
            h2 #ending { "Certificates that have ended or will soon" }
            (ending(&data.ending_certificates))
        }
    }
}

fn counts(data: &Data) -> Markup {
    html! {
        dl .counts {
            (count("Errors", data.errors, None, if data.errors > 0 { "error" } else { "" }))
            (count("Warnings", data.warnings, None, if data.warnings > 0 { "warning" } else { "" }))
            (count("Hosts", data.hosts, Some("hosts"), ""))
            (count("Routes", data.routes, None, ""))
            (count("Backends", data.backends, Some("backends"), ""))
        }
    }
}

fn count(name: &str, number: usize, href: Option<&str>, class: &str) -> Markup {
    html! {
        div class=(class) {
            dt { @if let Some(href) = href { a href=(href) { (name) } } @else { (name) } }
            dd { (number) }
        }
    }
}

fn write_problems(problems: &Problems) -> Markup {
    html! {
        article .problem {
            h3 { (shown(&problems.object)) }
            ul .plain {
                @for fact in problems.facts.iter().take(SHOWN) { li { (write_fact(fact)) } }
                @if problems.facts.len() > SHOWN { li { "and " (problems.facts.len() - SHOWN) " more" } }
            }
        }
    }
}

fn write_fact(fact: &Diagnostic) -> Markup {
    let severity = fact.severity.to_string();
    html! {
        p {
            (badge(&severity, &severity)) " " span .kind { (fact.reason) }
            @if !fact.field.is_empty() { " " code { (shown(&fact.field)) } }
        }
        p {
            @if let Some(value) = &fact.value { code .value { (shown(value)) } " " }
            @for (number, line) in fact.message.lines().enumerate() { @if number > 0 { br; } (shown(&line)) }
        }
        @if let Some(related) = &fact.related { p .detail { "See also " (shown(related)) "." } }
        @if let Some(place) = &fact.place {
            p .detail { (shown(&place.file)) ", document " (place.document) ", line " (place.line) }
        }
    }
}

fn troubled(upstreams: &[ShownUpstream]) -> Markup {
    html! {
        @if upstreams.is_empty() { p .good { "There are none." } } @else {
            (backends::list_troubled(&summary(upstreams.len(), "backend", "backends"), &upstreams[..upstreams.len().min(SHOWN)]))
            @if upstreams.len() > SHOWN { p { a href="backends" { "All backends" } } }
        }
    }
}

fn ending(ending: &[ServedCertificate]) -> Markup {
    html! {
        @if ending.is_empty() { p .good { "There are none." } } @else {
            (certificates::list(&summary(ending.len(), "certificate", "certificates"), &ending[..ending.len().min(SHOWN)]))
            @if ending.len() > SHOWN { p { a href="certificates" { "All certificates" } } }
        }
    }
}

fn summary(total: usize, one: &str, many: &str) -> String {
    let what = if total == 1 { one } else { many };
    if total > SHOWN { format!("{total} {what}, {SHOWN} shown") } else { format!("{total} {what}") }
}
