//! Which crate may know what: Kubernetes stays out of the gateway, Pingora out of the controller.

use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::process::Command;

#[test]
fn the_gateway_never_sees_kubernetes() {
    let dependencies = Metadata::read().all_dependencies("adit-gateway");
    let kubernetes = |name: &&String| ["kube", "k8s"].iter().any(|prefix| name.starts_with(prefix));
    assert!(dependencies.contains("pingora-core"), "the dependencies of adit-gateway were not found");
    assert_eq!(dependencies.iter().find(kubernetes), None, "adit-gateway depends on Kubernetes types");
}

#[test]
fn the_controller_never_names_pingora() {
    let dependencies = Metadata::read().direct_dependencies("adit-controller");
    assert!(dependencies.contains("adit-gateway"), "the dependencies of adit-controller were not found");
    let pingora = dependencies.iter().find(|name| name.starts_with("pingora"));
    assert_eq!(pingora, None, "adit-controller depends on Pingora itself");
}

/// What `cargo metadata` says of the workspace.
struct Metadata {
    names: HashMap<String, String>,
    /// The packages that a package is built with, by their ids; those for its tests alone are left out.
    dependencies: HashMap<String, Vec<String>>,
}

impl Metadata {
    fn read() -> Self {
        // Packages of other platforms need not be on this machine.
        let version = cargo(&["-vV"]);
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host");
        let metadata = cargo(&["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host]);
        let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
        let names = list(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        let nodes = list(&metadata["resolve"]["nodes"]);
        let dependencies = nodes.map(|node| (text(&node["id"]), built_with(node))).collect();
        Self { names, dependencies }
    }

    fn direct_dependencies(&self, package: &str) -> BTreeSet<String> {
        self.dependencies[self.id(package)].iter().map(|id| self.names[id].clone()).collect()
    }

    fn all_dependencies(&self, package: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![self.id(package)];
        while let Some(id) = waiting.pop() {
            for dependency in &self.dependencies[id] {
                if found.insert(self.names[dependency].clone()) {
                    waiting.push(dependency);
                }
            }
        }
        found
    }

    fn id(&self, package: &str) -> &String {
        let found = self.names.iter().find(|(_, name)| *name == package);
        found.map(|(id, _)| id).expect("a package of the workspace")
    }
}

fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    let output = cargo.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

fn built_with(node: &Value) -> Vec<String> {
    let used = |dependency: &&Value| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
    list(&node["deps"]).filter(used).map(|dependency| text(&dependency["pkg"])).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list in cargo metadata").iter()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text in cargo metadata").to_owned()
}
