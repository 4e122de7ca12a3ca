//! What a program of FastCGI is told of each request.

use super::entry::{Annotation, Invalid, Scope};
use super::settings::AnnotationSettings;
use crate::object::Kind;
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use gateway::config::{FastCgi, Template};
use std::sync::Arc;

/// Params that a ConfigMap may have at most. With values of any length, all of a request's have room in 65,535 bytes.
const MAX_PARAMS: usize = 128;
/// The longest value, in bytes, before variables are replaced in it.
const MAX_VALUE: usize = 4 << 10;
/// What we alone can know: a program reads as many bytes as this says.
const LENGTH: &str = "CONTENT_LENGTH";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "fastcgi-index",
        Scope::Path,
        Risk::Medium,
        Invalid::RejectsIngress,
        "Sets what is added to `$fastcgi_script_name` where the path ends with a slash. The name of a file, such as \
         `index.php`, of letters, digits and `.-_`. Counts with `backend-protocol: FCGI`. Default: not set, nothing.",
        index,
    ),
    Annotation::full(
        "fastcgi-params-configmap",
        Scope::Path,
        Risk::Medium,
        Invalid::Denies,
        "Names a ConfigMap, as `name` or `namespace/name`, whose keys and values are params of each request for a FastCGI \
         program; values may contain nginx variables. They replace params of nginx's `fastcgi_params`, and headers: \
         `HTTP_ACCEPT` replaces `Accept`. Up to 128 params of letters, digits and `.-_`, with values of up to 4096 bytes in \
         one line; `CONTENT_LENGTH` is Adit's. Most programs need `SCRIPT_FILENAME`, such as \
         `/var/www/html$fastcgi_script_name`. Where there is no such ConfigMap, or it is not valid, the routes answer 503. \
         A ConfigMap of another namespace needs `allow-cross-namespace-resources`. Counts with `backend-protocol: FCGI`. \
         Default: none.",
        params,
    )
    .refers_to(Kind::ConfigMap),
];

fn index(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    let index = value.text();
    if !is_name(index) {
        return Err(ValueError::Expected("the name of a file, of letters, digits and .-_, such as \"index.php\""));
    }
    settings(draft).index = index.into();
    Ok(())
}

/// Values may be secrets, and are not shown.
fn params(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    if value.text().is_empty() {
        return Ok(());
    }
    let map = value.config_map()?;
    let data = map.data.as_ref();
    if data.map_or(0, |data| data.len()) > MAX_PARAMS {
        return Err(format!("names a ConfigMap with more than {MAX_PARAMS} params").into());
    }
    let read = |(name, text): (&String, &String)| {
        param(name, text).map_err(|fault| ValueError::from(format!("names a ConfigMap with {name:?}, which {fault}")))
    };
    settings(draft).params = data.into_iter().flatten().map(read).collect::<Result<_, _>>()?;
    Ok(())
}

fn param(name: &str, text: &str) -> Result<(Arc<str>, Template), String> {
    if !is_name(name) {
        return Err("is not a valid name: expected letters, digits and .-_".to_owned());
    }
    if name == LENGTH {
        return Err("cannot be set: it is the length of what the program gets".to_owned());
    }
    if text.len() > MAX_VALUE || text.chars().any(char::is_control) {
        return Err(format!("has no valid value: expected one line of up to {MAX_VALUE} bytes"));
    }
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    Ok((name.into(), template))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

fn settings(draft: &mut AnnotationSettings) -> &mut FastCgi {
    Arc::make_mut(draft.backend.fastcgi.get_or_insert_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_are_named_texts_with_variables() {
        let (name, value) = param("SCRIPT_FILENAME", "/srv$fastcgi_script_name").expect("a param");
        assert_eq!((&*name, value), ("SCRIPT_FILENAME", Template::parse("/srv$fastcgi_script_name").expect("valid")));
        assert!(param("A", "").is_ok() && param("PHP_VALUE", "memory_limit=256M; a \"b\"").is_ok());
        for (name, text) in [
            ("", "a"),
            ("A B", "a"),
            ("CONTENT_LENGTH", "0"),
            ("A", "a\nb"),
            ("A", "$nothing"),
            ("A", "a$"),
            ("A", &"x".repeat(MAX_VALUE + 1)),
        ] {
            assert!(param(name, text).is_err(), "{name}: {text}");
        }
    }
}
