//! Whether an Ingress may be as it is to become.

use super::request::AdmissionRequest;
use super::verdict::Verdict;
use crate::diagnostic::{AtAdmission, Diagnostic, Statement};
use crate::object::{Kind, Object, Observed};
use crate::settings::WatchedNamespaces;
use crate::source::manifest::{Typed, observe, strip};
use crate::store::{Store, Stored};
use crate::translate::Translator;
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::Value;
use std::collections::HashSet;

/// How many reasons, and how many warnings, are told of one Ingress.
const TOLD: usize = 10;

/// The longest warning, in characters: the API server cuts those that are longer.
const WARNING: usize = 256;

/// Reviews what is to become of an object beside all that is served.
///
/// An Ingress is refused for what ingress-nginx's webhook would refuse it for, unless its former version has the same
/// fault: who repairs an Ingress, or changes something else of it, need not repair all at once.
pub(crate) fn review(
    request: AdmissionRequest,
    watched: &WatchedNamespaces,
    translator: &Translator,
    store: &Store,
) -> Verdict {
    if !request.writes_an_ingress() {
        return Verdict::allowed();
    }
    if translator.settings().is_none() {
        return Verdict::Unchecked("it is starting, and does not know all objects of the cluster yet".to_owned());
    }
    let draft = match ingress(request.object) {
        Ok(draft) => draft,
        Err(wrong) => return Verdict::Unchecked(format!("it cannot read it: {}", Statement(&wrong))),
    };
    let is_watched = !matches!(watched, WatchedNamespaces::One(namespace) if *namespace != draft.key.namespace);
    // One that is being deleted only loses its finalizers.
    if !is_watched || draft.object.metadata.deletion_timestamp.is_some() {
        return Verdict::allowed();
    }
    let Some(found) = translator.draft(store, &draft) else { return Verdict::allowed() };
    let former = ingress(request.old_object).ok().and_then(|former| translator.draft(store, &former));
    let former: HashSet<_> = former.iter().flatten().map(fault).collect();
    let is_new = |diagnostic: &&Diagnostic| {
        diagnostic.at_admission == AtAdmission::Refuses && !former.contains(&fault(diagnostic))
    };
    let (refused, rest): (Vec<_>, Vec<_>) = found.iter().partition(is_new);
    let rest = rest.into_iter().filter(|diagnostic| diagnostic.at_admission != AtAdmission::Waits);
    let warnings = rest.take(TOLD).map(warning).collect();
    match refusal(&refused) {
        None => Verdict::Allowed { warnings },
        Some(message) => Verdict::Refused { message, warnings },
    }
}

/// The Ingress as a source would give it. `null` is none.
fn ingress(mut object: Value) -> Result<Stored<Ingress>, Diagnostic> {
    strip(&mut object);
    // What Kubernetes refuses of an Ingress, it has refused before it asks.
    let Typed { observed: Observed { key, object, age }, .. } = observe(Kind::Ingress, &object)?;
    match object {
        Object::Ingress(object) => Ok(Stored { key, object, age }),
        _ => Err(Diagnostic::error(key, "kind", "is not an Ingress")),
    }
}

/// What a fault is known by, where other rules come before it.
fn fault(diagnostic: &Diagnostic) -> (String, Option<&str>, &str) {
    let without_numbers = diagnostic.field.chars().filter(|c| !c.is_ascii_digit());
    (without_numbers.collect(), diagnostic.value.as_deref(), &diagnostic.message)
}

/// Why an Ingress is refused, a line for each reason.
fn refusal(refused: &[&Diagnostic]) -> Option<String> {
    let told = refused.iter().take(TOLD).map(|diagnostic| said(diagnostic));
    let more = refused.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("and {more} more"));
    let lines: Vec<_> = told.chain(more).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn said(diagnostic: &Diagnostic) -> String {
    format!("{}: {}", diagnostic.object, Statement(diagnostic))
}

/// One line, as HTTP's header for warnings takes it.
fn warning(diagnostic: &Diagnostic) -> String {
    let line = said(diagnostic).replace('\n', " ");
    if line.chars().count() <= WARNING {
        return line;
    }
    line.chars().take(WARNING - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
