//! Manifests as `kubectl apply` takes them: YAML of any number of documents, JSON, and lists, to objects.

mod documents;
mod legacy;
mod node;
mod object;
mod typed;
mod unknown;
mod validate;
mod workload;

pub(crate) use object::{Typed, key, observe, strip};
pub use validate::validate;
pub(crate) use validate::{is_left_out, is_path_left_out};
pub use workload::Workload;
pub(crate) use workload::read as workload;

use crate::diagnostic::{Diagnostic, Place};
use crate::object::{KINDS, Kind, ObjectKey, Observed};
use crate::suggestion::nearest;
use documents::{Document, documents};
use gateway::config::Subject;
use node::Node;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use unknown::unknown_field;

/// The version of Gateway API's kinds before v1, which has the same fields.
const FORMER_GATEWAY_API: &str = "gateway.networking.k8s.io/v1beta1";

/// What a manifest holds.
#[derive(Debug, Default)]
pub struct Manifest {
    /// The objects of the kinds that Adit reads, in order, each key once. Of an Ingress, what Kubernetes would refuse is
    /// left out.
    pub objects: Vec<Observed>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether a document or an object could not be read at all, as happens to a file while it is being written.
    pub is_broken: bool,
    /// How many objects there are of each kind that Adit does not read.
    pub foreign: BTreeMap<String, usize>,
    /// The Ingresses of versions before v1, as v1.
    pub upgraded: Vec<Upgraded>,
    /// What runs ingress-nginx.
    pub workloads: Vec<Workload>,
}

/// An Ingress of a version before v1.
#[derive(Clone, Debug, PartialEq)]
pub struct Upgraded {
    /// Where it stands.
    pub place: Place,
    /// The same as v1, without its status and what only the API server writes.
    pub object: serde_json::Value,
}

/// Reads the manifest in `file`, which is only named in places and diagnostics.
///
/// Documents and items of lists that cannot be read are reported and left out; kinds that Adit does not read are counted. No value of a Secret gets into a diagnostic.
pub fn parse(file: &Arc<str>, bytes: &[u8]) -> Manifest {
    let mut reader = Reader { file, document: 1, manifest: Manifest::default(), lines: HashMap::new() };
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            for document in documents(text.strip_prefix('\u{feff}').unwrap_or(text)) {
                reader.read(&document);
            }
        }
        Err(error) => {
            let line = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            let message = format!("is not UTF-8 text: byte {} is invalid; nothing of it is read", error.valid_up_to());
            reader.broken(u32::try_from(line).unwrap_or(u32::MAX), "", &message);
        }
    }
    reader.manifest
}

/// How `apiVersion` and `kind` name one of ours.
enum Naming {
    /// As they should.
    Ours(Kind),
    /// An Ingress of a version that is read as v1.
    LegacyIngress,
    /// A list whose items are objects, each of this kind where they do not say.
    List(Option<&'static str>),
    /// Probably one of ours, misspelt.
    Misspelt(&'static str, &'static str),
    /// Somebody else's.
    Foreign,
}

impl Naming {
    fn of(api_version: &str, kind: &str) -> Self {
        if let Some((kind, ..)) = KINDS.iter().find(|(_, version, name)| *version == api_version && *name == kind) {
            return Self::Ours(*kind);
        }
        if let Some((kind, ..)) = KINDS.iter().find(|(.., name)| *name == kind)
            && kind.is_of_gateway_api()
            && api_version == FORMER_GATEWAY_API
        {
            return Self::Ours(*kind);
        }
        if kind == "Ingress" && legacy::API_VERSIONS.contains(&api_version) {
            return Self::LegacyIngress;
        }
        if kind == "List" && api_version == "v1" {
            return Self::List(None);
        }
        if let Some(item) = kind.strip_suffix("List") {
            let ours = KINDS.iter().find(|(_, version, name)| *version == api_version && *name == item);
            return ours.map_or(Self::Foreign, |(_, _, name)| Self::List(Some(name)));
        }
        let similar = |(_, version, name): &&(Kind, &str, &str)| {
            singular(name) == singular(kind) && is_similar_group(api_version, version)
        };
        let near = || {
            let names = KINDS.iter().filter(|(_, version, _)| is_similar_group(api_version, version));
            let near = nearest(kind, names.map(|(.., name)| *name))?;
            KINDS.iter().find(|(.., name)| *name == near)
        };
        let meant = KINDS.iter().find(similar).or_else(near);
        meant.map_or(Self::Foreign, |(_, version, name)| Self::Misspelt(version, name))
    }
}

/// A kind in lower case, without a plural's ending.
fn singular(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    let stem = kind.strip_suffix("es").or_else(|| kind.strip_suffix('s')).unwrap_or(&kind);
    stem.trim_end_matches('s').trim_end_matches('e').to_owned()
}

/// Whether the group is the right one, or none that another project could own: those have dots.
fn is_similar_group(api_version: &str, ours: &str) -> bool {
    let group = |version: &str| version.rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default();
    let theirs = group(api_version);
    theirs == group(ours) || !theirs.contains('.')
}

struct Reader<'a> {
    file: &'a Arc<str>,
    document: u32,
    manifest: Manifest,
    /// The places of the objects so far, to find a key's second object.
    lines: HashMap<ObjectKey, Place>,
}

