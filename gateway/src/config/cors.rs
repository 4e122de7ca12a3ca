use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// `enable-cors` and what goes with it: which pages of other origins may use a route. `Default` is ingress-nginx's.
/// Gateway API: the filter `CORS`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cors {
    /// `cors-allow-origin`: the origins that may. Default all.
    pub origins: AllowedOrigins,
    /// `cors-allow-methods`: `Access-Control-Allow-Methods`; `None` sends none. Default `GET, PUT, POST, DELETE, PATCH, OPTIONS`.
    pub methods: Option<Arc<str>>,
    /// `cors-allow-headers`: `Access-Control-Allow-Headers`; `None` sends none. Default nine headers, among them `Authorization`.
    pub headers: Option<Arc<str>>,
    /// `cors-allow-credentials`: `Access-Control-Allow-Credentials: true`. Default true.
    pub credentials: bool,
    /// `cors-expose-headers`: `Access-Control-Expose-Headers`. Default none.
    pub expose: Option<Arc<str>>,
    /// `cors-max-age`: `Access-Control-Max-Age`, in seconds; browsers cache nothing where it is negative. Default
    /// 1728000.
    pub max_age: i64,
    /// Which requests are answered, and how. Default [`CorsManner::Nginx`].
    pub manner: CorsManner,
}

/// How a route that has [`Cors`] answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CorsManner {
    /// As ingress-nginx: every `OPTIONS` of an allowed origin is a preflight request, and that of another one goes to the backend.
    /// All headers are on every response, `*` as it is, and those of the backend stay where the origin is not allowed.
    #[default]
    Nginx,
    /// As the Fetch standard has it: an `OPTIONS` that asks for a method is a preflight request, and answered without headers for an
    /// origin that is not allowed. What a preflight request asks for is on its response only. Where credentials are allowed, `*`
    /// would mean nothing, so what the request names is allowed instead. The backend has no say: its headers of CORS are removed.
    Standard,
}

impl Default for Cors {
    fn default() -> Self {
        Self {
            origins: AllowedOrigins::All,
            methods: Some("GET, PUT, POST, DELETE, PATCH, OPTIONS".into()),
            headers: Some(
                "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,\
                 Authorization"
                    .into(),
            ),
            credentials: true,
            expose: None,
            max_age: 1_728_000,
            manner: CorsManner::Nginx,
        }
    }
}

/// The origins that may use a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AllowedOrigins {
    /// All: `*`.
    All,
    /// Those that one of these describes.
    Listed(Arc<[OriginPattern]>),
}

/// Describes origins: `https://shop.example.com`, `http://*.example.com:8080` or `null`. Case does not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OriginPattern {
    /// This one.
    Exact(Arc<str>),
    /// Those whose host has one more label: letters, digits and hyphens.
    Subdomains {
        /// What comes before the label: `https://`.
        scheme: Arc<str>,
        /// What comes after it: `.example.com`, and a port where it is not the scheme's own.
        suffix: Arc<str>,
    },
    /// Those whose host has one more label, or several.
    Below {
        /// What comes before the labels: `https://`.
        scheme: Arc<str>,
        /// What comes after them: `.example.com`, or nothing for all hosts, and a port where it is not the scheme's own.
        suffix: Arc<str>,
    },
}

/// A text does not describe origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an origin: expected \"https://example.com\" or \"https://*.example.com\", maybe with a port, or \"null\""
)]
pub struct InvalidOrigin;

impl FromStr for OriginPattern {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text == "null" {
            return Ok(Self::Exact(text.into()));
        }
        let (scheme, authority) = text.split_once("://").ok_or(InvalidOrigin)?;
        let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_wildcard = authority.starts_with("*.");
        let host = authority.strip_prefix("*.").unwrap_or(authority);
        if !is_scheme || !is_host_and_port(host) {
            return Err(InvalidOrigin);
        }
        Ok(match is_wildcard {
            true => Self::Subdomains { scheme: format!("{scheme}://").into(), suffix: format!(".{host}").into() },
            false => Self::Exact(text.into()),
        })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(origin) => f.write_str(origin),
            Self::Subdomains { scheme, suffix } | Self::Below { scheme, suffix } => write!(f, "{scheme}*{suffix}"),
        }
    }
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_host =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_host && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_in_ingress_nginx() {
        for text in ["https://a.example", "http://*.a.example:8080", "tauri://localhost:3000", "null", "http://A-b.c"] {
            assert_eq!(text.parse::<OriginPattern>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "*",
            "a.example",
            "a.example:80",
            "https://",
            "https://*",
            "https://a.*.b",
            "https://*.*.b",
            "HTTPS://a",
            "https://a/",
            "https://a:",
            "https://a:b",
            "https://a:1:2",
            "https://a b",
            "://a",
            "https://a$b",
            "https://[::1]",
        ] {
            assert_eq!(text.parse::<OriginPattern>(), Err(InvalidOrigin), "{text:?}");
        }
    }
}
