//! nginx's own language, which nothing here interprets, and the firewall that is made of it.

use super::entry::{Annotation, EMPTY, FALSE, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::denied("configuration-snippet", Scope::Path, Risk::Critical, "nginx directives for the routes.")
        .unless(EMPTY),
    Annotation::denied("server-snippet", Scope::Host, Risk::Critical, "nginx directives for the hosts.").unless(EMPTY),
    Annotation::denied("stream-snippet", Scope::Ingress, Risk::Critical, "nginx directives for TCP and UDP.")
        .unless(EMPTY),
    Annotation::denied("modsecurity-snippet", Scope::Path, Risk::Critical, "Rules of ModSecurity.").unless(EMPTY),
    Annotation::denied("enable-modsecurity", Scope::Path, Risk::Low, "ModSecurity looks at requests. Boolean.")
        .unless(FALSE),
    Annotation::denied("enable-owasp-core-rules", Scope::Path, Risk::Low, "It uses OWASP's rules. Boolean.")
        .unless(FALSE),
    Annotation::denied("modsecurity-transaction-id", Scope::Path, Risk::High, "The id in its log."),
];
