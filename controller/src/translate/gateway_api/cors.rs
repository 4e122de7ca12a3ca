//! The filter `CORS`.

use super::methods;
use super::wrong::{Read, Wrong, wrong};
use crate::gateway_api::CorsFilter;
use gateway::config::{AllowedOrigins, Cors, CorsManner, OriginPattern};
use http::HeaderName;
use std::num::NonZero;
use std::sync::Arc;

const ANY: &str = "*";
/// Seconds.
const MAX_AGE: i32 = 5;

/// Reads the filter. What of it has no effect is told beside.
///
/// # Errors
/// The first value that is malformed.
pub(super) fn parse(filter: &CorsFilter) -> Read<(Cors, Option<Wrong>)> {
    let credentials = filter.allow_credentials.unwrap_or(false);
    let is_method = |name: &str| methods::named(name).is_some();
    let is_header = |name: &str| HeaderName::from_bytes(name.as_bytes()).is_ok();
    let methods = Names { field: "cors.allowMethods", is_name: is_method, expected: "a method such as GET, or *" };
    let headers = Names { field: "cors.allowHeaders", is_name: is_header, expected: "the name of a header, or *" };
    let exposed = Names { field: "cors.exposeHeaders", is_name: is_header, expected: "the name of a header, or *" };
    methods.have_any_alone(&filter.allow_methods)?;
    headers.have_any_alone(&filter.allow_headers)?;
    let (expose, without_effect) = expose(&exposed, &filter.expose_headers, credentials)?;
    let max_age = filter.max_age.unwrap_or(MAX_AGE);
    if max_age < 1 {
        return wrong("cors.maxAge", &max_age.to_string(), "is not a number of seconds: expected 1 or more");
    }
    let cors = Cors {
        origins: origins(&filter.allow_origins)?,
        methods: methods.list(&filter.allow_methods)?,
        headers: headers.list(&filter.allow_headers)?,
        credentials,
        expose,
        max_age: max_age.into(),
        manner: CorsManner::Standard,
    };
    Ok((cors, without_effect))
}

/// Names in a field.
struct Names<F> {
    field: &'static str,
    is_name: F,
    expected: &'static str,
}

impl<F: Fn(&str) -> bool> Names<F> {
    /// All of them, as a header has them; `None` if there are none.
    fn list(&self, names: &[String]) -> Read<Option<Arc<str>>> {
        match names.iter().enumerate().find(|(_, name)| *name != ANY && !(self.is_name)(name)) {
            None => Ok((!names.is_empty()).then(|| names.join(", ").into())),
            Some((index, name)) => {
                wrong(format!("{}[{index}]", self.field), name, format!("is no name: expected {}", self.expected))
            }
        }
    }

    fn have_any_alone(&self, names: &[String]) -> Read<()> {
        any_alone(self.field, names)
    }
}

fn any_alone(field: &str, names: &[String]) -> Read<()> {
    let is_beside = names.len() > 1 && names.iter().any(|name| name == ANY);
    if is_beside { wrong(field, ANY, "is beside others: expected it alone, or none") } else { Ok(()) }
}

/// With credentials browsers take `*` for a name, so it is left out.
fn expose<F: Fn(&str) -> bool>(
    exposed: &Names<F>,
    names: &[String],
    credentials: bool,
) -> Read<(Option<Arc<str>>, Option<Wrong>)> {
    if !(credentials && names.iter().any(|name| name == ANY)) {
        return Ok((exposed.list(names)?, None));
    }
    let others: Vec<_> = names.iter().filter(|name| *name != ANY).cloned().collect();
    let message = "has no effect with allowCredentials: expected the names of headers";
    Ok((exposed.list(&others)?, Some(Wrong::new(exposed.field, ANY, message))))
}

fn origins(texts: &[String]) -> Read<AllowedOrigins> {
    const FIELD: &str = "cors.allowOrigins";
    any_alone(FIELD, texts)?;
    if texts.iter().any(|text| text == ANY) {
        return Ok(AllowedOrigins::All);
    }
    let mut patterns = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match origin(text) {
            Some(pattern) => patterns.push(pattern),
            None => {
                let message =
                    "is not an origin: expected https://example.com, http://*.example.com:8080, https://* or *";
                return wrong(format!("{FIELD}[{index}]"), text, message);
            }
        }
    }
    Ok(AllowedOrigins::Listed(patterns.into()))
}

