//! The certificates that hosts show, those that end first before the others.

use super::layout::{badge, link, shown, table};
use super::paging::{Part, search_form};
use crate::explain::{CertificateUse, ServedCertificate};
use maud::{Markup, html};
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 24 * 3600;

/// For how many days before its end a certificate is a problem: what renews certificates does so earlier.
const SOON: i64 = 14;

/// How many hosts or names of a certificate are listed; the others are counted.
const NAMES_SHOWN: usize = 10;

/// Those with this text in a name, a host or the Secret.
pub(super) fn gather(uses: &[CertificateUse], search: &str, page: usize) -> Part<ServedCertificate> {
    let search = search.to_lowercase();
    let found =
        CertificateUse::describe_all(uses).into_iter().filter(|certificate| is_named(certificate, &search)).collect();
    Part::of(found, page, |certificate| certificate).found_by(&search)
}

/// Those that have ended or will soon.
pub(super) fn ending(uses: &[CertificateUse]) -> Vec<ServedCertificate> {
    CertificateUse::describe_all(uses)
        .into_iter()
        .filter(|certificate| days_left(certificate).is_some_and(|days| days < SOON))
        .collect()
}

fn is_named(served: &ServedCertificate, search: &str) -> bool {
    let names = served.certificate.secret.iter().chain(&served.certificate.names).chain(&served.hosts);
    search.is_empty() || names.into_iter().any(|name| name.to_lowercase().contains(search))
}

/// Whole days until its end; below zero after that.
fn days_left(served: &ServedCertificate) -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some((served.certificate.expires? - i64::try_from(now.as_secs()).ok()?).div_euclid(DAY))
}

pub(super) fn write(certificates: &Part<ServedCertificate>) -> Markup {
    html! {
        (search_form("certificates", "Part of a name, a host or the Secret", &certificates.search))
        @if certificates.entries.is_empty() {
            p .note {
                @if certificates.search.is_empty() {
                    "No Secret has a certificate that is served. Over TLS, clients are shown one that Adit has signed itself."
                } @else { "No certificate has this in a name." }
            }
        } @else {
            (list(&certificates.summary("certificate", "certificates, those that end first before the others"), &certificates.entries))
            (certificates.links("certificates", &[("q", &certificates.search)]))
        }
    }
}

/// A table of certificates.
pub(super) fn list(caption: &str, certificates: &[ServedCertificate]) -> Markup {
    let rows = html! { @for certificate in certificates { (write_row(certificate)) } };
    table(caption, &["Certificate", "Ends", "Hosts"], &rows)
}

fn write_row(served: &ServedCertificate) -> Markup {
    let certificate = &served.certificate;
    html! {
        tr {
            th scope="row" {
                (shown(&certificate.secret.as_deref().unwrap_or("signed by Adit itself")))
                @if certificate.is_default { " " (badge("plain", "default")) }
                @if !certificate.names.is_empty() { span .detail { "for " (names(&certificate.names)) } }
                @if let Some(issuer) = &certificate.issuer { span .detail { "issued by " (shown(issuer)) } }
            }
            td {
                (certificate.not_after.as_deref().unwrap_or("not known"))
                @if let Some(days) = days_left(served) { span .detail { (remaining(days)) } }
            }
            td {
                @if served.hosts.is_empty() { "none" }
                @else {
                    ul .plain {
                        @for host in served.hosts.iter().take(NAMES_SHOWN) {
                            li { a href=(link("host", "name", host)) { (shown(host)) } }
                        }
                        @if served.hosts.len() > NAMES_SHOWN { li { "and " (served.hosts.len() - NAMES_SHOWN) " more" } }
                    }
                }
            }
        }
    }
}

fn names(names: &[String]) -> String {
    let listed: Vec<_> = names.iter().take(NAMES_SHOWN).map(shown).collect();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    listed.join(", ") + &more
}

fn remaining(days: i64) -> Markup {
    match days {
        ..0 => badge("error", "has ended"),
        0 => badge("warning", "ends within a day"),
        1 => badge("warning", "1 day left"),
        2..SOON => badge("warning", &format!("{days} days left")),
        _ => html! { (days) " days left" },
    }
}
