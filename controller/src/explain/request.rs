use gateway::config::{EntryPoint, HttpPort};
use gateway::headers::Headers;
use gateway::request::{HOST_LIMIT, RequestView, canonical_host};
use gateway::table::Table;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use std::fmt;

/// A request to explain.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    /// Whether it comes over TLS.
    pub(super) tls: bool,
    /// The host of its URL, which its client connects to and names in a handshake.
    pub(super) server_name: String,
    /// The port of its URL, if that names one.
    port: Option<u16>,
    /// Path and query as they are sent: begins with `/`.
    target: String,
    headers: Headers,
}

impl Request {
    /// A request for a URL, which may lack its scheme, with these headers by name and value. A `Host` among them
    /// replaces the URL's, but not the name that the client gives in a handshake.
    ///
    /// # Errors
    /// Says which part is not one of HTTP.
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
        Ok(Self {
            method: method.parse().map_err(|_| format!("{method:?} is not a method: expected one such as GET"))?,
            tls: scheme == "https",
            server_name: canonical_host(host, &mut [0; HOST_LIMIT]).to_owned(),
            port: host.parse::<Authority>().ok().and_then(|authority| authority.port_u16()),
            target: format!("{slash}{target}"),
            headers: header_map(host, headers)?.into(),
        })
    }

    /// The port that it comes to, where that has hosts of its own: as clients know it, or else as it is opened.
    pub(super) fn own_port<'t>(&self, table: &'t Table) -> Option<&'t HttpPort> {
        let ports = || table.ports().iter().filter(|port| port.tls == self.tls);
        let wanted = self.port?;
        ports().find(|port| port.advertised == wanted).or_else(|| ports().find(|port| port.port == wanted))
    }

    /// Where it comes in.
    pub(super) fn entry_point(&self, table: &Table) -> EntryPoint {
        EntryPoint::of(self.tls, self.own_port(table).map(|port| port.port))
    }

    /// The request as policies see it.
    pub(super) fn view(&self) -> RequestView<'_> {
        RequestView::new(&self.method, self.target.as_bytes(), &self.headers, Version::HTTP_11)
    }
}

fn header_map<'h>(host: &str, given: impl IntoIterator<Item = (&'h str, &'h str)>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let invalid = || format!("{name:?}: {value:?} is not a header of HTTP");
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) else {
            return Err(invalid());
        };
        headers.append(name, value);
    }
    if !headers.contains_key(header::HOST) {
        let host =
            host.parse().map_err(|_| format!("{host:?} is not a host: expected one such as shop.example.com"))?;
        headers.insert(header::HOST, host);
    }
    Ok(headers)
}

impl fmt::Display for Request {
    /// `GET http://shop.example.com/cart?x=1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{} {scheme}://{}{}", self.method, self.view().host(), self.target)
    }
}
