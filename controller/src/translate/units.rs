use super::parsed_ingress::{NotServed, ParsedIngress};
use crate::annotation::Applied;
use crate::object::ObjectKey;
use crate::snippet::SnippetReport;
use crate::store::Stored;
use k8s_openapi::api::networking::v1::Ingress;
use std::collections::HashMap;
use std::sync::Arc;

/// The Ingresses by key. Boxed, since up to half of the map is empty.
pub(super) type Units = HashMap<ObjectKey, Box<Unit>>;

/// The last result for one Ingress.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// What is served of it.
    pub(super) parsed: Option<Arc<ParsedIngress>>,
    /// The version that this comes from: the last that was not rejected.
    pub(super) good: Option<Stored<Ingress>>,
    /// What became of the annotations of its present version.
    pub(super) applied: Vec<Applied>,
    /// Which directives of its snippets work.
    pub(super) snippets: Vec<SnippetReport>,
    /// Why it is not ours.
    pub(super) not_selected: Option<Box<NotServed>>,
    /// Hosts that its namespace may not have.
    pub(super) not_owned: Vec<NotServed>,
}
