//! The keys of the controller's ConfigMap: one entry, one place.
//!
//! Every key that ingress-nginx has is one [`Key`] in one family file, and so is each key of Adit's own. The table in
//! the documentation is printed from the entries.

mod client;
mod compression;
mod forwarded;
mod headers;
mod https;
mod logging;
mod other;
mod read;
mod routes;
mod security;
mod stream;
mod tls;
mod upstream;
mod value;

pub(crate) use read::{Outcome, read};
pub use value::Value;

use crate::diagnostic::Severity;
use crate::lookup::Lookup;
use crate::route_defaults::RouteDefaults;
use crate::value::parse_bool;
use gateway::config::{BackendPolicies, GatewaySettings, Hsts, RoutePolicies, TemplateError};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// All keys, by family, in the order of the documentation.
pub const FAMILIES: &[Family] = &[
    Family { title: "Routes", keys: routes::KEYS },
    Family { title: "Client connections", keys: client::KEYS },
    Family { title: "Client addresses and forwarded headers", keys: forwarded::KEYS },
    Family { title: "Headers", keys: headers::KEYS },
    Family { title: "Backends", keys: upstream::KEYS },
    Family { title: "TCP and UDP services", keys: stream::KEYS },
    Family { title: "Logs and traces", keys: logging::KEYS },
    Family { title: "Redirects to HTTPS", keys: https::KEYS },
    Family { title: "TLS", keys: tls::KEYS },
    Family { title: "Compression", keys: compression::KEYS },
    Family { title: "Security", keys: security::KEYS },
    Family { title: "Process and nginx", keys: other::KEYS },
];

/// Keys that belong together.
#[derive(Debug)]
pub struct Family {
    /// Its heading in the documentation.
    pub title: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// One key: its name, what is made of it, and how.
#[derive(Debug)]
pub struct Key {
    /// The name.
    pub name: &'static str,
    /// How far it is supported.
    pub support: Support,
    /// ingress-nginx's default: a value that asks for nothing. Where the key is not supported, it needs neither warning
    /// nor refusal.
    pub default: &'static str,
    /// What it does, and the values it takes.
    pub doc: &'static str,
    /// Writes a value into the configuration. Called only where `support` is full or partial.
    pub apply: fn(Value<'_>, &mut Draft<'_>) -> Result<(), KeyError>,
}

/// How far a key is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As in ingress-nginx.
    Full,
    /// With this difference.
    Partial(&'static str),
    /// Without effect, for this reason; a warning says so.
    Ignored(&'static str),
    /// Not there yet; a warning says so.
    Planned,
    /// Not there yet, and unsafe to leave out: every route answers 503.
    Denied,
}

/// Why a value was not applied. The default stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// It is not of the form expected, which is named.
    Expected(&'static str),
    /// It has an nginx variable that there is not.
    Template(TemplateError),
    /// It names a ConfigMap that there is not.
    NoConfigMap,
    /// It is valid, and asks for something that is not there.
    Unsupported(&'static str),
}

/// The ConfigMap's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Those of the gateway.
    pub gateway: GatewaySettings,
    /// Those of routes.
    pub routes: RouteDefaults,
}

/// The configuration while its keys are read.
pub struct Draft<'a> {
    /// What the keys said so far.
    pub config: Config,
    /// The objects that values may name.
    pub lookup: &'a Lookup<'a>,
    /// What is wrong with a part of a value whose other parts count.
    complaints: Vec<(Severity, String)>,
}

impl Draft<'_> {
    /// The policies of an Ingress without annotations.
    fn policies(&mut self) -> &mut RoutePolicies {
        Arc::make_mut(&mut self.config.routes.policies)
    }

    /// The policies of its backends.
    fn backend(&mut self) -> &mut BackendPolicies {
        Arc::make_mut(&mut self.config.routes.backend)
    }

    /// Changes HSTS, unless the key `hsts`, which is read before the keys that begin with it, has turned it off.
    fn hsts(&mut self, change: impl FnOnce(&mut Hsts)) {
        self.config.gateway.hsts.as_mut().map(change);
    }

    /// Says what is wrong with a part of a value, of which the rest counts.
    fn complain(&mut self, severity: Severity, complaint: impl Into<String>) {
        self.complaints.push((severity, complaint.into()));
    }
}

impl Key {
    /// The entry of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        static BY_NAME: LazyLock<HashMap<&str, &Key>> =
            LazyLock::new(|| Key::all().map(|key| (key.name, key)).collect());
        BY_NAME.get(name).copied()
    }

    /// Every entry.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        FAMILIES.iter().flat_map(|family| family.keys)
    }

    /// A key that works as in ingress-nginx.
    const fn full(
        name: &'static str,
        default: &'static str,
        doc: &'static str,
        apply: fn(Value<'_>, &mut Draft<'_>) -> Result<(), KeyError>,
    ) -> Self {
        Self { name, support: Support::Full, default, doc, apply }
    }

    /// The same with a difference.
    const fn but(self, difference: &'static str) -> Self {
        Self { support: Support::Partial(difference), ..self }
    }

    /// A key that is not there yet; routes are served without it.
    const fn planned(name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self { support: Support::Planned, ..Self::full(name, default, doc, |_, _| Ok(())) }
    }

    /// A key that is not there yet; routes must not be served without it.
    const fn denied(name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self { support: Support::Denied, ..Self::planned(name, default, doc) }
    }

    /// A key without effect.
    const fn ignored(name: &'static str, default: &'static str, why: &'static str, doc: &'static str) -> Self {
        Self { support: Support::Ignored(why), ..Self::planned(name, default, doc) }
    }

    /// Whether a value is the default in one of its spellings.
    fn asks_for_nothing(&self, value: &str) -> bool {
        let value = value.trim();
        value.eq_ignore_ascii_case(self.default)
            || parse_bool(value).is_some_and(|given| parse_bool(self.default) == Some(given))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_has_one_entry() {
        let mut seen = BTreeSet::new();
        for key in Key::all() {
            assert!(seen.insert(key.name), "{} is there twice", key.name);
            assert!(!key.doc.is_empty(), "{}", key.name);
        }
    }
}
