//! What is known of an Ingress before its hosts are looked at: each annotation, and what has no counterpart anywhere.

use super::annotations::{Fate, fate};
use super::report::{Findings, Verdict};
use super::source::Source;
use crate::annotation::{Annotation, Applied, Effect, Scope};
use crate::object::ObjectKey;
use crate::store::Stored;
use k8s_openapi::api::networking::v1::{Ingress, IngressBackend};

/// Says what becomes of an Ingress's annotations and backends.
pub(super) fn judge(ingress: &Stored<Ingress>, source: &Source, findings: &mut Findings) {
    findings.begin(&ingress.key);
    let given = source.given(&ingress.key);
    for applied in given.0 {
        if let Some(annotation) = Annotation::named(applied.key) {
            let (verdict, detail) = of_annotation(annotation, applied, &ingress.key, source);
            let name = Annotation::full_name(applied.key, &source.settings.annotations_prefix);
            findings.add(&ingress.key, verdict, &name, &applied.value, &detail);
        }
    }
    for (field, backend) in backends(&ingress.object) {
        if backend.resource.is_some() {
            findings.refuse(&ingress.key, &field, "", "leads to a resource, which Adit serves neither here nor there");
        }
    }
}

fn of_annotation(
    annotation: &Annotation,
    applied: &Applied,
    ingress: &ObjectKey,
    source: &Source,
) -> (Verdict, String) {
    match applied.effect {
        Effect::None => return (Verdict::Converted, "nothing, since it has no effect".to_owned()),
        Effect::Denied | Effect::HostDenied | Effect::Rejected => {
            let why = "its requests are refused because of it: mend it first, `adit check` says what is wrong";
            return (Verdict::NotConverted, why.to_owned());
        }
        Effect::Applied => {}
    }
    let is_canary = source.given(ingress).is_canary();
    match fate(annotation, &source.given(ingress)) {
        Fate::Converted(what) => (Verdict::Converted, what.to_owned()),
        Fate::Kept(_) if is_canary && annotation.facets.scope == Scope::Upstream => {
            let why = "it is about the canary's Service alone, and a policy is for all backends of a rule";
            (Verdict::NotConverted, why.to_owned())
        }
        Fate::Kept(field) => (Verdict::Kept, format!("{field} of an AditPolicy")),
        Fate::Left(why) => (Verdict::NotConverted, why.to_owned()),
    }
}

/// Everything that an Ingress leads to, with its field.
fn backends(ingress: &Ingress) -> Vec<(String, &IngressBackend)> {
    let Some(spec) = &ingress.spec else { return Vec::new() };
    let default = spec.default_backend.iter().map(|backend| ("spec.defaultBackend".to_owned(), backend));
    let rules = spec.rules.iter().flatten().enumerate().flat_map(|(rule, rules)| {
        let paths = rules.http.iter().flat_map(|http| http.paths.iter().enumerate());
        paths.map(move |(path, declared)| (format!("spec.rules[{rule}].http.paths[{path}].backend"), &declared.backend))
    });
    default.chain(rules).collect()
}
