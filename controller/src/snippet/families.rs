//! All directives.

use super::context::Context;
use super::entry::{Entry, Kind};
use super::{
    access, backend_tls, buffering, client_limits, compression, errors, idle, limits, location, mapped, real_ip,
    refused, request_headers, response_headers, response_rewrites, rewrite, stream, sub_filter,
};
use crate::suggestion::{did_you_mean, nearest};

/// Directives that belong together.
#[derive(Debug)]
pub struct DirectiveFamily {
    /// Its heading in the documentation.
    pub title: &'static str,
    /// Its directives.
    pub directives: &'static [Entry],
}

/// All directives, in the order of the documentation.
pub const FAMILIES: &[DirectiveFamily] = &[
    DirectiveFamily { title: "Conditions, redirects and rewrites", directives: rewrite::DIRECTIVES },
    DirectiveFamily { title: "Locations", directives: location::DIRECTIVES },
    DirectiveFamily { title: "Errors", directives: errors::DIRECTIVES },
    DirectiveFamily { title: "Variables that are made of others", directives: mapped::DIRECTIVES },
    DirectiveFamily { title: "Headers of responses", directives: response_headers::DIRECTIVES },
    DirectiveFamily { title: "Bodies of responses", directives: sub_filter::DIRECTIVES },
    DirectiveFamily { title: "Addresses of backends in responses", directives: response_rewrites::DIRECTIVES },
    DirectiveFamily { title: "Headers of requests", directives: request_headers::DIRECTIVES },
    DirectiveFamily { title: "Addresses of clients", directives: real_ip::DIRECTIVES },
    DirectiveFamily { title: "Access", directives: access::DIRECTIVES },
    DirectiveFamily { title: "Limits on clients", directives: client_limits::DIRECTIVES },
    DirectiveFamily { title: "Limits, timeouts and logs", directives: limits::DIRECTIVES },
    DirectiveFamily { title: "Buffering of bodies", directives: buffering::DIRECTIVES },
    DirectiveFamily { title: "Compression", directives: compression::DIRECTIVES },
    DirectiveFamily { title: "TLS to backends", directives: backend_tls::DIRECTIVES },
    DirectiveFamily { title: "Without effect", directives: idle::DIRECTIVES },
    DirectiveFamily { title: "Refused", directives: refused::DIRECTIVES },
    DirectiveFamily { title: "TCP and UDP services", directives: stream::DIRECTIVES },
];

/// Those of HTTP: all families but the last.
fn of_http() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().rev().skip(1).rev().flat_map(|family| family.directives)
}

impl Entry {
    /// The entry of a name where it stands.
    pub(super) fn named(name: &str, context: Context) -> Option<&'static Self> {
        let of_stream = stream::DIRECTIVES.iter().filter(|_| context == Context::Stream);
        of_stream.chain(of_http()).find(|entry| entry.is_of(name))
    }

    /// The end of a message about a name that no entry has: the nearest one that works.
    pub(super) fn suggestion(name: &str) -> String {
        let working = of_http()
            .filter(|entry| matches!(entry.kind, Kind::Works(_) | Kind::If | Kind::Location | Kind::Map | Kind::Geo));
        did_you_mean(nearest(name, working.map(|entry| entry.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_has_one_entry() {
        let mut names = BTreeSet::new();
        for entry in of_http() {
            assert!(names.insert(entry.name), "{} twice", entry.name);
        }
        for (name, found) in [
            ("access_by_lua_block", "*_by_lua*"),
            ("proxy_cache", "proxy_cache*"),
            ("proxy_cache_bypass", "proxy_cache*"),
            ("gzip_types", "gzip_types"),
            ("gzip_buffers", "gzip_*"),
            ("ssl_certificate", "ssl_*"),
        ] {
            assert_eq!(Entry::named(name, Context::Location).map(|entry| entry.name), Some(found), "{name}");
        }
        assert!(Entry::named("proxy", Context::Location).is_none());
        let server = |context| Entry::named("server", context).expect("an entry").doc;
        assert_ne!(server(Context::Stream), server(Context::Http));
        assert!(Entry::suggestion("add_heder").contains("add_header"));
    }
}
