//! Which requests an Ingress takes.

use super::entry::{Annotation, Invalid, Scope};
use super::settings::AnnotationSettings;
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use gateway::config::{HostName, HostNameError};
use std::sync::Arc;

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
        "Sets more names for the hosts of this Ingress, separated by commas: host names, or `~` and a regular expression. \
         `*.example.com` and `www.example.*` are wildcards, which otherwise than in a rule stand for any number of labels, and \
         `.example.com` is `example.com` with all names below it. Default: none. A name that is the host of a rule stays with that \
         rule. The oldest Ingress of the host that sets aliases decides. A name is redirected to HTTPS as the host is only where a \
         certificate is for it.",
        aliases,
    ),
];

fn aliases(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    let mut aliases = Vec::new();
    for text in value.list() {
        Value::from(text).server_name()?;
        match names(text) {
            Ok(names) => names.into_iter().for_each(|name| {
                if !aliases.contains(&name) {
                    aliases.push(name);
                }
            }),
            Err(error) => draft.complain(format!("has the alias {text:?}, which {error}; this alias is left out")),
        }
    }
    draft.aliases = aliases;
    Ok(())
}

/// The hosts of an alias, which is a name of nginx's `server_name`.
fn names(text: &str) -> Result<Vec<HostName>, HostNameError> {
    if let Some(parent) = text.strip_prefix('.') {
        let parent = exact(parent)?;
        return Ok(vec![HostName::Exact(Arc::clone(&parent)), HostName::Subdomains(parent)]);
    }
    if let Some(start) = text.strip_suffix(".*").filter(|_| !text.starts_with('~')) {
        let pattern = format!("^{}\\..+$", exact(start)?.replace('.', "\\."));
        return Ok(vec![HostName::Pattern(pattern.into())]);
    }
    Ok(vec![match HostName::parse(text)? {
        HostName::Wildcard(parent) => HostName::Subdomains(parent),
        name => name,
    }])
}

fn exact(text: &str) -> Result<Arc<str>, HostNameError> {
    match HostName::parse(text)? {
        HostName::Exact(name) => Ok(name),
        _ => Err(HostNameError::NotDns),
    }
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
                HostName::Subdomains("x.com".into()),
                HostName::Pattern("^www\\d+\\.y$".into())
            ]
        );
        assert_eq!(draft.complaints.len(), 1);
        aliases(Value::from(".x.com, www.x.*, ., .*, *.*, .*.x, ~^a.*"), &mut draft).expect("valid");
        assert_eq!(
            draft.aliases,
            [
                HostName::Exact("x.com".into()),
                HostName::Subdomains("x.com".into()),
                HostName::Pattern("^www\\.x\\..+$".into()),
                HostName::Pattern("^a.*".into())
            ]
        );
        assert_eq!(draft.complaints.len(), 1 + 4, "{:?}", draft.complaints);
        assert!(aliases(Value::from("a b"), &mut draft).is_err());
    }
}
