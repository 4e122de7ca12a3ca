use std::fmt;

/// A request to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The value of the `Host` header.
    pub host: String,
    /// Path and query as they are sent: begins with `/`.
    pub target: String,
}

impl Request {
    /// A request for a URL, which may lack its scheme. Of the headers, by name and value, `Host` replaces the URL's host.
    ///
    /// # Errors
    /// The URL is not one of HTTP.
    pub fn new<'h>(
        method: &str,
        url: &str,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        if !matches!(scheme, "http" | "https") {
            return Err(format!("{url:?} is not a URL of HTTP: expected a form such as http://shop.example.com/cart"));
        }
        let (host, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let target = target.split('#').next().unwrap_or_default();
        let slash = if target.starts_with('/') { "" } else { "/" };
        let host =
            headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).map_or(host, |(_, value)| value);
        Ok(Self {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            target: format!("{slash}{target}"),
        })
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }
}

impl fmt::Display for Request {
    /// `GET http://shop.example.com/cart?x=1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}://{}{}", self.method, self.scheme, self.host, self.target)
    }
}
