use super::objects::Objects;
use super::request::Request;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Why a request about one object is refused: a status.
type Refusal = u16;

/// Answers a request about one object, as far as Adit makes any.
pub(super) fn answer(objects: &mut Objects, request: &Request) -> Result<Result<Value, Refusal>> {
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let name = request.name.as_deref().or_else(|| request.body["metadata"]["name"].as_str()).context("no name")?;
    let found = objects.find(&request.resource, namespace, name).cloned();
    let changed = match (request.method.as_str(), found) {
        ("GET", Some(found)) => return Ok(Ok(found)),
        ("POST", Some(_)) => return Ok(Err(409)),
        ("POST", None) => in_namespace(&request.body, namespace),
        ("PATCH", found) if request.content_type.as_deref() == Some(APPLY) => {
            let is_other = |found: &Value| {
                request.body.pointer("/metadata/uid").is_some_and(|uid| *uid != found["metadata"]["uid"])
            };
            if found.as_ref().is_some_and(is_other) {
                return Ok(Err(409));
            }
            // As if nobody else had a say on any field.
            in_namespace(&request.body, namespace)
        }
        ("DELETE", Some(found)) => {
            let uid = request.body.pointer("/preconditions/uid");
            if uid.is_some_and(|uid| *uid != found["metadata"]["uid"]) {
                return Ok(Err(409));
            }
            objects.delete(&request.resource, namespace, name).context("nothing there")?;
            return Ok(Ok(found));
        }
        (_, None) => return Ok(Err(404)),
        ("PUT", Some(found)) => {
            let seen = &request.body["metadata"]["resourceVersion"];
            if *seen != found["metadata"]["resourceVersion"] {
                return Ok(Err(409));
            }
            request.body.clone()
        }
        ("PATCH", Some(found)) if is_of_another_version(&request.body, &found) => return Ok(Err(409)),
        ("PATCH", Some(found)) => match patched(&found, request)? {
            // As a real one, which then says nothing to those that watch.
            Some(patched) if patched == found => return Ok(Ok(found)),
            Some(patched) => patched,
            None => return Ok(Err(422)),
        },
        _ => return Ok(Err(405)),
    };
    objects.apply(changed)?;
    Ok(Ok(objects.find(&request.resource, namespace, name).cloned().unwrap_or_default()))
}

/// The type of a server-side apply.
const APPLY: &str = "application/apply-patch+yaml";

/// A patch may name the version that it is for.
fn is_of_another_version(patch: &Value, found: &Value) -> bool {
    let version = patch.pointer("/metadata/resourceVersion");
    version.is_some_and(|version| *version != found["metadata"]["resourceVersion"])
}

fn in_namespace(object: &Value, namespace: &str) -> Value {
    let mut object = object.clone();
    object["metadata"]["namespace"] = json!(namespace);
    object
}

/// `None` if a test within the patch fails.
fn patched(object: &Value, request: &Request) -> Result<Option<Value>> {
    let mut patched = object.clone();
    match request.content_type.as_deref() {
        Some("application/merge-patch+json") => merge(&mut patched, &request.body),
        Some("application/json-patch+json") => {
            for operation in request.body.as_array().context("no operations")? {
                let path = operation["path"].as_str().context("no path")?;
                match operation["op"].as_str() {
                    Some("test") if patched.pointer(path) != Some(&operation["value"]) => return Ok(None),
                    Some("test") => {}
                    Some("add") => {
                        let (parent, key) = path.rsplit_once('/').context("the whole object")?;
                        let parent = patched.pointer_mut(parent).and_then(Value::as_object_mut);
                        parent.context("nothing there")?.insert(key.to_owned(), operation["value"].clone());
                    }
                    Some("remove") => {
                        let (parent, key) = path.rsplit_once('/').context("the whole object")?;
                        let parent = patched.pointer_mut(parent).and_then(Value::as_object_mut);
                        parent.context("nothing there")?.remove(key);
                    }
                    other => anyhow::bail!("the operation {other:?}"),
                }
            }
        }
        other => anyhow::bail!("a patch of the type {other:?}"),
    }
    Ok(Some(patched))
}

/// RFC 7396.
fn merge(object: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            object.as_object_mut().map(|object| object.remove(key));
        } else {
            merge(&mut object[key], value);
        }
    }
}
