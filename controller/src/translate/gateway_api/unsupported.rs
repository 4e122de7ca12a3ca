//! Objects of kinds that are not supported yet. Whoever attaches one to a Gateway of ours is told.

use super::attachment::Gateways;
use super::findings::Findings;
use crate::diagnostic::{Diagnostic, Place};
use crate::gateway_api::{Condition, ObjectStatus, ParentReference, ParentStatus, StatusParts};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::store::GatewayObjects;

/// What an object attaches to, as far as it is of such a kind.
struct Attaching<'a> {
    place: Option<&'a Place>,
    generation: Option<i64>,
    parents: Vec<ParentReference>,
}

/// All of them.
pub(super) fn all(objects: &GatewayObjects) -> Vec<ObjectKey> {
    let tls = objects.tls_routes.iter().map(|stored| &stored.key);
    let tcp = objects.tcp_routes.iter().map(|stored| &stored.key);
    let udp = objects.udp_routes.iter().map(|stored| &stored.key);
    tls.chain(tcp).chain(udp).cloned().collect()
}

/// The status of such an object, and what a person is told; `None` if it is not meant for us.
pub(super) fn tell(
    key: &ObjectKey,
    gateways: &Gateways,
    objects: &GatewayObjects,
    lookup: &Lookup<'_>,
) -> Option<(ObjectStatus, Vec<Diagnostic>)> {
    let Attaching { place, generation, parents } = attaching(key, objects)?;
    let is_ours = |parent: &ParentReference| {
        let namespace = parent.namespace.as_deref().unwrap_or(&key.namespace);
        let kind = parent.kind.as_deref().unwrap_or(Kind::Gateway.name());
        // Recorded also where it is not ours yet.
        lookup.gateway(namespace, &parent.name);
        kind == Kind::Gateway.name()
            && gateways.contains_key(&ObjectKey::new(Kind::Gateway, namespace, parent.name.as_str()))
    };
    let ours: Vec<_> = parents.into_iter().filter(is_ours).collect();
    let first = ours.first()?;
    let mut findings = Findings::of(key, place);
    let message = format!("is a Gateway of Adit, which does not support {} yet: nothing of it is served", key.kind);
    findings.ignored("spec.parentRefs", &first.name, &message);
    let accepted = Condition::fails("Accepted", "NotAllowedByListeners", message);
    let parts = ours.into_iter().map(|parent| ParentStatus { parent, conditions: vec![accepted.clone()] }).collect();
    Some((ObjectStatus { generation, parts: StatusParts::Route(parts) }, findings.diagnostics))
}

fn attaching<'a>(key: &ObjectKey, objects: &'a GatewayObjects) -> Option<Attaching<'a>> {
    let ObjectKey { kind, namespace, name } = key;
    macro_rules! route {
        ($routes:ident) => {{
            let stored = objects.$routes.get(namespace, name)?;
            let (place, generation) = (stored.age.place.as_ref(), stored.object.metadata.generation);
            Some(Attaching { place, generation, parents: stored.object.spec.parent_refs.clone() })
        }};
    }
    match kind {
        Kind::TlsRoute => route!(tls_routes),
        Kind::TcpRoute => route!(tcp_routes),
        Kind::UdpRoute => route!(udp_routes),
        _ => None,
    }
}
