//! To which listeners a route attaches, and for which hosts.

use super::gateway::ParsedGateway;
use super::host_names::intersection;
use super::listener::ParsedListener;
use super::listener_sets;
use crate::gateway_api::{GROUP, ParentReference};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::translate::ingress::OwnHosts;
use gateway::config::{EntryPoint, HostName};
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
    /// The ListenerSet, if that is the parent.
    pub(super) set: Option<ObjectKey>,
    /// The names of the parent's listeners, ascending.
    pub(super) listeners: Box<[String]>,
    pub(super) attachments: Box<[Attachment]>,
    /// Hosts that the route's namespace may not have.
    pub(super) not_owned: Box<[HostName]>,
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
    /// The Gateway or the ListenerSet that a reference is to, if it is to one.
    pub(super) fn parent(&self, parent: &ParentReference) -> Option<ObjectKey> {
        let is_of_group = parent.group.as_deref().is_none_or(|group| group == GROUP);
        let name = parent.kind.as_deref().unwrap_or(Kind::Gateway.name());
        let kind = [Kind::Gateway, Kind::ListenerSet].into_iter().find(|kind| is_of_group && kind.name() == name)?;
        let namespace = parent.namespace.as_deref().unwrap_or(&self.route.namespace);
        Some(ObjectKey::new(kind, namespace, parent.name.as_str()))
    }

    /// Whether there is such a parent, of whomever.
    pub(super) fn is_there(&self, parent: &ObjectKey) -> bool {
        let ObjectKey { kind, namespace, name } = parent;
        match kind {
            Kind::ListenerSet => self.lookup.listener_set(namespace, name).is_some(),
            _ => self.lookup.gateway(namespace, name).is_some(),
        }
    }

    /// What becomes of the route at a parent; `None` if that is no Gateway of ours, nor a ListenerSet of one.
    pub(super) fn attach(&self, parent: &ParentReference) -> Option<Result<Attached, NotAccepted>> {
        let key = self.parent(parent)?;
        let (gateway, set) = match key.kind {
            Kind::ListenerSet => {
                (listener_sets::parent(self.lookup.listener_set(&key.namespace, &key.name)?), Some(key))
            }
            _ => (key, None),
        };
        // Recorded also where it is not ours yet.
        self.lookup.gateway(&gateway.namespace, &gateway.name);
        let gateway = self.gateways.get(&gateway)?;
        Some(self.attach_to(gateway, set, parent))
    }

    fn attach_to(
        &self,
        gateway: &ParsedGateway,
        set: Option<ObjectKey>,
        parent: &ParentReference,
    ) -> Result<Attached, NotAccepted> {
        let is_meant = |listener: &&ParsedListener| {
            listener.set.as_ref().map(|rank| &rank.key) == set.as_ref()
                && parent.section_name.as_ref().is_none_or(|name| *name == listener.name)
                && parent.port.is_none_or(|port| port == listener.port)
        };
        let meant: Vec<_> = gateway.listeners.iter().filter(is_meant).collect();
        if meant.is_empty() {
            return Err(("NoMatchingParent", "names no listener of it by sectionName and port".to_owned()));
        }
        let valid: Vec<_> = meant.into_iter().filter(|listener| listener.is_accepted).collect();
        if valid.is_empty() {
            return Err(("NotAllowedByListeners", "is to listeners that are not valid themselves".to_owned()));
        }
        let own = &set.as_ref().unwrap_or(&gateway.rank.key).namespace;
        let is_allowed = |listener: &&ParsedListener| {
            listener.kinds.iter().any(|kind| kind.kind == self.route.kind.name())
                && listener.namespaces.have(&self.route.namespace, own, self.lookup)
        };
        let allowing: Vec<_> = valid.into_iter().filter(is_allowed).collect();
        if allowing.is_empty() {
            let kind = self.route.kind;
            let message = format!("is to listeners that take no {kind}s of this namespace (protocol, allowedRoutes)");
            return Err(("NotAllowedByListeners", message));
        }
        let (mut listeners, mut attachments, mut not_owned) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for listener in allowing {
            for own in self.hosts {
                let Some(host) = intersection(&listener.host, own) else { continue };
                if !self.own_hosts.have(&host) {
                    not_owned.insert(host);
                    continue;
                }
                listeners.insert(listener.name.clone());
                attachments.extend(listener.entry.map(|entry| Attachment {
                    entry,
                    listener: listener.host.clone(),
                    host,
                    own: own.clone(),
                }));
            }
        }
        if listeners.is_empty() && !not_owned.is_empty() {
            let message = "is for hosts that its namespace may not have: --host-owners-configmap is set";
            return Err(("NotAllowedByListeners", message.to_owned()));
        }
        if listeners.is_empty() {
            let message = "is to listeners whose hostname takes none of the hostnames of the route";
            return Err(("NoMatchingListenerHostname", message.to_owned()));
        }
        Ok(Attached {
            gateway: gateway.rank.key.clone(),
            set,
            listeners: listeners.into_iter().collect(),
            attachments: attachments.into_iter().collect(),
            not_owned: not_owned.into_iter().collect(),
        })
    }
}
