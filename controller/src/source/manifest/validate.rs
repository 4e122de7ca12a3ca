//! What the API server would refuse of an Ingress, for Ingresses that never met one
//! (`pkg/apis/networking/validation/validation.go` of Kubernetes).

use crate::diagnostic::Diagnostic;
use crate::object::{Kind, ObjectKey, is_name};
use gateway::config::Subject;
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
};
use std::net::IpAddr;

/// Everything about `ingress` that Kubernetes would refuse it for.
pub fn validate(ingress: &Ingress) -> Vec<Diagnostic> {
    prune(&mut ingress.clone())
}

/// Leaves out of `ingress` what Kubernetes would refuse it for, and says so: a host or a rule without paths costs its
/// rule, a bad path or backend costs that path, and the rest serves.
///
/// A rule or path that is left out stays as one without anything in it ([`is_left_out`]), so that the others keep their
/// indexes, by which all that is said of them later names them, and an Ingress does not come to be one without rules.
pub(crate) fn prune(ingress: &mut Ingress) -> Vec<Diagnostic> {
    let namespace = ingress.metadata.namespace.as_deref().unwrap_or("default");
    let name = ingress.metadata.name.as_deref().unwrap_or_default();
    let mut found = Findings { object: ObjectKey::new(Kind::Ingress, namespace, name).into(), diagnostics: Vec::new() };
    let spec = ingress.spec.get_or_insert_default();
    if spec.default_backend.is_none() && spec.rules.as_ref().is_none_or(Vec::is_empty) {
        found.error("spec", None, "has neither rules nor a defaultBackend: expected one of them; nothing is served");
    }
    if spec
        .default_backend
        .as_ref()
        .is_some_and(|backend| !is_valid_backend(backend, "spec.defaultBackend", &mut found))
    {
        spec.default_backend = None;
    }
    for (index, rule) in spec.rules.iter_mut().flatten().enumerate() {
        if !is_valid_rule(rule, &format!("spec.rules[{index}]"), &mut found) {
            *rule = IngressRule { host: None, http: Some(HTTPIngressRuleValue::default()) };
        }
    }
    retain_indexed(spec.tls.as_mut(), |index, tls| {
        retain_indexed(tls.hosts.as_mut(), |nth, host| {
            is_valid_host(host, &format!("spec.tls[{index}].hosts[{nth}]"), &mut found)
        });
        true
    });
    found.diagnostics
}

struct Findings {
    object: Subject,
    diagnostics: Vec<Diagnostic>,
}

impl Findings {
    /// Always false: what an error was found in is not valid.
    fn error(&mut self, field: &str, value: Option<&str>, message: &str) -> bool {
        let diagnostic = Diagnostic::error(self.object.clone(), field, message);
        self.diagnostics.push(match value {
            Some(value) => diagnostic.with_value(value),
            None => diagnostic,
        });
        false
    }
}

fn retain_indexed<T>(items: Option<&mut Vec<T>>, mut keep: impl FnMut(usize, &mut T) -> bool) {
    let mut index = 0;
    if let Some(items) = items {
        items.retain_mut(|item| {
            index += 1;
            keep(index - 1, item)
        });
    }
}

/// Whether a rule has been left out: none that Kubernetes takes has an empty list of paths.
pub(crate) fn is_left_out(rule: &IngressRule) -> bool {
    rule.http.as_ref().is_some_and(|http| http.paths.is_empty())
}

/// Whether a path has been left out: none that Kubernetes takes has no type.
pub(crate) fn is_path_left_out(path: &HTTPIngressPath) -> bool {
    path.path_type.is_empty()
}

/// Whether anything of a rule stays. Its invalid paths are left out.
fn is_valid_rule(rule: &mut IngressRule, field: &str, found: &mut Findings) -> bool {
    if let Some(host) = rule.host.as_deref().filter(|host| !host.is_empty())
        && !is_valid_host(host, &format!("{field}.host"), found)
    {
        return false;
    }
    let Some(http) = &mut rule.http else { return true };
    let field = format!("{field}.http.paths");
    if http.paths.is_empty() {
        return found.error(
            &field,
            None,
            "is empty: expected at least one path, or no http at all; the rule is not served",
        );
    }
    for (index, path) in http.paths.iter_mut().enumerate() {
        let field = format!("{field}[{index}]");
        let path_is_valid = is_valid_path(path, &field, found);
        if !is_valid_backend(&path.backend, &format!("{field}.backend"), found) || !path_is_valid {
            *path = HTTPIngressPath::default();
        }
    }
    !http.paths.iter().all(is_path_left_out)
}

