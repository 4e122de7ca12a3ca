//! The names of new objects and listeners: what their users would call them, and no two alike.

use crate::object::Kind;
use gateway::config::HostName;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use twox_hash::XxHash3_64;

/// The longest name of an object, and of a listener.
const LONGEST: usize = 253;
/// What a number adds to a name that is taken.
const ROOM: usize = 8;

/// What the Gateways are called.
#[derive(Clone, Debug)]
pub struct GatewayNames {
    /// In each namespace. Default `ingress`.
    pub gateway: String,
    /// Their GatewayClass, which has to be there. Default `adit`.
    pub class: String,
}

impl GatewayNames {
    /// The usual name of Gateways.
    pub const GATEWAY: &str = "ingress";
    /// The usual name of their class.
    pub const CLASS: &str = "adit";
}

impl Default for GatewayNames {
    fn default() -> Self {
        Self { gateway: Self::GATEWAY.to_owned(), class: Self::CLASS.to_owned() }
    }
}

/// The names that are taken.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<(Kind, String, String)>);

impl Names {
    /// Takes a name for an object of this kind in a namespace: this one, or the first with a number that is free.
    pub(super) fn take(&mut self, kind: Kind, namespace: &str, wanted: &str) -> String {
        let wanted = bounded(wanted);
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let mut names = std::iter::once(wanted.clone()).chain(numbered);
        let mut free = |name: &String| self.0.insert((kind, namespace.to_owned(), name.clone()));
        names.find(|name| free(name)).unwrap_or_default()
    }
}

/// A name of at most as many bytes as it may have. A longer one keeps its beginning, and gets a hash.
fn bounded(name: &str) -> String {
    if name.len() <= LONGEST - ROOM {
        return name.to_owned();
    }
    let kept = name.get(..LONGEST - ROOM - 17).unwrap_or_default().trim_end_matches(['-', '.']);
    format!("{kept}-{:016x}", XxHash3_64::oneshot(name.as_bytes()))
}

/// A reference to a name, from a namespace. That of the name is left out where it is the same.
pub(super) fn reference((namespace, name): (&str, &str), from: &str) -> Value {
    match namespace == from {
        true => json!({"name": name}),
        false => json!({"name": name, "namespace": namespace}),
    }
}

/// A host as a part of a name.
pub(super) fn of_host(host: &HostName) -> String {
    match host {
        HostName::Exact(name) => name.to_string(),
        HostName::Wildcard(suffix) | HostName::Subdomains(suffix) => format!("wildcard.{suffix}"),
        HostName::Any | HostName::Pattern(_) => "any-host".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_taken_twice() {
        let mut names = Names::default();
        let mut take = |kind, namespace| names.take(kind, namespace, "shop");
        assert_eq!(take(Kind::HttpRoute, "a"), "shop");
        assert_eq!(take(Kind::HttpRoute, "a"), "shop-2");
        assert_eq!(take(Kind::HttpRoute, "a"), "shop-3");
        assert_eq!(take(Kind::HttpRoute, "b"), "shop");
        assert_eq!(take(Kind::TlsRoute, "a"), "shop");
    }

    #[test]
    fn a_long_name_keeps_its_beginning() {
        let long = |end: &str| format!("{}{end}", "a".repeat(300));
        let names = [bounded(&long("b")), bounded(&long("c"))];
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() <= LONGEST - ROOM && name.starts_with("aaa")), "{names:?}");
    }
}
