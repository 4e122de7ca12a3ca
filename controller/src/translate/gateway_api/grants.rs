//! Whether a reference into another namespace is allowed.

use crate::gateway_api::{GROUP, GrantFrom, GrantTo};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};

/// What is referred to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) group: &'a str,
    pub(super) kind: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

/// Whether an object of Gateway API may refer to another object: in its own namespace always, elsewhere where a
/// ReferenceGrant of that namespace says so.
pub(super) fn permits(from: &ObjectKey, to: Target<'_>, lookup: &Lookup<'_>) -> bool {
    let is_from = |grant: &GrantFrom| {
        grant.group == GROUP && grant.kind == from.kind.name() && grant.namespace == *from.namespace
    };
    let is_to = |grant: &GrantTo| {
        let is_named = grant.name.as_deref().is_none_or(|name| name.is_empty() || name == to.name);
        grant.group == to.group && grant.kind == to.kind && is_named
    };
    *to.namespace == *from.namespace
        || lookup.reference_grants(to.namespace).any(|grant| {
            let spec = &grant.object.spec;
            spec.from.iter().any(is_from) && spec.to.iter().any(is_to)
        })
}

/// How a person is told of a reference that is not.
pub(super) fn not_permitted(from: Kind, to: Target<'_>) -> String {
    let Target { kind, namespace, name, .. } = to;
    format!("names {kind} {namespace}/{name}: expected a ReferenceGrant in namespace {namespace} from {from} to {kind}")
}
