//! Which calls a rule of a GRPCRoute takes.

use super::matches::{check_pattern, headers, whole};
use super::wrong::{Read, wrong};
use crate::gateway_api::{GrpcMethodMatch, GrpcRouteMatch};
use gateway::config::{CallMatch, PathKind, RouteMatch, ValueMatch};
use std::sync::Arc;

/// Every call.
pub(super) fn all() -> RouteMatch {
    calls(PathKind::Prefix, "/", CallMatch::default())
}

/// Reads a match.
///
/// # Errors
/// The first value that is not what it must be.
pub(super) fn parse(matches: &GrpcRouteMatch) -> Read<RouteMatch> {
    let headers = headers(&matches.headers)?;
    Ok(RouteMatch { headers, ..matches.method.as_ref().map_or_else(|| Ok(all()), method)? })
}

fn calls(kind: PathKind, path: impl Into<Arc<str>>, call: CallMatch) -> RouteMatch {
    RouteMatch { call: Some(Arc::new(call)), ..RouteMatch::path(kind, path) }
}

/// The calls of a service or a method. Those that name a service exactly are found by their path.
fn method(matches: &GrpcMethodMatch) -> Read<RouteMatch> {
    let named = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
    let names = [("method.service", named(&matches.service)), ("method.method", named(&matches.method))];
    if let [(_, None), (_, None)] = names {
        return wrong("method", "", "names neither a service nor a method: expected one of them, or both");
    }
    let value: fn(&str, &str) -> Read<ValueMatch> = match matches.kind.as_deref().unwrap_or("Exact") {
        "Exact" => exact,
        "RegularExpression" => pattern,
        other => {
            return wrong("method.type", other, "is not a type of method: expected Exact or RegularExpression");
        }
    };
    let [service, method] = names.map(|(field, name)| name.map(|name| value(field, &name)).transpose());
    Ok(match (service?, method?) {
        (Some(ValueMatch::Exact(service)), Some(ValueMatch::Exact(method))) => {
            calls(PathKind::Exact, format!("/{service}/{method}"), CallMatch::default())
        }
        (Some(ValueMatch::Exact(service)), None) => {
            calls(PathKind::Prefix, format!("/{service}"), CallMatch::default())
        }
        (service, method) => calls(PathKind::Prefix, "/", CallMatch { service, method }),
    })
}

fn exact(field: &str, name: &str) -> Read<ValueMatch> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')) {
        return Ok(ValueMatch::Exact(name.into()));
    }
    wrong(field, name, "is not a name of gRPC: expected letters, digits, '_' and '.'")
}

fn pattern(field: &str, text: &str) -> Read<ValueMatch> {
    match check_pattern(text) {
        Ok(()) => Ok(whole(text)),
        Err(message) => wrong(field, text, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str) -> Result<RouteMatch, String> {
        let matches = serde_saphyr::from_str(yaml).expect("a match");
        parse(&matches).map_err(|wrong| format!("{}: {:?} {}", wrong.field, wrong.value, wrong.message))
    }

    #[test]
    fn what_names_a_service_is_found_by_its_path() {
        let any = CallMatch::default;
        assert_eq!(of("{}"), Ok(all()));
        assert_eq!(of("{method: {service: a.B}}"), Ok(calls(PathKind::Prefix, "/a.B", any())));
        assert_eq!(of("{method: {service: a.B, method: C}}"), Ok(calls(PathKind::Exact, "/a.B/C", any())));
        let method = Some(ValueMatch::Exact("C".into()));
        let expected = calls(PathKind::Prefix, "/", CallMatch { method, ..any() });
        assert_eq!(of("{method: {service: '', method: C}}"), Ok(expected));
    }

    #[test]
    fn an_expression_is_the_whole_name() {
        let [service, method] = ["^(?:a[.]B)$", "^(?:C|D)$"].map(|text| Some(ValueMatch::Regex(text.into())));
        let expected = calls(PathKind::Prefix, "/", CallMatch { service, method });
        assert_eq!(of("{method: {type: RegularExpression, service: 'a[.]B', method: C|D}}"), Ok(expected));
    }

    #[test]
    fn what_is_not_known_or_malformed_is_named() {
        for (yaml, expected) in [
            ("{method: {}}", "method: \"\" names neither a service nor a method"),
            ("{method: {type: Glob, service: a}}", "method.type: \"Glob\" is not a type of method"),
            ("{method: {service: a/b}}", "method.service: \"a/b\" is not a name of gRPC"),
            ("{method: {method: 'a b'}}", "method.method: \"a b\" is not a name of gRPC"),
            ("{method: {type: RegularExpression, method: '('}}", "method.method: \"(\" "),
            ("{headers: [{name: a b, value: x}]}", "headers: \"a b\" is not the name of a header"),
        ] {
            let wrong = of(yaml).expect_err(yaml);
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }
}