fn is_valid_host(host: &str, field: &str, found: &mut Findings) -> bool {
    if host.parse::<IpAddr>().is_ok() {
        return found.error(field, Some(host), "is an IP address: expected a DNS name; the host is not served");
    }
    let is_host = host.len() <= 253 && host.strip_prefix("*.").unwrap_or(host).split('.').all(is_label);
    is_host
        || found.error(
            field,
            Some(host),
            "is not a host name: expected labels of a-z, 0-9 and '-' separated by dots, the first of which may be '*', \
             and no port; the host is not served",
        )
}

/// A DNS label (RFC 1123), in lower case.
fn is_label(label: &str) -> bool {
    label.len() <= 63 && !label.contains('.') && is_name(label)
}

fn is_valid_path(path: &HTTPIngressPath, field: &str, found: &mut Findings) -> bool {
    let text = path.path.as_deref().unwrap_or_default();
    let literal = match path.path_type.as_str() {
        "Exact" | "Prefix" => true,
        "ImplementationSpecific" => false,
        "" => {
            let message = "is missing: expected Exact, Prefix or ImplementationSpecific; the path is not served";
            return found.error(&format!("{field}.pathType"), None, message);
        }
        other => {
            let message =
                "is not a path type: expected Exact, Prefix or ImplementationSpecific; the path is not served";
            return found.error(&format!("{field}.pathType"), Some(other), message);
        }
    };
    let field = format!("{field}.path");
    if !text.starts_with('/') && (literal || !text.is_empty()) {
        return found.error(
            &field,
            Some(text),
            "does not begin with '/': expected an absolute path; the path is not served",
        );
    }
    let inside = ["//", "/./", "/../", "%2f", "%2F"].into_iter().find(|sequence| text.contains(sequence));
    let forbidden = inside.or_else(|| ["/..", "/."].into_iter().find(|end| text.ends_with(end)));
    match forbidden.filter(|_| literal) {
        None => true,
        Some(sequence) => {
            let message =
                format!("contains {sequence:?}, which no {} path may contain; the path is not served", path.path_type);
            found.error(&field, Some(text), &message)
        }
    }
}

fn is_valid_backend(backend: &IngressBackend, field: &str, found: &mut Findings) -> bool {
    match (&backend.service, &backend.resource) {
        (Some(service), None) => is_valid_service(service, &format!("{field}.service"), found),
        (None, Some(_)) => true,
        (Some(_), Some(_)) => {
            found.error(field, None, "has both service and resource: expected one of them; no request is routed to it")
        }
        (None, None) => found.error(
            field,
            None,
            "has neither service nor resource: expected service.name and service.port (serviceName and servicePort are of \
             v1beta1); no request is routed to it",
        ),
    }
}

fn is_valid_service(service: &IngressServiceBackend, field: &str, found: &mut Findings) -> bool {
    let name_is_valid = is_label(&service.name)
        || found.error(
            &format!("{field}.name"),
            Some(&service.name),
            &with_comment_hint(
                &service.name,
                "is not a Service name: expected one label of a-z, 0-9 and '-'; no request is routed to it",
            ),
        );
    let port = service.port.clone().unwrap_or_default();
    let port_name = port.name.as_deref().filter(|name| !name.is_empty());
    // Zero is "not set" to Kubernetes.
    let port_is_valid = match (port_name, port.number.filter(|number| *number != 0)) {
        (None, Some(number)) => {
            (1..=65535).contains(&number)
                || found.error(
                    &format!("{field}.port.number"),
                    Some(&number.to_string()),
                    "is not a port: expected 1 to 65535; no request is routed to it",
                )
        }
        (Some(name), None) => is_port_name(name)
            || found.error(
                &format!("{field}.port.name"),
                Some(name),
                &with_comment_hint(
                    name,
                    "is not a port name: expected at most 15 of a-z, 0-9 and '-', with at least one letter; no request \
                         is routed to it",
                ),
            ),
        (Some(_), Some(_)) => {
            let message = "has both name and number: expected one of them; no request is routed to it";
            found.error(&format!("{field}.port"), None, message)
        }
        (None, None) => {
            let message = "has neither name nor number: expected one of them; no request is routed to it";
            found.error(&format!("{field}.port"), None, message)
        }
    };
    name_is_valid && port_is_valid
}

/// An IANA service name (RFC 6335).
fn is_port_name(name: &str) -> bool {
    name.len() <= 15 && is_label(name) && !name.contains("--") && name.bytes().any(|b| b.is_ascii_lowercase())
}

fn with_comment_hint(value: &str, message: &str) -> String {
    if value.contains("//") {
        format!("{message} (YAML comments begin with '#', not with '//')")
    } else {
        message.to_owned()
    }
}

#[cfg(test)]
mod tests;
