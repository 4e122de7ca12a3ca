//! Which hosts the Ingresses and the HTTPRoutes of a namespace may have, where the ConfigMap of `--host-owners-configmap` says it.

use crate::lookup::Lookup;
use crate::settings::ControllerSettings;
use gateway::config::HostName;

/// The hosts of a namespace.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::translate) enum OwnHosts {
    /// Any, where there is no such ConfigMap.
    Any,
    /// Those of the namespace's entry. A ConfigMap or an entry that is missing is an empty one.
    Listed {
        hosts: Vec<OwnHost>,
        /// What says so.
        source: String,
    },
}

/// One word of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::translate) enum OwnHost {
    /// `*`.
    Any,
    /// `*.example.com`: all names below, however many labels they have more.
    Below(String),
    /// Any other word. It is no host, and so nobody's, if it is not the name of one.
    Exact(String),
}

impl OwnHosts {
    pub(in crate::translate) fn of(namespace: &str, settings: &ControllerSettings, lookup: &Lookup<'_>) -> Self {
        let Some(name) = &settings.host_owners else { return Self::Any };
        let map = lookup.config_map(&name.namespace, &name.name);
        let entry = map.and_then(|map| map.data.as_ref()?.get(namespace));
        let source = match (map, entry) {
            (None, _) => format!("the ConfigMap {name} does not exist"),
            (Some(_), None) => format!("the ConfigMap {name} has no entry {namespace}"),
            (Some(_), Some(entry)) => format!("the entry {namespace} of the ConfigMap {name} is {entry:?}"),
        };
        Self::Listed { hosts: OwnHost::list(entry.map(String::as_str).unwrap_or_default()), source }
    }

    pub(in crate::translate) fn have(&self, host: &HostName) -> bool {
        match self {
            Self::Any => true,
            Self::Listed { hosts, .. } => hosts.iter().any(|own| own.covers(host)),
        }
    }
}

impl OwnHost {
    fn list(entry: &str) -> Vec<Self> {
        let words = entry.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        words.map(Self::read).collect()
    }

    fn read(word: &str) -> Self {
        let name = word.strip_suffix('.').unwrap_or(word).to_ascii_lowercase();
        match name.strip_prefix("*.") {
            Some(suffix) => Self::Below(suffix.to_owned()),
            None if name == "*" => Self::Any,
            None => Self::Exact(name),
        }
    }

    fn covers(&self, host: &HostName) -> bool {
        let is_below = |name: &str, suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Exact(own), HostName::Exact(name)) => **own == **name,
            (Self::Below(own), HostName::Exact(name)) => is_below(name, own),
            (Self::Below(own), HostName::Wildcard(suffix) | HostName::Subdomains(suffix)) => {
                **own == **suffix || is_below(suffix, own)
            }
            (Self::Exact(_) | Self::Below(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(entry: &str, host: &str) -> bool {
        let hosts = OwnHosts::Listed { hosts: OwnHost::list(entry), source: String::new() };
        hosts.have(&HostName::parse(host).expect("a host"))
    }

    #[test]
    fn an_entry_is_a_list_of_hosts() {
        let entry = "shop.example.com, *.a.example.com\n*.B.example.org. x_y";
        for host in ["shop.example.com", "SHOP.example.com", "x.a.example.com", "y.x.a.example.com", "*.a.example.com"]
        {
            assert!(has(entry, host), "{host}");
        }
        assert!(has(entry, "*.x.b.example.org"));
        for host in ["a.example.com", "xa.example.com", "*.example.com", "shop.example.org", "", "~^shop.example.com$"]
        {
            assert!(!has(entry, host), "{host}");
        }
    }

    #[test]
    fn a_star_is_any_host() {
        for host in ["", "shop.example.com", "*.example.com", "~."] {
            assert!(has("*", host) && !has("", host), "{host}");
        }
    }
}
