//! CORS (`enable-cors`): answers preflight requests, and says in each response which origin may read it.

use super::Invalid;
use crate::config::{self, AllowedOrigins, OriginPattern};
use crate::headers::Fields;
use crate::request::{Reason, Reply, RequestView};
use http::{HeaderValue, Method};
use std::ops::ControlFlow;
use std::sync::Arc;

const ANY: HeaderValue = HeaderValue::from_static("*");

/// The policy, as far as it does not depend on a request.
#[derive(Debug)]
pub struct Cors {
    origins: AllowedOrigins,
    /// What every response has that an allowed origin may read, beside `Access-Control-Allow-Origin`.
    headers: Vec<(&'static str, HeaderValue)>,
}

impl Cors {
    /// Compiles the policy.
    ///
    /// # Errors
    /// If one of its values cannot be that of a header.
    pub fn compile(configured: &config::Cors) -> Result<Self, Invalid> {
        let value = |text: &Arc<str>| {
            let invalid = |_| Invalid { value: text.clone(), reason: "cannot be the value of a header".to_owned() };
            HeaderValue::from_str(text).map_err(invalid)
        };
        let mut headers = vec![
            ("Access-Control-Allow-Methods", value(&configured.methods)?),
            ("Access-Control-Allow-Headers", value(&configured.headers)?),
            ("Access-Control-Max-Age", configured.max_age.into()),
        ];
        if configured.credentials {
            headers.push(("Access-Control-Allow-Credentials", HeaderValue::from_static("true")));
        }
        if let Some(exposed) = &configured.expose {
            headers.push(("Access-Control-Expose-Headers", value(exposed)?));
        }
        Ok(Self { origins: configured.origins.clone(), headers })
    }

    /// The value of `Access-Control-Allow-Origin` for a request; `None` where its origin is not allowed, or it names
    /// none.
    pub(crate) fn allowed_origin(&self, request: &RequestView<'_>) -> Option<HeaderValue> {
        if matches!(self.origins, AllowedOrigins::All) {
            return Some(ANY);
        }
        let mut origins = request.headers.values("origin");
        let origin = origins.next().filter(|_| origins.next().is_none())?;
        self.allows(origin).then(|| HeaderValue::from_bytes(origin).ok())?
    }

    /// Whether pages of this origin may use the route.
    pub fn allows(&self, origin: &[u8]) -> bool {
        match &self.origins {
            AllowedOrigins::All => true,
            AllowedOrigins::Listed(patterns) => patterns.iter().any(|pattern| describes(pattern, origin)),
        }
    }

    /// Whether a cache must keep the response for one origin from another.
    pub(crate) fn varies(&self) -> bool {
        matches!(self.origins, AllowedOrigins::Listed(_))
    }

    /// The headers of a response that an allowed origin may read, but for `Access-Control-Allow-Origin`.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &(&'static str, HeaderValue)> {
        self.headers.iter()
    }
}

/// Answers the question of an allowed origin what it may do: as nginx, every `OPTIONS` is one.
pub(crate) fn preflight(origin: Option<&HeaderValue>, request: &RequestView<'_>) -> ControlFlow<Reply> {
    if origin.is_none() || *request.method != Method::OPTIONS {
        return ControlFlow::Continue(());
    }
    ControlFlow::Break(Reply {
        headers: vec![("Content-Type", HeaderValue::from_static("text/plain charset=UTF-8"))],
        ..Reply::new(204, Reason::CorsPreflight)
    })
}

/// Whether one of these values of `Vary` says already that a response depends on the origin.
pub(crate) fn is_varied<'a>(values: impl Iterator<Item = &'a [u8]>) -> bool {
    values
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|name| name == "*" || name.eq_ignore_ascii_case("origin"))
}

fn describes(pattern: &OriginPattern, origin: &[u8]) -> bool {
    match pattern {
        OriginPattern::Exact(exact) => origin.eq_ignore_ascii_case(exact.as_bytes()),
        OriginPattern::Subdomains { scheme, suffix } => {
            let Some((first, rest)) = origin.split_at_checked(scheme.len()) else { return false };
            let label = rest.len().checked_sub(suffix.len()).and_then(|length| rest.split_at_checked(length));
            let Some((label, last)) = label else { return false };
            first.eq_ignore_ascii_case(scheme.as_bytes())
                && last.eq_ignore_ascii_case(suffix.as_bytes())
                && !label.is_empty()
                && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::Headers;
    use http::HeaderMap;
    use http::Version;
    use http::header;

    fn cors(origins: &[&str]) -> Cors {
        let origins = origins.iter().map(|text| text.parse().expect("an origin")).collect();
        Cors::compile(&config::Cors { origins: AllowedOrigins::Listed(origins), ..config::Cors::default() })
            .expect("valid")
    }

    #[test]
    fn an_origin_is_allowed_as_a_whole() {
        let cors = cors(&["https://a.example:8080", "http://*.b.example", "null"]);
        for origin in
            ["https://a.example:8080", "HTTPS://A.example:8080", "http://x-1.b.example", "http://X.B.example", "null"]
        {
            assert!(cors.allows(origin.as_bytes()), "{origin}");
        }
        for origin in [
            "",
            "https://a.example",
            "https://evil.example/https://a.example:8080",
            "xhttps://a.example:8080",
            "https://a.example:80801",
            "http://b.example",
            "http://.b.example",
            "http://x.y.b.example",
            "http://x@b.example",
            "http://x_.b.example",
            "https://x.b.example",
            "https://notnull",
        ] {
            assert!(!cors.allows(origin.as_bytes()), "{origin}");
        }
    }

    #[test]
    fn only_an_allowed_origin_is_answered() {
        let cors = cors(&["https://a.example"]);
        let answer = |method: Method, origins: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append(header::ORIGIN, HeaderValue::from_static(origin));
            }
            let headers = Headers::from(&headers);
            let request = RequestView::new(&method, b"/", &headers, Version::HTTP_11);
            let origin = cors.allowed_origin(&request);
            (preflight(origin.as_ref(), &request).is_break(), origin)
        };
        let allowed = Some(HeaderValue::from_static("https://A.example"));
        assert_eq!(answer(Method::OPTIONS, &["https://A.example"]), (true, allowed.clone()));
        assert_eq!(answer(Method::GET, &["https://A.example"]), (false, allowed));
        for origins in [&[][..], &["https://b.example"], &["https://a.example", "https://a.example"]] {
            assert_eq!(answer(Method::OPTIONS, origins), (false, None), "{origins:?}");
        }
    }

    #[test]
    fn a_vary_of_the_backend_is_respected() {
        let varied = |value: &str| is_varied([value.as_bytes()].into_iter());
        assert!(varied("Accept-Encoding, ORIGIN") && varied("*"));
        assert!(!varied("Accept-Encoding") && !varied("X-Origin") && !is_varied([].into_iter()));
    }
}
