//! Which requests an Ingress takes.

use super::entry::{Annotation, Invalid, Scope};
use super::settings::AnnotationSettings;
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use gateway::config::HostName;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "use-regex",
        Scope::Host,
        Risk::Low,
        Invalid::FallsBack,
        "Makes paths regular expressions. They ignore case and are anchored at the start only. It applies to all \
         paths of the host, also to those of other Ingresses. Boolean, default false.",
        |value, draft| {
            draft.use_regex = value.bool()?;
            Ok(())
        },
    )
    .but(
        "With `path-matching: strict` it applies only to the paths of this Ingress. Expressions with look-around or \
         back-references have a limit of steps; a request that exceeds it is answered with 500.",
    ),
    Annotation::full(
        "server-alias",
        Scope::Host,
        Risk::High,
        Invalid::RejectsIngress,
        "Sets more names for the hosts of this Ingress, separated by commas: host names, wildcards such as \
         `*.example.com`, or `~` and a regular expression. Default: none. A name that is the host of a rule stays \
         with that rule. The oldest Ingress of the host that sets aliases decides. Only a name that the host's certificate, or \
         another one of the Ingress, is for is redirected to HTTPS as the host is.",
        aliases,
    ),
];

fn aliases(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    let mut aliases = Vec::new();
    for text in value.list() {
        Value::from(text).server_name()?;
        match HostName::parse(text) {
            Ok(name) if !aliases.contains(&name) => aliases.push(name),
            Ok(_) => {}
            Err(error) => draft.complain(format!("has the alias {text:?}, which {error}; this alias is left out")),
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
        aliases(Value::from("bar, *.x.com,~^www\\d+\\.y$, bar,a..b"), &mut draft).expect("valid");
        assert_eq!(
            draft.aliases,
            [
                HostName::Exact("bar".into()),
                HostName::Wildcard("x.com".into()),
                HostName::Pattern("^www\\d+\\.y$".into())
            ]
        );
        assert_eq!(draft.complaints.len(), 1);
        assert!(aliases(Value::from("a b"), &mut draft).is_err());
    }
}
