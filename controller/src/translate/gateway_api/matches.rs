//! Which requests a rule of an HTTPRoute takes.

use super::methods;
use super::wrong::{Read, Wrong};
use crate::gateway_api::{HttpRouteMatch, NamedMatch, PathMatch};
use gateway::config::{HeaderMatch, PathKind, QueryMatch, RouteMatch, ValueMatch};
use gateway::pattern::Pattern;
use http::{HeaderName, Method};
use std::collections::HashSet;
use std::sync::Arc;

/// Every request.
pub(super) fn all() -> RouteMatch {
    RouteMatch::path(PathKind::Prefix, "/")
}

/// Reads a match.
///
/// # Errors
/// The first value that is not what it must be.
pub(super) fn parse(matches: &HttpRouteMatch) -> Read<RouteMatch> {
    let query = named(&matches.query_params, "queryParams", |name| name.into())?;
    Ok(RouteMatch {
        method: matches.method.as_deref().map(method).transpose()?,
        headers: headers(&matches.headers)?,
        query: query.into_iter().map(|(name, value)| QueryMatch { name, value }).collect(),
        ..path(matches.path.as_ref())?
    })
}

/// The headers of a match.
pub(super) fn headers(matches: &[NamedMatch]) -> Read<Arc<[HeaderMatch]>> {
    let headers = named(matches, "headers", |name| name.to_ascii_lowercase().into())?;
    if let Some((name, _)) = headers.iter().find(|(name, _)| HeaderName::from_bytes(name.as_bytes()).is_err()) {
        return Err(Wrong::new("headers", name, "is not the name of a header: expected a token"));
    }
    Ok(headers.into_iter().map(|(name, value)| HeaderMatch { name, value }).collect())
}

/// The path alone.
fn path(path: Option<&PathMatch>) -> Read<RouteMatch> {
    let value = path.and_then(|path| path.value.as_deref()).unwrap_or("/");
    let kind = path.and_then(|path| path.kind.as_deref()).unwrap_or("PathPrefix");
    if kind != "RegularExpression" && (!value.starts_with('/') || value.contains("//")) {
        return Err(Wrong::new("path.value", value, "is not an absolute path: expected one that begins with '/'"));
    }
    match kind {
        "Exact" => Ok(RouteMatch::path(PathKind::Exact, value)),
        // A slash at its end says nothing.
        "PathPrefix" if value.len() > 1 => {
            Ok(RouteMatch::path(PathKind::Prefix, value.strip_suffix('/').unwrap_or(value)))
        }
        "PathPrefix" => Ok(RouteMatch::path(PathKind::Prefix, value)),
        "RegularExpression" => {
            check_pattern(value).map_err(|message| Wrong::new("path.value", value, message))?;
            // As a whole, and with regard to case.
            Ok(RouteMatch::path(PathKind::Regex, format!("(?-i:{value})$")))
        }
        other => {
            let message = "is not a type of path: expected Exact, PathPrefix or RegularExpression";
            Err(Wrong::new("path.type", other, message))
        }
    }
}

fn method(text: &str) -> Read<Method> {
    let known = methods::named(text);
    known.ok_or_else(|| Wrong::new("method", text, "is not a method of HTTP: expected GET, POST and so on"))
}

/// Headers or arguments. Of several of one name the first counts.
fn named(matches: &[NamedMatch], field: &str, name_of: impl Fn(&str) -> Arc<str>) -> Read<Vec<(Arc<str>, ValueMatch)>> {
    let mut names = HashSet::new();
    let mut found = Vec::new();
    for (index, NamedMatch { kind, name, value }) in matches.iter().enumerate() {
        let wanted = match kind.as_deref().unwrap_or("Exact") {
            "Exact" => ValueMatch::Exact(value.as_str().into()),
            "RegularExpression" => {
                check_pattern(value)
                    .map_err(|message| Wrong::new(format!("{field}[{index}].value"), value, message))?;
                whole(value)
            }
            other => {
                let message = "is not a type of value: expected Exact or RegularExpression";
                return Err(Wrong::new(format!("{field}[{index}].type"), other, message));
            }
        };
        let name = name_of(name);
        if names.insert(Arc::clone(&name)) {
            found.push((name, wanted));
        }
    }
    Ok(found)
}

/// A value that a regular expression matches as a whole.
pub(super) fn whole(pattern: &str) -> ValueMatch {
    ValueMatch::Regex(format!("^(?:{pattern})$").into())
}

/// What is wrong with a regular expression. What it is put into could make sense of one that makes none by itself.
pub(super) fn check_pattern(text: &str) -> Result<(), String> {
    Pattern::check(text).map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str) -> Result<RouteMatch, String> {
        let matches = serde_saphyr::from_str(yaml).expect("a match");
        parse(&matches).map_err(|wrong| format!("{}: {:?} {}", wrong.field, wrong.value, wrong.message))
    }

    #[test]
    fn without_a_path_every_one_matches() {
        assert_eq!(of("{}"), Ok(RouteMatch::path(PathKind::Prefix, "/")));
        assert_eq!(of("{path: {value: /a/}}"), Ok(RouteMatch::path(PathKind::Prefix, "/a")));
        assert_eq!(of("{path: {type: Exact, value: /a/}}"), Ok(RouteMatch::path(PathKind::Exact, "/a/")));
    }

    #[test]
    fn the_first_of_a_name_counts() {
        let matches = of("{headers: [{name: X-A, value: '1'}, {name: x-a, value: '2'}]}").expect("a match");
        let expected = HeaderMatch { name: "x-a".into(), value: ValueMatch::Exact("1".into()) };
        assert_eq!(*matches.headers, [expected]);
        let query = of("{queryParams: [{name: A, value: '1'}, {name: a, value: '2'}]}").expect("a match").query;
        assert_eq!(query.len(), 2, "names of arguments have case");
    }

    #[test]
    fn what_is_not_known_or_malformed_is_named() {
        for (yaml, expected) in [
            ("{path: {type: Glob, value: /}}", "path.type: \"Glob\" is not a type of path"),
            ("{path: {value: a}}", "path.value: \"a\" is not an absolute path"),
            ("{path: {type: RegularExpression, value: '/('}}", "path.value: \"/(\" "),
            ("{path: {type: RegularExpression, value: '/)(?:'}}", "path.value: \"/)(?:\" "),
            ("{method: get}", "method: \"get\" is not a method"),
            ("{headers: [{name: a b, value: x}]}", "headers: \"a b\" is not the name of a header"),
            ("{headers: [{type: Prefix, name: a, value: x}]}", "headers[0].type: \"Prefix\" "),
            ("{queryParams: [{type: RegularExpression, name: a, value: '['}]}", "queryParams[0].value: \"[\" "),
        ] {
            let wrong = of(yaml).expect_err(yaml);
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }
}
