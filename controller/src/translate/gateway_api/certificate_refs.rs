//! Certificates with their keys, of listeners and towards backends.

use super::grants::{self, Target};
use crate::gateway_api::{Fault, ObjectReference};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use crate::translate::certificates::Certificates;
use gateway::config::Certificate;
use std::sync::Arc;

/// The certificate that a reference leads to. `invalid` is the reason of a condition where it is to nothing that can be used.
///
/// # Errors
/// It may not be followed, or leads to no certificate.
pub(super) fn read(
    from: &ObjectKey,
    reference: &ObjectReference,
    invalid: &'static str,
    (lookup, certificates): (&Lookup<'_>, &Certificates),
) -> Result<Arc<Certificate>, Fault> {
    let (group, kind) = (reference.group.as_deref().unwrap_or(""), reference.kind.as_deref().unwrap_or("Secret"));
    let namespace = reference.namespace.as_deref().unwrap_or(&from.namespace);
    let to = Target { group, kind, namespace, name: &reference.name };
    if (group, kind) != ("", "Secret") {
        return Err((invalid, format!("names a {kind}, which is not supported: expected a Secret")));
    }
    if !grants::permits(from, to, lookup) {
        return Err(("RefNotPermitted", grants::not_permitted(from.kind, to)));
    }
    let message = match certificates.read(namespace, to.name, lookup).as_deref() {
        Some(Ok(pair)) => return Ok(Arc::clone(&pair.certificate)),
        Some(Err(error)) => format!("names Secret {namespace}/{}, which {error}", to.name),
        None => format!("names Secret {namespace}/{}, which does not exist", to.name),
    };
    Err((invalid, message))
}