impl Reader<'_> {
    fn read(&mut self, document: &Document<'_>) {
        self.document = document.number;
        match Node::parse(document.text, document.first_line) {
            Ok(node) if node.is_null() => {}
            Ok(node) => self.read_node(&node, document.content_line(), None),
            Err((line, message)) => self.broken(line, "", &message),
        }
    }

    fn read_node(&mut self, node: &Node, line: u32, item_of: Option<&'static str>) {
        if !node.is_map() {
            return self.broken(line, "", "is not a Kubernetes object: expected a mapping with apiVersion and kind");
        }
        let text = |key: &str| node.get(key).and_then(Node::as_str);
        let implied = item_of.and_then(|item| KINDS.iter().find(|(_, _, name)| *name == item));
        let kind = text("kind").or(implied.map(|(_, _, name)| *name));
        let api_version = text("apiVersion").or(implied.map(|(_, version, _)| *version));
        let (Some(kind), Some(api_version)) = (kind, api_version) else {
            let missing = if kind.is_none() { "kind" } else { "apiVersion" };
            let message = "is missing: this document is not a Kubernetes object, and is ignored";
            return self.push(Diagnostic::warning(self.subject(), missing, message), line);
        };
        match Naming::of(api_version, kind) {
            Naming::Ours(kind) => self.read_object(kind, node, line, false),
            Naming::LegacyIngress => self.read_object(Kind::Ingress, node, line, true),
            Naming::List(item) => self.read_items(node, item, line),
            Naming::Misspelt(version, name) => {
                let message = format!("of apiVersion {api_version:?} is not read: expected {name} of {version}");
                self.push(Diagnostic::warning(self.subject(), "kind", message).with_value(kind), line);
            }
            Naming::Foreign => {
                if workload::is_workload(api_version, kind) {
                    self.manifest.workloads.extend(workload::read(&node.to_value()));
                }
                *self.manifest.foreign.entry(kind.escape_debug().to_string()).or_default() += 1;
            }
        }
    }

    fn read_items(&mut self, list: &Node, item: Option<&'static str>, line: u32) {
        match list.get("items") {
            None => {}
            Some(items) if items.is_null() => {}
            Some(items) => match items.items() {
                Some(items) => items.iter().for_each(|node| self.read_node(node, node.line, item)),
                None => self.broken(line, "items", "is not a list: expected a list of objects"),
            },
        }
    }

    fn read_object(&mut self, kind: Kind, node: &Node, line: u32, is_legacy: bool) {
        let mut value = node.to_value();
        strip(&mut value);
        if is_legacy {
            legacy::upgrade(&mut value);
        }
        let Typed { observed, mut findings, unknown } = match observe(kind, &value) {
            Ok(read) => read,
            Err(wrong) => {
                self.manifest.is_broken = true;
                let line = node.line_of(&wrong.field);
                return self.push(wrong, line);
            }
        };
        if observed.key.name.is_empty() {
            return self.broken(line, "metadata.name", &format!("is missing: expected the name of this {kind}"));
        }
        if is_legacy {
            self.warn_of_legacy(&observed.key, node, value, line);
        }
        findings.extend(unknown.iter().map(|field| unknown_field(&observed.key, field)));
        self.keep(observed, findings, node, line);
    }

    fn keep(&mut self, mut observed: Observed, findings: Vec<Diagnostic>, node: &Node, line: u32) {
        if let Some(first) = self.lines.get(&observed.key) {
            let message = same_object(first);
            return self.push(Diagnostic::error(&observed.key, "", message), line);
        }
        for diagnostic in findings {
            let line = node.line_of(&diagnostic.field);
            self.push(diagnostic, line);
        }
        let place = self.place(line);
        self.lines.insert(observed.key.clone(), place.clone());
        observed.age.place = Some(place);
        self.manifest.objects.push(observed);
    }

    fn warn_of_legacy(&mut self, key: &ObjectKey, node: &Node, upgraded: serde_json::Value, line: u32) {
        let version = node.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
        let message = "is a version of Ingress that Kubernetes has removed; it is read as networking.k8s.io/v1, and \
                       `adit check --fix` writes it so";
        self.push(Diagnostic::warning(key, "apiVersion", message).with_value(version), line);
        self.manifest.upgraded.push(Upgraded { place: self.place(line), object: upgraded });
    }

    fn subject(&self) -> Subject {
        Subject::other(format!("File {}", self.file))
    }

    fn place(&self, line: u32) -> Place {
        Place { file: self.file.clone(), document: self.document, line }
    }

    fn broken(&mut self, line: u32, field: &str, message: &str) {
        self.manifest.is_broken = true;
        self.push(Diagnostic::error(self.subject(), field, message), line);
    }

    fn push(&mut self, diagnostic: Diagnostic, line: u32) {
        let place = self.place(line);
        self.manifest.diagnostics.push(diagnostic.at(Some(place)));
    }
}

/// What is said of an object whose key another one at `first` has already.
pub(super) fn same_object(first: &Place) -> String {
    format!("is defined before, in {first}: that one is served, and this one is ignored")
}

#[cfg(test)]
mod tests;
