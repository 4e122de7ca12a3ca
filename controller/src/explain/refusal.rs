//! Why a rule of Gateway API is not served as it is meant, and which policies have no effect, in words.

use crate::diagnostic::{Diagnostic, Severity, Statement};
use crate::object::{Kind, ObjectKey};
use crate::translate::Translator;
use gateway::config::{Origin, Subject};

/// What is wrong with the rule of a route, and with the BackendTLSPolicies of its backends. `None` where nothing is known to be.
pub(super) fn of_route(route: &Origin, translator: &Translator) -> Option<String> {
    let mut told = Vec::new();
    let mut tell = |diagnostic: &Diagnostic| {
        let sentence = sentence(diagnostic);
        // Several backends may have one policy.
        if !told.contains(&sentence) {
            told.push(sentence);
        }
    };
    let of_rule = errors(translator, &route.object).filter(|wrong| concerns(&wrong.field, &route.field));
    for wrong in of_rule {
        tell(wrong);
        if let Some(policy) = wrong.related.as_ref().filter(|related| is_policy(related)) {
            errors(translator, policy).for_each(&mut tell);
        }
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// The BackendTLSPolicies for the Service of this name that have no effect there, because this one comes first: a sentence each.
pub(super) fn of_rivals(policy: &Subject, service: &str, translator: &Translator) -> Vec<String> {
    let is_rival = |diagnostic: &&Diagnostic| {
        diagnostic.related.as_ref() == Some(policy) && diagnostic.value.as_deref() == Some(service)
    };
    let rivals = translator.diagnostics().filter(|diagnostic| is_policy(&diagnostic.object)).filter(is_rival);
    rivals.map(sentence).collect()
}

fn errors<'t>(translator: &'t Translator, of: &Subject) -> impl Iterator<Item = &'t Diagnostic> {
    translator.diagnostics().filter(move |found| found.severity == Severity::Error && found.object == *of)
}

fn sentence(diagnostic: &Diagnostic) -> String {
    format!("{}: {}", diagnostic.object, Statement(diagnostic))
}

fn is_policy(subject: &Subject) -> bool {
    ObjectKey::of(subject).is_some_and(|key| key.kind == Kind::BackendTlsPolicy)
}

/// Whether a field of a route matters to the requests of a match, as other matches of its rule do not.
fn concerns(field: &str, of_match: &str) -> bool {
    let rule = of_match.split(".matches[").next().unwrap_or_default();
    let within = |part: &str| field.strip_prefix(part).filter(|rest| rest.is_empty() || rest.starts_with('.'));
    within(of_match).is_some() || within(rule).is_some_and(|rest| !rest.starts_with(".matches["))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_concerned_by_itself_and_by_its_rule() {
        let of_match = "spec.rules[1].matches[0]";
        for field in ["spec.rules[1]", "spec.rules[1].backendRefs[0].name", of_match, "spec.rules[1].matches[0].path"] {
            assert!(concerns(field, of_match), "{field}");
        }
        for field in
            ["spec.rules[1].matches[1].path", "spec.rules[10].backendRefs[0]", "spec.rules[0]", "spec.hostnames"]
        {
            assert!(!concerns(field, of_match), "{field}");
        }
    }
}
