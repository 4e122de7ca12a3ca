use crate::config::RouteLabels;
use crate::telemetry::MetricsSettings;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// How many hosts without a route have series of their own, over all workers. ingress-nginx has no limit, and lets every
/// client create series.
const LIMIT: usize = 100;

/// The label `host` of all that are beyond the bound.
const OTHER: &str = "_other";

/// The label `host` of requests that name none: what nginx calls its default server.
const NONE: &str = "_";

/// The labels of requests that no route takes.
#[derive(Debug)]
pub(super) enum Unmatched {
    /// They are not measured.
    Ignored,
    /// They are measured as one: no label has the host.
    Together(Arc<RouteLabels>),
    /// They are measured by the host that they name.
    ByHost(Hosts),
}

impl Unmatched {
    pub(super) fn new(settings: &MetricsSettings) -> Self {
        match (settings.per_host, settings.per_undefined_host) {
            (true, false) => Self::Ignored,
            (true, true) => Self::ByHost(Hosts::default()),
            (false, _) => Self::Together(Arc::default()),
        }
    }

    /// The labels for a host in its canonical form, unless its requests are not measured.
    pub(super) fn labels(&self, host: &str) -> Option<Arc<RouteLabels>> {
        match self {
            Self::Ignored => None,
            Self::Together(labels) => Some(Arc::clone(labels)),
            Self::ByHost(hosts) => Some(hosts.labels(if host.is_empty() { NONE } else { host })),
        }
    }
}

/// The first hosts that were named. Clients choose the keys, hence the standard library's hash.
#[derive(Debug)]
pub(super) struct Hosts {
    known: RwLock<HashMap<Arc<str>, Arc<RouteLabels>>>,
    other: Arc<RouteLabels>,
}

impl Default for Hosts {
    fn default() -> Self {
        Self { known: RwLock::default(), other: labels_of(OTHER.into()) }
    }
}

impl Hosts {
    fn labels(&self, host: &str) -> Arc<RouteLabels> {
        let known = self.known.read();
        if let Some(labels) = known.get(host) {
            return Arc::clone(labels);
        }
        if known.len() >= LIMIT {
            return Arc::clone(&self.other);
        }
        drop(known);
        self.learn(host)
    }

    fn learn(&self, host: &str) -> Arc<RouteLabels> {
        let mut known = self.known.write();
        // Another worker may have been faster.
        if known.len() >= LIMIT && !known.contains_key(host) {
            return Arc::clone(&self.other);
        }
        let host = Arc::<str>::from(host);
        Arc::clone(known.entry(Arc::clone(&host)).or_insert_with(|| labels_of(host)))
    }
}

fn labels_of(host: Arc<str>) -> Arc<RouteLabels> {
    Arc::new(RouteLabels { host, ..RouteLabels::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_bounded() {
        let settings = MetricsSettings { per_undefined_host: true, ..MetricsSettings::default() };
        let unmatched = Unmatched::new(&settings);
        let host = |name: &str| unmatched.labels(name).expect("measured").host.to_string();
        for number in 0..LIMIT - 1 {
            let name = format!("{number}.example");
            assert_eq!(host(&name), name);
        }
        assert_eq!(host(""), NONE);
        assert_eq!(host("late.example"), OTHER);
        assert_eq!(host("0.example"), "0.example", "who came first stays");
        assert!(Arc::ptr_eq(&unmatched.labels("a").expect("measured"), &unmatched.labels("b").expect("measured")));
    }

    #[test]
    fn hosts_are_ignored_or_not_told_otherwise() {
        assert_eq!(Unmatched::new(&MetricsSettings::default()).labels("h"), None);
        for per_undefined_host in [false, true] {
            let settings = MetricsSettings { per_host: false, per_undefined_host, ..MetricsSettings::default() };
            assert_eq!(Unmatched::new(&settings).labels("h"), Some(Arc::default()));
        }
    }
}
