//! Cross-origin requests. Without these headers a browser refuses them, so that nothing opens by their absence.

use super::entry::{Annotation, Invalid, Scope};
use super::settings::AnnotationSettings;
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use gateway::config::{AllowedOrigins, OriginPattern};
use std::sync::Arc;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "enable-cors",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Adds the headers of CORS to responses for allowed origins, also to those of Adit, and answers their `OPTIONS` \
         requests with 204 before redirects, limits and authentication. Headers of that name from the backend are \
         replaced; requests of other origins are served without these headers. Boolean, default false.",
        |value, draft| {
            draft.enable_cors = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "cors-allow-origin",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the origins that may read responses, separated by commas: a scheme, `://`, a host and maybe a port, or \
         `null`. `*.` before the host stands for one label, as in `https://*.example.com`. `*` is all origins. An \
         origin that is not valid is left out. Without effect unless `enable-cors` is on. Default `*`.",
        allow_origin,
    ),
    Annotation::full(
        "cors-allow-methods",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the methods that other origins may use, separated by commas. Without effect unless `enable-cors` is on. \
         Default `GET, PUT, POST, DELETE, PATCH, OPTIONS`.",
        |value, draft| {
            let is_letter = |c: char| c.is_ascii_alphabetic();
            draft.cors.methods = Some(names(value, is_letter, "methods of letters, separated by commas")?);
            Ok(())
        },
    ),
    Annotation::full(
        "cors-allow-headers",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the request headers that other origins may send, separated by commas. Without effect unless `enable-cors` \
         is on. Default: `DNT`, `Keep-Alive`, `User-Agent`, `X-Requested-With`, `If-Modified-Since`, `Cache-Control`, \
         `Content-Type`, `Range`, `Authorization`.",
        |value, draft| {
            draft.cors.headers = Some(names(value, is_of_header, "names of headers, separated by commas")?);
            Ok(())
        },
    ),
    Annotation::full(
        "cors-allow-credentials",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether other origins may send cookies and credentials. Browsers do not let them where the allowed origin \
         is `*`. Without effect unless `enable-cors` is on. Boolean, default true.",
        |value, draft| {
            draft.cors.credentials = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "cors-expose-headers",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the response headers that other origins may read, separated by commas; `*` is all. Without effect unless \
         `enable-cors` is on. Default: none.",
        |value, draft| {
            let is_exposed = |c: char| is_of_header(c) || c == '*';
            draft.cors.expose = Some(names(value, is_exposed, "names of headers or \"*\", separated by commas")?);
            Ok(())
        },
    ),
    Annotation::full(
        "cors-max-age",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how long browsers cache the response to a preflight request. Whole seconds; with a negative number they do \
         not. Without effect unless `enable-cors` is on. Default 1728000.",
        |value, draft| {
            draft.cors.max_age = value.int()?;
            Ok(())
        },
    ),
];

/// An origin that is not valid opens nothing, and the others count.
fn allow_origin(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    if value.list().any(|origin| origin == "*") {
        draft.cors.origins = AllowedOrigins::All;
        return Ok(());
    }
    let mut origins = Vec::new();
    for origin in value.list() {
        match origin.parse::<OriginPattern>() {
            Ok(pattern) => origins.push(pattern),
            Err(error) => draft.complain(format!("has {origin:?}, which {error}; it is left out")),
        }
    }
    draft.cors.origins = AllowedOrigins::Listed(origins.into());
    Ok(())
}

/// A list as it stands: browsers read it, and not Adit.
fn names(value: Value<'_>, is_of_name: impl Fn(char) -> bool, expected: &'static str) -> Result<Arc<str>, ValueError> {
    let is_valid = |name: &str| name.chars().all(|c| is_of_name(c) || c == ' ');
    if value.list().next().is_none() || !value.list().all(is_valid) {
        return Err(ValueError::Expected(expected));
    }
    Ok(value.text().into())
}

fn is_of_header(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route_defaults::RouteDefaults;

    fn read(value: &str) -> (AllowedOrigins, Vec<String>) {
        let mut draft = AnnotationSettings::new(&RouteDefaults::default());
        allow_origin(Value::from(value), &mut draft).expect("never an error");
        (draft.cors.origins, draft.complaints)
    }

    #[test]
    fn what_is_no_origin_opens_nothing() {
        assert_eq!(read("foo.example, *"), (AllowedOrigins::All, vec![]));
        let (origins, complaints) = read("a.example, https://b.example$, https://c.example");
        assert_eq!(origins, AllowedOrigins::Listed(["https://c.example".parse().expect("an origin")].into()));
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("\"a.example\""), "{complaints:?}");
        assert_eq!(read("a.example").0, AllowedOrigins::Listed([].into()));
    }

    #[test]
    fn a_list_holds_no_line_and_no_variable() {
        for text in ["GET\r\nX: y", "GET\nPOST", "$host", "GET; POST", ","] {
            assert!(names(Value::from(text), |c| c.is_ascii_alphabetic(), "").is_err(), "{text:?}");
        }
        assert_eq!(&*names(Value::from(" GET, POST "), |c| c.is_ascii_alphabetic(), "").expect("a list"), "GET, POST");
    }
}
