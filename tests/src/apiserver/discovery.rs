use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The names in URLs of the kinds of CustomResourceDefinitions that there are, by group and version.
#[derive(Debug, Default)]
pub(super) struct Discovery(BTreeMap<(&'static str, String), Vec<String>>);

pub(super) const GATEWAY_API: &str = "gateway.networking.k8s.io";
pub(super) const OWN: &str = "adit.dev";

impl Discovery {
    pub(super) fn offer(&mut self, group: &'static str, version: &str, resources: &[&str]) {
        let key = (group, version.to_owned());
        self.0.remove(&key);
        if !resources.is_empty() {
            self.0.insert(key, resources.iter().map(ToString::to_string).collect());
        }
    }

    /// The answer where this path is about what there is, and not about objects; `None` in it where there is nothing.
    pub(super) fn answer(&self, path: &str) -> Option<Option<Value>> {
        let place = path.strip_prefix("/apis/")?;
        let (name, version) = place.split_once('/').map_or((place, None), |(name, version)| (name, Some(version)));
        let group = [GATEWAY_API, OWN].into_iter().find(|group| *group == name)?;
        match version {
            None => Some(self.group(group)),
            Some(version) if !version.contains('/') => {
                let found = self.0.get(&(group, version.to_owned()));
                Some(found.map(|found| resources(&format!("{group}/{version}"), found)))
            }
            Some(_) => None,
        }
    }

    fn group(&self, group: &str) -> Option<Value> {
        let versions = self
            .0
            .keys()
            .filter(|(of, _)| *of == group)
            .map(|(_, version)| json!({"groupVersion": format!("{group}/{version}"), "version": version}));
        let versions: Vec<_> = versions.collect();
        let preferred = versions.first()?.clone();
        let kind = "APIGroup";
        Some(
            json!({"kind": kind, "apiVersion": "v1", "name": group, "preferredVersion": preferred, "versions": versions}),
        )
    }
}

fn resources(group_version: &str, names: &[String]) -> Value {
    let resource = |name: &String| {
        let verbs = ["get", "list", "patch", "watch"];
        json!({"name": name, "singularName": "", "namespaced": true, "kind": name, "verbs": verbs})
    };
    let resources: Vec<_> = names.iter().map(resource).collect();
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources})
}
