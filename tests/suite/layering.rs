//! Which crate may know what: Kubernetes stays out of the gateway, Pingora out of the controller.

use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The parts of the gateway that may name Pingora, below its `src`.
const PINGORA_IN: &[&str] = &["listener", "lane/pingora", "lane/upgrade"];

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

#[test]
fn pingora_stays_in_its_places() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/src");
    let mut searched = 0;
    for file in rust_files(&sources) {
        let place = file.strip_prefix(&sources).expect("a file below the directory");
        if PINGORA_IN.iter().any(|allowed| place.starts_with(allowed)) {
            continue;
        }
        searched += 1;
        let text = fs::read_to_string(&file).expect("a source file");
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let named = code.filter(|line| line.contains("pingora_")).collect::<Vec<_>>();
        assert!(named.is_empty(), "{} names Pingora: {named:?}", file.display());
    }
    assert!(searched > 0, "no source file was searched");
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

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a source directory") {
        let path = entry.expect("an entry of a directory").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
