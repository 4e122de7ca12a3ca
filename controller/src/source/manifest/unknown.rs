//! Fields that a kind does not have: Kubernetes warns of them or drops them, and whoever wrote them meant another one.

use crate::diagnostic::{Diagnostic, Reason};
use crate::object::ObjectKey;
use crate::suggestion::{did_you_mean, nearest};

/// The fields that people write in the kinds that Adit reads.
const FIELDS: [&str; 48] = [
    "addressType",
    "addresses",
    "annotations",
    "apiVersion",
    "backend",
    "conditions",
    "controller",
    "data",
    "defaultBackend",
    "endpoints",
    "externalName",
    "host",
    "hosts",
    "http",
    "ingressClassName",
    "kind",
    "labels",
    "loadBalancer",
    "metadata",
    "name",
    "namespace",
    "nodeName",
    "nodePort",
    "notReadyAddresses",
    "number",
    "parameters",
    "path",
    "pathType",
    "paths",
    "port",
    "ports",
    "protocol",
    "publishNotReadyAddresses",
    "ready",
    "resource",
    "rules",
    "secretName",
    "selector",
    "service",
    "serving",
    "spec",
    "stringData",
    "subsets",
    "targetPort",
    "targetRef",
    "terminating",
    "tls",
    "type",
];

/// The warning about a field that the kind of this object does not have.
pub(super) fn unknown_field(key: &ObjectKey, field: &str) -> Diagnostic {
    let name = field.rsplit_once('.').map_or(field, |(_, name)| name);
    let suggestion = match name {
        // Of versions before v1.
        "serviceName" => "; did you mean \"service.name\"?".to_owned(),
        "servicePort" => "; did you mean \"service.port.number\"?".to_owned(),
        _ => did_you_mean(nearest(name, FIELDS.into_iter().filter(|known| *known != name))),
    };
    let message = format!("is not a field of this kind; it is ignored{suggestion}");
    Diagnostic::warning(key, field, message).because(Reason::Ignored)
}
