//! What would become of an Ingress or a ConfigMap, or of another version of one, beside all that is served.

use super::Translator;
use crate::annotation::Annotation;
use crate::configmap;
use crate::diagnostic::{Diagnostic, Reason, shown};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use crate::settings::ControllerSettings;
use crate::store::{Store, Stored};
use crate::translate::ingress;
use crate::translate::parsed_ingress::ParsedIngress;
use crate::translate::streams;
use gateway::config::{HostName, PathKind, Route, Subject};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::networking::v1::Ingress;
use std::collections::HashMap;
use std::sync::Arc;

impl Translator {
    /// What is wrong with a version of an Ingress that is not served yet: by itself, and because other Ingresses have its
    /// paths already. `None` if it is not ours.
    ///
    /// Nothing changes. The cost is that of the Ingress and of the routes of its hosts, whatever else is served.
    pub fn draft(&self, store: &Store, draft: &Stored<Ingress>) -> Option<Vec<Diagnostic>> {
        let lookup = Lookup::new(store);
        let outcome = ingress::parse(draft, None, &self.settings, &self.config.routes, &lookup);
        if outcome.not_selected.is_some() {
            return None;
        }
        let mut diagnostics = outcome.diagnostics;
        if !self.config.routes.snippet_annotations {
            diagnostics.iter_mut().for_each(|diagnostic| in_words_of_nginx(diagnostic, &self.settings));
        }
        let conflicts = outcome.parsed.iter().flat_map(|parsed| self.conflicts(parsed));
        diagnostics.extend(conflicts);
        Some(diagnostics)
    }

    /// What is wrong with a version of a ConfigMap that is not in effect yet, as far as our own ConfigMap or the TCP and UDP
    /// services are concerned. `None` if neither reads it.
    pub fn draft_config_map(&self, store: &Store, key: &ObjectKey, map: &Arc<ConfigMap>) -> Option<Vec<Diagnostic>> {
        if !self.config_reads.contains(key) && !self.streams.read(key) {
            return None;
        }
        let lookup = Lookup::new(store).with_config_map(key, map);
        let mut diagnostics = configmap::read(&self.settings, &lookup, &self.config_last_good).diagnostics;
        diagnostics.extend(streams::read(&self.settings, &lookup, &self.streams.listeners).1);
        // What is wrong with headers stands at the key that names their ConfigMap.
        let name = shown(&format!("{}/{}", key.namespace, key.name));
        let subject = Subject::from(key);
        diagnostics.retain(|found| found.object == subject || found.value.as_ref() == Some(&name));
        Some(diagnostics)
    }

    /// The paths that other Ingresses have on the same hosts, or for a canary the paths that other canaries have.
    fn conflicts(&self, draft: &ParsedIngress) -> Vec<Diagnostic> {
        let claims = if draft.canary.is_some() { &self.canaries.claims } else { &self.claims };
        let mut conflicts = Vec::new();
        for (host, rules) in &draft.hosts {
            let others = claims.of(host).filter(|rank| rank.key != draft.rank.key);
            let others = others.filter_map(|rank| self.ingresses.get(&rank.key)?.parsed.as_deref());
            let routes = others.flat_map(|other| Some((other, other.hosts.get(host)?)));
            let routes = routes.flat_map(|(other, rules)| rules.routes.iter().map(move |route| (other, route)));
            let mut taken = HashMap::new();
            for (other, route) in routes {
                taken.entry(place(draft, route)).or_insert(other);
            }
            let routes = rules.routes.iter();
            conflicts.extend(routes.filter_map(|route| {
                let other = taken.get(&place(draft, route))?;
                Some(conflict(draft, host, route, other))
            }));
        }
        conflicts
    }
}

/// What no two Ingresses may have on a host: a path, of whichever type, as in ingress-nginx (`checkOverlap`). A canary is
/// for a path of one type.
fn place<'a>(draft: &ParsedIngress, route: &'a Route) -> (&'a str, Option<PathKind>) {
    let path = &route.matches.path;
    (&path.value, draft.canary.is_some().then_some(path.kind))
}

fn conflict(draft: &ParsedIngress, host: &HostName, route: &Route, other: &ParsedIngress) -> Diagnostic {
    let path = &route.matches.path.value;
    let host = match host {
        HostName::Any => "_".to_owned(),
        host => host.to_string(),
    };
    let key = &other.rank.key;
    let expected = match draft.canary {
        Some(_) => "expected a path without a canary",
        None => "expected a host and a path that no other Ingress has, or a canary",
    };
    // In the words of ingress-nginx.
    let message = format!(
        "is taken: host \"{host}\" and path \"{path}\" is already defined in ingress {}/{}; {expected}",
        key.namespace, key.name
    );
    let conflict = Diagnostic::error(draft.object.clone(), format!("{}.path", route.origin.field), message);
    conflict.with_value(path).because(Reason::Conflict).with_related(other.object.clone()).refused()
}

/// Says of a snippet what ingress-nginx's webhook says while snippets are off, which scripts look for.
fn in_words_of_nginx(diagnostic: &mut Diagnostic, settings: &ControllerSettings) {
    let name = diagnostic.field.strip_prefix("metadata.annotations[").and_then(|field| field.strip_suffix(']'));
    let Some(name) = name.filter(|name| diagnostic.reason == Reason::Denied && name.ends_with("-snippet")) else {
        return;
    };
    if Annotation::of_full_name(name, &settings.annotations_prefix).is_some() {
        let message = format!(
            "{name} annotation cannot be used. Snippet directives are disabled by the Ingress administrator: expected \
             allow-snippet-annotations: \"true\" and annotations-risk-level: Critical in the ConfigMap"
        );
        (diagnostic.message, diagnostic.value) = (message.into(), None);
    }
}
