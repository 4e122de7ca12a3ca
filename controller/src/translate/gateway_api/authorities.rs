//! Certificates of authorities in ConfigMaps and Secrets, of which clients or backends have theirs.

use super::findings::Findings;
use super::grants::{self, Target};
use crate::certificate::certificates;
use crate::diagnostic::Reason;
use crate::gateway_api::{Fault, ObjectReference};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use gateway::config::Authorities;
use gateway::tls::authorities::roots;
use std::sync::Arc;

/// The key that holds them, PEM.
const KEY: &str = "ca.crt";

/// What references lead to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    /// DER, of all that can be read.
    pub(super) certificates: Vec<Vec<u8>>,
    /// Why not all that is named can.
    pub(super) fault: Option<Fault>,
}

/// Follows the references to authorities that a field of an object has. `of_kind` is the reason of a condition where one is to
/// something else.
pub(super) fn read(
    from: &ObjectKey,
    references: &[ObjectReference],
    (field, of_kind): (&str, &'static str),
    lookup: &Lookup<'_>,
    findings: &mut Findings,
) -> Found {
    let mut found = Found::default();
    for (index, reference) in references.iter().enumerate() {
        match follow(from, reference, of_kind, lookup) {
            Ok(certificates) => found.certificates.extend(certificates),
            Err((reason, message)) => {
                let field = format!("{field}[{index}].name");
                findings.error(Reason::InvalidCertificate, &field, &reference.name, &message);
                found.fault.get_or_insert((reason, format!("{field}: {message}")));
            }
        }
    }
    found
}

fn follow(
    from: &ObjectKey,
    reference: &ObjectReference,
    of_kind: &'static str,
    lookup: &Lookup<'_>,
) -> Result<Vec<Vec<u8>>, Fault> {
    let group = reference.group.as_deref().unwrap_or_default();
    let kind = reference.kind.as_deref().unwrap_or("ConfigMap");
    let namespace = reference.namespace.as_deref().unwrap_or(&from.namespace);
    let to = Target { group, kind, namespace, name: &reference.name };
    if !group.is_empty() || !matches!(kind, "ConfigMap" | "Secret") {
        return Err((of_kind, format!("names a {kind}, which is not supported: expected a ConfigMap or a Secret")));
    }
    if !grants::permits(from, to, lookup) {
        return Err(("RefNotPermitted", grants::not_permitted(from.kind, to)));
    }
    let certificates = pem(to, lookup).and_then(|pem| {
        let found =
            certificates(pem).ok_or("has no certificates in PEM in data[ca.crt]: expected those of authorities")?;
        let found: Arc<[_]> = found.iter().map(|der| der.to_vec()).collect();
        roots(&Authorities::Given(Arc::clone(&found)))
            .map_err(|_| "has a certificate in data[ca.crt] that cannot be one of an authority")?;
        Ok(found.to_vec())
    });
    let described = |error| ("InvalidCACertificateRef", format!("names {kind} {namespace}/{}, which {error}", to.name));
    certificates.map_err(described)
}

/// What an object has under the key.
fn pem<'a>(to: Target<'_>, lookup: &Lookup<'a>) -> Result<&'a [u8], &'static str> {
    const MISSING: &str = "does not exist";
    let text = if to.kind == "Secret" {
        let secret = lookup.secret(to.namespace, to.name).ok_or(MISSING)?;
        secret.data.as_ref().and_then(|data| data.get(KEY)).map(|bytes| bytes.0.as_slice())
    } else {
        let map = lookup.config_map(to.namespace, to.name).ok_or(MISSING)?;
        map.data.as_ref().and_then(|data| data.get(KEY)).map(String::as_bytes)
    };
    text.ok_or("has no data[ca.crt]")
}
