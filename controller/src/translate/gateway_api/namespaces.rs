//! A choice of namespaces: whose routes a listener takes, and whose ListenerSets a Gateway.

use super::wrong::{Read, wrong};
use crate::gateway_api::FromNamespaces;
use crate::lookup::Lookup;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Namespaces {
    All,
    Same,
    Labelled(LabelSelector),
    None,
}

/// Reads a choice; without one, this is the default.
///
/// # Errors
/// It is not known, or lacks the selector.
pub(super) fn parse(namespaces: Option<&FromNamespaces>, default: &str) -> Read<Namespaces> {
    match namespaces.and_then(|namespaces| namespaces.from.as_deref()).unwrap_or(default) {
        "All" => Ok(Namespaces::All),
        "Same" => Ok(Namespaces::Same),
        "None" => Ok(Namespaces::None),
        "Selector" => match namespaces.and_then(|namespaces| namespaces.selector.clone()) {
            Some(selector) => Ok(Namespaces::Labelled(selector)),
            None => {
                let message = "is missing, and from is Selector: expected a selector of the labels of namespaces";
                wrong("namespaces.selector", "", message)
            }
        },
        other => wrong("namespaces.from", other, "is not known: expected All, Same, Selector or None"),
    }
}

impl Namespaces {
    /// Whether one is chosen, by an object in the namespace `own`.
    pub(super) fn have(&self, namespace: &str, own: &str, lookup: &Lookup<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Same => namespace == own,
            Self::Labelled(selector) => is_selected(namespace, selector, lookup),
            Self::None => false,
        }
    }
}

/// Whether a namespace has the labels. In a cluster each has its name as a label.
fn is_selected(namespace: &str, selector: &LabelSelector, lookup: &Lookup<'_>) -> bool {
    let labels = lookup.namespace(namespace).and_then(|namespace| namespace.metadata.labels.clone());
    let mut labels = labels.unwrap_or_default();
    labels.entry("kubernetes.io/metadata.name".to_owned()).or_insert_with(|| namespace.to_owned());
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(&labels))
}
