//! To which listeners a route attaches, and for which hosts.

use super::gateway::ParsedGateway;
use super::host_names::intersection;
use super::listeners::{Namespaces, ParsedListener};
use crate::gateway_api::{GROUP, ParentReference};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::translate::ingress::OwnHosts;
use gateway::config::{EntryPoint, HostName};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A route at a listener that serves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attachment {
    pub(super) entry: EntryPoint,
    /// The host of the listener.
    pub(super) listener: HostName,
    /// The hosts whose requests it may take there.
    pub(super) host: HostName,
    /// The name of the route that this comes from.
    pub(super) own: HostName,
}

/// What becomes of a route at one of its parents.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attached {
    /// The Gateway.
    pub(super) gateway: ObjectKey,
    /// The names of its listeners.
    pub(super) listeners: BTreeSet<String>,
    pub(super) attachments: BTreeSet<Attachment>,
    /// Hosts that the route's namespace may not have.
    pub(super) not_owned: BTreeSet<HostName>,
}

/// Why a route does not attach to a parent: the reason of its condition, and a sentence.
pub(super) type NotAccepted = (&'static str, String);

/// The Gateways that are ours.
pub(super) type Gateways = BTreeMap<ObjectKey, Arc<ParsedGateway>>;

/// A route that looks for its parents.
pub(super) struct Seeker<'a> {
    pub(super) route: &'a ObjectKey,
    pub(super) hosts: &'a [HostName],
    /// The hosts that its namespace may have.
    pub(super) own_hosts: &'a OwnHosts,
    pub(super) gateways: &'a Gateways,
    pub(super) lookup: &'a Lookup<'a>,
}

impl Seeker<'_> {
    /// The Gateway that a reference is to, if it is to one.
    pub(super) fn gateway(&self, parent: &ParentReference) -> Option<ObjectKey> {
        let is_gateway = parent.group.as_deref().is_none_or(|group| group == GROUP)
            && parent.kind.as_deref().is_none_or(|kind| kind == Kind::Gateway.name());
        let namespace = parent.namespace.as_deref().unwrap_or(&self.route.namespace);
        is_gateway.then(|| ObjectKey::new(Kind::Gateway, namespace, parent.name.as_str()))
    }

    /// What becomes of the route at a parent; `None` if that is no Gateway of ours.
    pub(super) fn attach(&self, parent: &ParentReference) -> Option<Result<Attached, NotAccepted>> {
        let key = self.gateway(parent)?;
        // Recorded also where it is not ours yet.
        self.lookup.gateway(&key.namespace, &key.name);
        let gateway = self.gateways.get(&key)?;
        Some(self.attach_to(gateway, parent))
    }

    fn attach_to(&self, gateway: &ParsedGateway, parent: &ParentReference) -> Result<Attached, NotAccepted> {
        let is_meant = |listener: &&ParsedListener| {
            parent.section_name.as_ref().is_none_or(|name| *name == listener.name)
                && parent.port.is_none_or(|port| port == listener.port)
        };
        let meant: Vec<_> = gateway.listeners.iter().filter(is_meant).collect();
        if meant.is_empty() {
            return Err(("NoMatchingParent", "names no listener of the Gateway by sectionName and port".to_owned()));
        }
        let valid: Vec<_> = meant.into_iter().filter(|listener| listener.is_accepted).collect();
        if valid.is_empty() {
            return Err(("NotAllowedByListeners", "is to listeners that are not valid themselves".to_owned()));
        }
        let namespace = &gateway.rank.key.namespace;
        let is_allowed = |listener: &&ParsedListener| {
            listener.kinds.iter().any(|kind| kind.kind == self.route.kind.name())
                && self.is_allowed(listener, namespace)
        };
        let allowing: Vec<_> = valid.into_iter().filter(is_allowed).collect();
        if allowing.is_empty() {
            let kind = self.route.kind;
            let message = format!("is to listeners that take no {kind}s of this namespace (allowedRoutes)");
            return Err(("NotAllowedByListeners", message));
        }
        let mut attached = Attached {
            gateway: gateway.rank.key.clone(),
            listeners: BTreeSet::new(),
            attachments: BTreeSet::new(),
            not_owned: BTreeSet::new(),
        };
        for listener in allowing {
            for own in self.hosts {
                let Some(host) = intersection(&listener.host, own) else { continue };
                if !self.own_hosts.have(&host) {
                    attached.not_owned.insert(host);
                    continue;
                }
                attached.listeners.insert(listener.name.clone());
                attached.attachments.extend(listener.entry.map(|entry| Attachment {
                    entry,
                    listener: listener.host.clone(),
                    host,
                    own: own.clone(),
                }));
            }
        }
        if attached.listeners.is_empty() && !attached.not_owned.is_empty() {
            let message = "is for hosts that its namespace may not have: --host-owners-configmap is set";
            return Err(("NotAllowedByListeners", message.to_owned()));
        }
        if attached.listeners.is_empty() {
            let message = "is to listeners whose hostname takes none of the hostnames of the route";
            return Err(("NoMatchingListenerHostname", message.to_owned()));
        }
        Ok(attached)
    }

    fn is_allowed(&self, listener: &ParsedListener, namespace: &str) -> bool {
        match &listener.namespaces {
            Namespaces::All => true,
            Namespaces::Same => *self.route.namespace == *namespace,
            Namespaces::Labelled(selector) => self.is_selected(selector),
            Namespaces::None => false,
        }
    }

    /// Whether the route's namespace has the labels. In a cluster each has its name as a label.
    fn is_selected(&self, selector: &LabelSelector) -> bool {
        let namespace = &self.route.namespace;
        let labels = self.lookup.namespace(namespace).and_then(|namespace| namespace.metadata.labels.clone());
        let mut labels = labels.unwrap_or_default();
        labels.entry("kubernetes.io/metadata.name".to_owned()).or_insert_with(|| namespace.to_string());
        Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(&labels))
    }
}