/// One, without the port if it is the scheme's own: browsers do not send that.
fn origin(text: &str) -> Option<OriginPattern> {
    let (scheme, authority) = text.split_once("://")?;
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    if let Some((_, port)) = authority.rsplit_once(':') {
        port.parse::<NonZero<u16>>().ok()?;
    }
    let authority = authority.strip_suffix(own_port).unwrap_or(authority);
    let (scheme, all) = (format!("{scheme}://"), authority.strip_prefix(ANY));
    if let Some(port) = all.filter(|port| port.is_empty() || port.starts_with(':')) {
        return Some(OriginPattern::Below { scheme: scheme.into(), suffix: port.into() });
    }
    Some(match format!("{scheme}{authority}").parse().ok()? {
        OriginPattern::Subdomains { scheme, suffix } => OriginPattern::Below { scheme, suffix },
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str) -> Result<(Cors, Option<String>), String> {
        let filter = serde_saphyr::from_str(yaml).expect("a filter");
        let text = |wrong: Wrong| format!("{}: {:?} {}", wrong.field, wrong.value, wrong.message);
        parse(&filter).map(|(cors, without_effect)| (cors, without_effect.map(text))).map_err(text)
    }

    #[test]
    fn nothing_is_allowed_that_is_not_named() {
        let (cors, without_effect) = of("{}").expect("a filter");
        let none = Cors {
            origins: AllowedOrigins::Listed([].into()),
            methods: None,
            headers: None,
            credentials: false,
            expose: None,
            max_age: 5,
            manner: CorsManner::Standard,
        };
        assert_eq!((cors, without_effect), (none, None));
    }

    #[test]
    fn origins_have_no_port_of_their_scheme_and_a_wildcard_is_any_number_of_labels() {
        let below = |scheme: &str, suffix: &str| OriginPattern::Below { scheme: scheme.into(), suffix: suffix.into() };
        for (text, expected) in [
            ("https://a.example", OriginPattern::Exact("https://a.example".into())),
            ("https://a.example:443", OriginPattern::Exact("https://a.example".into())),
            ("http://a.example:443", OriginPattern::Exact("http://a.example:443".into())),
            ("https://a.example:8443", OriginPattern::Exact("https://a.example:8443".into())),
            ("http://*.a.example:80", below("http://", ".a.example")),
            ("https://*.a.example:8443", below("https://", ".a.example:8443")),
            ("https://*", below("https://", "")),
            ("http://*:8080", below("http://", ":8080")),
        ] {
            assert_eq!(origin(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "a.example",
            "ftp://a.example",
            "null",
            "https://",
            "https://a.*.b",
            "https://a/",
            "https://a:0",
            "https://*a",
            "https://*:b",
        ] {
            assert_eq!(origin(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (yaml, expected) in [
            ("{allowOrigins: ['*', 'https://a.example']}", "cors.allowOrigins: \"*\" is beside others"),
            (
                "{allowOrigins: ['https://a.example', 'a.example']}",
                "cors.allowOrigins[1]: \"a.example\" is not an origin",
            ),
            ("{allowMethods: [get]}", "cors.allowMethods[0]: \"get\" is no name: expected a method"),
            ("{allowMethods: [GET, '*']}", "cors.allowMethods: \"*\" is beside others"),
            ("{allowHeaders: [X-A, 'a b']}", "cors.allowHeaders[1]: \"a b\" is no name: expected the name of a header"),
            ("{exposeHeaders: ['a:']}", "cors.exposeHeaders[0]: \"a:\" is no name"),
            ("{maxAge: 0}", "cors.maxAge: \"0\" is not a number of seconds"),
        ] {
            let wrong = of(yaml).expect_err(yaml);
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }

    #[test]
    fn not_all_headers_can_be_exposed_with_credentials() {
        let (cors, without_effect) = of("{exposeHeaders: ['*', X-A], allowCredentials: true}").expect("a filter");
        assert_eq!(cors.expose.as_deref(), Some("X-A"));
        let told = without_effect.expect("told");
        assert!(told.starts_with("cors.exposeHeaders: \"*\" has no effect with allowCredentials"), "{told}");
        let (cors, without_effect) = of("{exposeHeaders: ['*']}").expect("a filter");
        assert_eq!((cors.expose.as_deref(), without_effect), (Some("*"), None));
    }
}
