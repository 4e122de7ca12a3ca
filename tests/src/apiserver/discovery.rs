use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The names in URLs of the kinds of Gateway API that there are, by version.
#[derive(Debug, Default)]
pub(super) struct Discovery(BTreeMap<String, Vec<String>>);

const GROUP: &str = "gateway.networking.k8s.io";

impl Discovery {
    pub(super) fn offer(&mut self, version: &str, resources: &[&str]) {
        self.0.remove(version);
        if !resources.is_empty() {
            self.0.insert(version.to_owned(), resources.iter().map(ToString::to_string).collect());
        }
    }

    /// The answer where this path is about what there is, and not about objects; `None` in it where there is nothing.
    pub(super) fn answer(&self, path: &str) -> Option<Option<Value>> {
        let version = path.strip_prefix("/apis/")?.strip_prefix(GROUP)?;
        match version.strip_prefix('/') {
            None if version.is_empty() => Some((!self.0.is_empty()).then(|| self.group())),
            Some(version) if !version.contains('/') => Some(self.0.get(version).map(|found| resources(version, found))),
            _ => None,
        }
    }

    fn group(&self) -> Value {
        let version = |version: &String| json!({"groupVersion": format!("{GROUP}/{version}"), "version": version});
        let versions: Vec<_> = self.0.keys().map(version).collect();
        json!({"kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "preferredVersion": versions[0], "versions": versions})
    }
}

fn resources(version: &str, names: &[String]) -> Value {
    let resource = |name: &String| {
        let verbs = ["get", "list", "patch", "watch"];
        json!({"name": name, "singularName": "", "namespaced": true, "kind": name, "verbs": verbs})
    };
    let resources: Vec<_> = names.iter().map(resource).collect();
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{GROUP}/{version}"), "resources": resources})
}
