//! The layering: which crate may know what, and which module.
//!
//! The order of modules is written here, and held over the code: an import points down, from a layer to one below.
//! Re-exports are followed to the file that defines a name. Tests may use what they like.

mod crates;
mod graph;
mod module;
mod resolve;
mod tests;

use graph::{against_order, cycles_of_files, cycles_of_folders};
use module::Module;
use resolve::Import;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

/// The modules of the gateway, the highest first. Those in one layer know nothing of each other.
const GATEWAY_ORDER: &[&[&str]] = &[
    &["admin"],
    &["listener"],
    &["lane"],
    &["lane/http1", "lane/http2", "lane/fastcgi"],
    &["lane/endpoint"],
    &["lane/client"],
    &["lane/head"],
    &["l4"],
    &["worker"],
    &["exchange"],
    &["table"],
    &["policy", "ocsp"],
    &["buffer", "relay", "request", "telemetry"],
    &["connection"],
    &["tls", "upstream", "variables"],
    &["config", "pattern", "interner", "headers", "grammar", "fastcgi"],
];

/// The modules of the controller. Its program, `main.rs`, is above them all.
const CONTROLLER_ORDER: &[&[&str]] = &[
    &["cli"],
    &["server"],
    &["dashboard"],
    &["admission", "convert", "explain"],
    &["translate", "events"],
    &["source"],
    &["annotation", "pipeline"],
    &["configmap", "status"],
    &["snippet"],
    &["registry"],
    &["lookup"],
    &["store"],
    &["feed", "apiserver"],
    &["settings"],
    &["address"],
    &["object"],
    &["certificate", "debounce", "gateway_api", "nginx_syntax", "route_defaults", "suggestion", "diagnostic"],
];

/// The modules of the gateway that may name Pingora.
const PINGORA_IN: &[&str] = &["listener", "lane"];

static GATEWAY: LazyLock<Crate> = LazyLock::new(|| Crate::read("gateway"));
static CONTROLLER: LazyLock<Crate> = LazyLock::new(|| Crate::read("controller"));

#[test]
fn the_gateway_has_no_cycle_of_files() {
    assert_none(&cycles_of_files(&GATEWAY.imports));
}

#[test]
fn the_gateway_has_no_cycle_of_folders() {
    assert_none(&cycles_of_folders(&GATEWAY.imports));
}

#[test]
fn the_gateway_keeps_its_order() {
    assert_none(&against_order(GATEWAY_ORDER, GATEWAY.files(), &GATEWAY.imports));
}

#[test]
fn the_controller_has_no_cycle_of_files() {
    assert_none(&cycles_of_files(&CONTROLLER.imports));
}

#[test]
fn the_controller_has_no_cycle_of_folders() {
    assert_none(&cycles_of_folders(&CONTROLLER.imports));
}

#[test]
fn the_controller_keeps_its_order() {
    assert_none(&against_order(CONTROLLER_ORDER, CONTROLLER.files(), &CONTROLLER.imports));
}

/// One that no module declares is not compiled, and nobody notices.
#[test]
fn every_file_is_a_module() {
    assert_none(&[&*GATEWAY.orphans, &CONTROLLER.orphans].concat());
}

#[test]
fn pingora_stays_in_its_places() {
    assert_none(&outside(PINGORA_IN, "pingora_", &GATEWAY.modules));
}

/// The modules of a crate, and what they import from each other.
struct Crate {
    modules: Vec<Module>,
    imports: BTreeSet<Import>,
    /// The files that are no module.
    orphans: Vec<String>,
}

impl Crate {
    fn read(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
        let sources = module::read(&directory).expect("the sources can be read");
        let modules = module::parse(&sources).expect("the sources can be understood");
        let imports = resolve::imports(&modules);
        assert!(imports.len() > modules.len(), "few imports were found: {} in {name}", imports.len());
        Self { modules, imports, orphans: module::orphans(&sources) }
    }

    fn files(&self) -> BTreeSet<&String> {
        self.modules.iter().map(|module| &module.file).collect()
    }
}

/// The paths that begin with a crate of this prefix, in other modules than these.
fn outside(allowed: &[&str], prefix: &str, modules: &[Module]) -> Vec<String> {
    let is_outside = |module: &&Module| !allowed.iter().any(|name| module.path.starts_with(&segments(name)));
    let mentions = modules
        .iter()
        .filter(is_outside)
        .flat_map(|module| module.mentions.iter().map(move |mention| (module, mention)));
    let named = mentions.filter(|(_, mention)| mention.path.first().is_some_and(|first| first.starts_with(prefix)));
    named.map(|(module, mention)| format!("{} names {}", module.file, mention.path.join("::"))).collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}
