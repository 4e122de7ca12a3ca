//! Whether an Ingress or a ConfigMap may be as it is to become.

use super::request::AdmissionRequest;
use super::verdict::Verdict;
use crate::diagnostic::{AtAdmission, Diagnostic, Statement};
use crate::object::{Kind, Object, ObjectKey, Observed};
use crate::settings::WatchedNamespaces;
use crate::source::manifest::{observe, strip};
use crate::store::{Store, Stored};
use crate::translate::Translator;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// How many reasons, and how many warnings, are told of one object.
const TOLD: usize = 10;

/// The longest warning, in characters: the API server cuts those that are longer.
const WARNING: usize = 256;

/// Reviews what is to become of an object beside all that is served.
///
/// An Ingress is refused for what ingress-nginx's webhook would refuse it for, a ConfigMap for a value that cannot be used,
/// unless its former version has the same fault: who repairs an object, or changes something else of it, need not repair all
/// at once.
pub(crate) fn review(
    request: AdmissionRequest,
    watched: &WatchedNamespaces,
    translator: &Translator,
    store: &Store,
) -> Verdict {
    let Some(kind) = request.written() else { return Verdict::allowed() };
    if translator.settings().is_none() {
        return Verdict::Unchecked("it is starting, and does not know all objects of the cluster yet".to_owned());
    }
    let found = match kind {
        Kind::ConfigMap => of_config_map(request, translator, store),
        _ => of_ingress(request, watched, translator, store),
    };
    match found {
        Ok(None) => Verdict::allowed(),
        Ok(Some(found)) => found.verdict(),
        Err(wrong) => Verdict::Unchecked(format!("it cannot read it: {}", Statement(&wrong))),
    }
}

/// What is wrong with an object as it is to become, and as it is.
struct Found {
    now: Vec<Diagnostic>,
    former: Vec<Diagnostic>,
}

impl Found {
    fn verdict(self) -> Verdict {
        let former: HashSet<_> = self.former.iter().map(fault).collect();
        let is_new = |diagnostic: &&Diagnostic| {
            diagnostic.at_admission == AtAdmission::Refuses && !former.contains(&fault(diagnostic))
        };
        let (refused, rest): (Vec<_>, Vec<_>) = self.now.iter().partition(is_new);
        let rest = rest.into_iter().filter(|diagnostic| diagnostic.at_admission != AtAdmission::Waits);
        let warnings = rest.take(TOLD).map(warning).collect();
        match refusal(&refused) {
            None => Verdict::Allowed { warnings },
            Some(message) => Verdict::Refused { message, warnings },
        }
    }
}

/// `None` if the Ingress is not ours.
fn of_ingress(
    request: AdmissionRequest,
    watched: &WatchedNamespaces,
    translator: &Translator,
    store: &Store,
) -> Result<Option<Found>, Diagnostic> {
    let draft = ingress(request.object)?;
    let is_watched = !matches!(watched, WatchedNamespaces::One(namespace) if *namespace != draft.key.namespace);
    // One that is being deleted only loses its finalizers.
    if !is_watched || draft.object.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    let Some(now) = translator.draft(store, &draft) else { return Ok(None) };
    let former = ingress(request.old_object).ok().and_then(|former| translator.draft(store, &former));
    Ok(Some(Found { now, former: former.unwrap_or_default() }))
}

/// `None` if the ConfigMap is none that settings or TCP and UDP services are read from.
fn of_config_map(
    request: AdmissionRequest,
    translator: &Translator,
    store: &Store,
) -> Result<Option<Found>, Diagnostic> {
    let (key, draft) = config_map(request.object)?;
    if draft.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    let Some(now) = translator.draft_config_map(store, &key, &draft) else { return Ok(None) };
    let former = config_map(request.old_object).ok();
    let former = former.and_then(|(key, former)| translator.draft_config_map(store, &key, &former));
    Ok(Some(Found { now, former: former.unwrap_or_default() }))
}

/// The Ingress as a source would give it. `null` is none.
fn ingress(object: Value) -> Result<Stored<Ingress>, Diagnostic> {
    // What Kubernetes refuses of an Ingress, it has refused before it asks.
    let Observed { key, object, age } = observed(Kind::Ingress, object)?;
    match object {
        Object::Ingress(object) => Ok(Stored { key, object, age }),
        _ => Err(Diagnostic::error(key, "kind", "is not an Ingress")),
    }
}

/// The ConfigMap, likewise.
fn config_map(object: Value) -> Result<(ObjectKey, Arc<ConfigMap>), Diagnostic> {
    let Observed { key, object, .. } = observed(Kind::ConfigMap, object)?;
    match object {
        Object::ConfigMap(object) => Ok((key, object)),
        _ => Err(Diagnostic::error(key, "kind", "is not a ConfigMap")),
    }
}

fn observed(kind: Kind, mut object: Value) -> Result<Observed, Diagnostic> {
    strip(&mut object);
    observe(kind, &object).map(|typed| typed.observed)
}

/// What a fault is known by, where other rules come before it.
fn fault(diagnostic: &Diagnostic) -> (String, Option<&str>, &str) {
    let without_numbers = diagnostic.field.chars().filter(|c| !c.is_ascii_digit());
    (without_numbers.collect(), diagnostic.value.as_deref(), &diagnostic.message)
}

/// Why an object is refused, a line for each reason.
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
