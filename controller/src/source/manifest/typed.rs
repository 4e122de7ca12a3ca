//! From an untyped object to one of the kinds, with errors that name the field.

use crate::object::{Kind, Object};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment, Track};
use std::sync::Arc;

/// A field that has not the type that its kind gives it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongField {
    /// The field, as diagnostics write it.
    pub(crate) field: String,
    /// The value, where it is short and no secret.
    pub(crate) value: Option<String>,
    /// What it is and what it should be.
    pub(crate) message: String,
}

/// Reads `value` as an object of this kind. Fields that the kind does not have are ignored, and added to `unknown` as
/// diagnostics write them.
pub(crate) fn object(kind: Kind, value: &Value, unknown: &mut Vec<String>) -> Result<Object, WrongField> {
    Ok(match kind {
        Kind::Ingress => Object::Ingress(read(value, unknown)?),
        Kind::IngressClass => Object::IngressClass(read(value, unknown)?),
        Kind::Service => Object::Service(read(value, unknown)?),
        Kind::EndpointSlice => Object::EndpointSlice(read(value, unknown)?),
        Kind::Endpoints => Object::Endpoints(read(value, unknown)?),
        Kind::Secret => Object::Secret(secret(value, unknown)?),
        Kind::ConfigMap => Object::ConfigMap(read(value, unknown)?),
        Kind::Namespace => Object::Namespace(read(value, unknown)?),
        Kind::GatewayClass => Object::GatewayClass(read(value, unknown)?),
        Kind::Gateway => Object::Gateway(read(value, unknown)?),
        Kind::ListenerSet => Object::ListenerSet(read(value, unknown)?),
        Kind::HttpRoute => Object::HttpRoute(read(value, unknown)?),
        Kind::GrpcRoute => Object::GrpcRoute(read(value, unknown)?),
        Kind::TlsRoute => Object::TlsRoute(read(value, unknown)?),
        Kind::TcpRoute => Object::TcpRoute(read(value, unknown)?),
        Kind::UdpRoute => Object::UdpRoute(read(value, unknown)?),
        Kind::ReferenceGrant => Object::ReferenceGrant(read(value, unknown)?),
        Kind::BackendTlsPolicy => Object::BackendTlsPolicy(read(value, unknown)?),
        Kind::AditPolicy => Object::AditPolicy(read(value, unknown)?),
    })
}

fn read<T: DeserializeOwned>(value: &Value, unknown: &mut Vec<String>) -> Result<Arc<T>, WrongField> {
    let mut track = Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(value, &mut track);
    let typed = serde_ignored::deserialize(deserializer, |ignored| unknown.push(written_ignored(&ignored)));
    typed.map(Arc::new).map_err(|error| {
        let path = track.path();
        let found = at(value, &path);
        let reason = error.to_string();
        let expected = expected(&reason);
        let (shown, message) = match found {
            Some(Value::String(text)) => (Some(text.clone()), format!("is not {expected}")),
            Some(Value::Null) | None => (None, format!("has no value: expected {expected}")),
            Some(Value::Array(_)) => (None, format!("is a list, not {expected}")),
            Some(Value::Object(_)) => (None, format!("is a mapping, not {expected}")),
            Some(scalar) => {
                let what = if scalar.is_boolean() { "a boolean" } else { "a number" };
                let hint = if expected == "a string" { ": put it in quotes" } else { "" };
                (Some(scalar.to_string()), format!("is {what}, not {expected}{hint}"))
            }
        };
        WrongField { field: written(&path), value: shown, message }
    })
}

/// As the API server does, `stringData` becomes part of `data`. An error shows no value, and nothing of the decoder's
/// message either, which quotes bytes.
fn secret(value: &Value, unknown: &mut Vec<String>) -> Result<Arc<Secret>, WrongField> {
    let mut secret: Arc<Secret> = read(value, unknown).map_err(|wrong| {
        let message = if wrong.field.starts_with("data") {
            "is not a string in base64 (plain text belongs under stringData)".to_owned()
        } else {
            wrong.message
        };
        WrongField { value: None, message, ..wrong }
    })?;
    if let Some(plain) = Arc::make_mut(&mut secret).string_data.take() {
        let encoded = plain.into_iter().map(|(key, text)| (key, ByteString(text.into_bytes())));
        Arc::make_mut(&mut secret).data.get_or_insert_default().extend(encoded);
    }
    Ok(secret)
}

fn at<'a>(value: &'a Value, path: &Path) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Seq { index } => value.get(index),
        Segment::Map { key } => value.get(key),
        Segment::Enum { .. } | Segment::Unknown => Some(value),
    })
}

/// A path as diagnostics write it: keys that have a dot or a slash, as annotations do, in brackets.
fn written(path: &Path) -> String {
    let mut field = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => field += &format!("[{index}]"),
            Segment::Map { key } => push_key(&mut field, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    field
}

/// The path of a field that was ignored, likewise.
fn written_ignored(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", written_ignored(parent)),
        Path::Map { parent, key } => {
            let mut field = written_ignored(parent);
            push_key(&mut field, key);
            field
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            written_ignored(parent)
        }
    }
}

