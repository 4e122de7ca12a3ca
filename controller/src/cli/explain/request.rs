use anyhow::{Context as _, bail};
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
    /// A request from a URL, which may lack its scheme, and headers of the form `Name: value`, of which `Host` replaces
    /// the URL's host.
    ///
    /// # Errors
    /// Says which argument is not of that form.
    pub fn new<'h>(method: &str, url: &str, headers: impl IntoIterator<Item = &'h str>) -> anyhow::Result<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        if !matches!(scheme, "http" | "https") {
            bail!("{url:?} is not an HTTP URL: expected a form such as http://shop.example.com/cart");
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, target) = rest.split_at(end);
        let target = target.split('#').next().unwrap_or_default();
        let slash = if target.starts_with('/') { "" } else { "/" };
        let mut request =
            Self { method: method.to_owned(), scheme: scheme.to_owned(), host: host.to_owned(), target: format!("{slash}{target}") };
        for header in headers {
            let (name, value) = header
                .split_once(':')
                .with_context(|| format!("--header: {header:?} is not a header: expected the form Name:value"))?;
            if name.trim().eq_ignore_ascii_case("host") {
                value.trim().clone_into(&mut request.host);
            }
        }
        Ok(request)
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
