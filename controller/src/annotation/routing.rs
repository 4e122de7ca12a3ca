//! Which requests an Ingress takes.

use super::entry::{Annotation, Invalid, Scope, Support};
use super::error::AnnotationError;
use super::settings::AnnotationSettings;
use super::value::Value;
use crate::route_defaults::Risk;
use gateway::config::HostName;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "use-regex",
        scope: Scope::Host,
        risk: Risk::Low,
        support: Support::Partial(
            "In `path-matching: strict` only for the paths of this Ingress. Look-around and back-references run on an \
             engine with a step limit.",
        ),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Paths are regular expressions, without regard to case and anchored at the start only, and so are all other \
              paths of the host, whichever Ingress they come from. Boolean.",
        apply: |value, draft| {
            draft.use_regex = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "server-alias",
        scope: Scope::Host,
        risk: Risk::High,
        support: Support::Full,
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "More names for the hosts of this Ingress, separated by commas: host names, wildcards such as \
              `*.example.com`, or `~` and a regular expression. A name that a rule has is left to the rule.",
        apply: aliases,
    },
];

fn aliases(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), AnnotationError> {
    let mut aliases = Vec::new();
    for text in value.text().split(',').map(str::trim).filter(|text| !text.is_empty()) {
        Value(text).server_name()?;
        match HostName::parse(text) {
            Ok(name) if !aliases.contains(&name) => aliases.push(name),
            Ok(_) => {}
            Err(error) => draft.complain(format!("has the alias {text:?}, which {error}; it is left out")),
        }
    }
    draft.aliases = aliases;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route_defaults::RouteDefaults;

    #[test]
    fn aliases_are_names_wildcards_and_patterns() {
        let mut draft = AnnotationSettings::new(&RouteDefaults::default());
        aliases(Value("bar, *.x.com,~^www\\d+\\.y$, bar,a..b"), &mut draft).expect("valid");
        assert_eq!(
            draft.aliases,
            [
                HostName::Exact("bar".into()),
                HostName::Wildcard("x.com".into()),
                HostName::Pattern("^www\\d+\\.y$".into())
            ]
        );
        assert_eq!(draft.complaints.len(), 1);
        assert!(aliases(Value("a b"), &mut draft).is_err());
    }
}