fn push_key(field: &mut String, key: &str) {
    if key.contains(['.', '/']) {
        *field += &format!("[{key}]");
    } else if field.is_empty() {
        *field += key;
    } else {
        *field += &format!(".{key}");
    }
}

/// The expectation in one of serde's messages, in a person's words.
fn expected(message: &str) -> &str {
    // Without an expectation: a format that could not be parsed, such as a timestamp's.
    let Some((_, expected)) = message.rsplit_once(", expected ") else { return "of the form that its kind asks for" };
    match expected {
        "i32" => "a 32-bit integer",
        "i64" => "a 64-bit integer",
        "a sequence" => "a list",
        "a map" => "a mapping",
        // The name of one of Kubernetes' types, which serde gives for structures.
        name if name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains(' ') => "a mapping",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(kind: Kind, value: &Value) -> (String, Option<String>, String) {
        let wrong = object(kind, value, &mut Vec::new()).expect_err("a field is wrong");
        (wrong.field, wrong.value, wrong.message)
    }

    fn expect(kind: Kind, value: &Value, field: &str, shown: Option<&str>, message: &str) {
        assert_eq!(wrong(kind, value), (field.to_owned(), shown.map(str::to_owned), message.to_owned()));
    }

    #[test]
    fn a_wrong_field_is_named_with_what_it_should_be() {
        let backend = |port: Value| json!({"service": {"name": "a", "port": {"number": port}}});
        let ingress = |port: Value| json!({"spec": {"rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend(port)}]}}]}});
        let port = "spec.rules[0].http.paths[0].backend.service.port.number";
        expect(Kind::Ingress, &ingress(json!("eighty")), port, Some("eighty"), "is not a 32-bit integer");
        expect(Kind::Ingress, &ingress(json!([80])), port, None, "is a list, not a 32-bit integer");
        expect(Kind::Ingress, &ingress(json!(1.5)), port, Some("1.5"), "is a number, not a 32-bit integer");
        expect(
            Kind::Ingress,
            &ingress(json!(1_u64 << 40)),
            port,
            Some("1099511627776"),
            "is a number, not a 32-bit integer",
        );
        expect(Kind::Ingress, &json!({"spec": []}), "spec", None, "is a list, not a mapping");
        expect(Kind::Ingress, &json!({"spec": {"rules": {}}}), "spec.rules", None, "is a mapping, not a list");
        expect(Kind::Ingress, &json!({"spec": {"rules": ["x"]}}), "spec.rules[0]", Some("x"), "is not a mapping");
    }

    #[test]
    fn unquoted_numbers_are_no_strings() {
        let annotated = json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/use-regex": true}}});
        let field = "metadata.annotations[nginx.ingress.kubernetes.io/use-regex]";
        expect(Kind::Ingress, &annotated, field, Some("true"), "is a boolean, not a string: put it in quotes");
        let map = json!({"data": {"keep-alive": 75}});
        expect(Kind::ConfigMap, &map, "data.keep-alive", Some("75"), "is a number, not a string: put it in quotes");
    }

    #[test]
    fn a_secret_is_never_shown() {
        let expected = "is not a string in base64 (plain text belongs under stringData)";
        expect(Kind::Secret, &json!({"data": {"tls.key": "hunter2!"}}), "data[tls.key]", None, expected);
        expect(Kind::Secret, &json!({"data": {"pin": 1234}}), "data.pin", None, expected);
        let (_, value, message) = wrong(Kind::Secret, &json!({"stringData": {"pin": 1234}}));
        assert_eq!((value, message.contains("1234")), (None, false));
    }

    #[test]
    fn string_data_wins_over_data() {
        let value = json!({"data": {"a": "eA==", "b": "eQ=="}, "stringData": {"b": "z"}});
        let Ok(Object::Secret(secret)) = object(Kind::Secret, &value, &mut Vec::new()) else { panic!("a Secret") };
        let data: Vec<_> =
            secret.data.iter().flatten().map(|(key, bytes)| (key.as_str(), bytes.0.as_slice())).collect();
        assert_eq!(data, [("a", b"x".as_slice()), ("b", b"z".as_slice())]);
    }

    #[test]
    fn null_is_nothing_and_unknown_fields_are_told() {
        let value = json!({"metadata": {"creationTimestamp": null, "generation": 3}, "spec": {"rules": null, "x": 1}});
        let mut unknown = Vec::new();
        assert!(object(Kind::Ingress, &value, &mut unknown).is_ok());
        assert_eq!(unknown, ["spec.x"]);
        let (field, ..) = wrong(Kind::Ingress, &json!({"metadata": {"creationTimestamp": "yesterday"}}));
        assert_eq!(field, "metadata.creationTimestamp");
    }
}
