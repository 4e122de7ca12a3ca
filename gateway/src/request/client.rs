//! The client's address, scheme, port and host: from the connection, or from forwarding headers if they are trusted.

use super::host::{is_authority, is_port, without_port};
use super::view::RequestView;
use crate::config::Forwarded;
use crate::connection::Connection;
use crate::headers::Fields;
use crate::variables::joined;
use http::HeaderValue;
use std::net::{IpAddr, SocketAddr};

const HTTPS_PORT: u16 = 443;

/// The client as the backend and the policies see it.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// That has been taken from a header, so that it is not the peer's.
    pub is_forwarded: bool,
    /// The scheme it used, or that a trusted `X-Forwarded-Proto` has: ingress-nginx's `$pass_access_scheme`.
    pub scheme: HeaderValue,
    /// The port it used, likewise: `$pass_server_port`.
    pub port: HeaderValue,
    /// The host it asked for, port and all, likewise: `$best_http_host`. `None` in HTTP/1.0 without `Host`.
    pub host: Option<HeaderValue>,
}

impl Client {
    /// The client of a request.
    pub fn of(request: &RequestView<'_>, connection: &Connection, forwarded: &Forwarded) -> Self {
        let peer = connection.peer.ip();
        let mut client = Self {
            address: peer,
            is_forwarded: false,
            scheme: HeaderValue::from_static(connection.scheme()),
            port: port_value(connection.advertised_port),
            host: request.headers.value("host"),
        };
        if forwarded.names_clients() && forwarded.trusts(peer) {
            let values = request.headers.values(&forwarded.header);
            client.take_address(peer, forwarded_address(values, peer, true, |address| forwarded.trusts(address)));
        }
        if forwarded.trust_headers {
            client.apply_forwarded_headers(request);
        }
        // The sender of the PROXY header has terminated the client's TLS, whatever a header says (ingress-nginx:
        // lua_ingress.rewrite).
        if forwarded.proxy_protocol && connection.advertised_port == HTTPS_PORT {
            client.scheme = HeaderValue::from_static("https");
        }
        client
    }

    /// Takes the address that a proxy has named, or else its peer's.
    pub(crate) fn take_address(&mut self, peer: IpAddr, forwarded: Option<IpAddr>) {
        (self.address, self.is_forwarded) = (forwarded.unwrap_or(peer), forwarded.is_some());
    }

    /// Takes scheme, port and host from X-Forwarded headers. ingress-nginx trusts these whoever sends them.
    fn apply_forwarded_headers(&mut self, request: &RequestView<'_>) {
        let header = |name| joined(request.headers, name).filter(|value| !value.is_empty());
        if let Some(scheme) = header("x-forwarded-proto") {
            self.scheme = scheme;
        }
        // Both become part of URLs: what is neither a port nor a host could lead elsewhere.
        if let Some(port) = header("x-forwarded-port").filter(|port| is_port(port.as_bytes())) {
            self.port = port;
        }
        let hosts = header("x-forwarded-host");
        let hosts = hosts.as_ref().and_then(|value| value.to_str().ok());
        let first = hosts.and_then(|list| list.split(',').map(str::trim).find(|host| !host.is_empty()));
        let first = first.filter(|host| is_authority(host.as_bytes()));
        if let Some(host) = first.and_then(|host| HeaderValue::from_str(host).ok()) {
            self.host = Some(host);
        }
    }

    /// The host that it asked for, without a port.
    pub fn requested_host(&self) -> &str {
        let host = self.host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default();
        without_port(host)
    }

    /// Whether the client used plain HTTP, as far as known: exactly `http`, and not `wss`, nor anything else that a
    /// trusted `X-Forwarded-Proto` may have, such as a list.
    pub fn is_plain_http(&self) -> bool {
        self.scheme == "http"
    }
}

/// A port as the value of a header. The usual ones take no memory.
fn port_value(port: u16) -> HeaderValue {
    match port {
        80 => HeaderValue::from_static("80"),
        HTTPS_PORT => HeaderValue::from_static("443"),
        port => port.into(),
    }
}

/// The address that a chain of proxies names, where the peer is one that is trusted, as nginx: ngx_http_get_forwarded_addr. It is
/// the last one; `recursive` goes on from our end past everyone trusted. Stops at the last address that could be read.
pub(crate) fn forwarded_address<'v>(
    values: impl DoubleEndedIterator<Item = &'v [u8]>,
    peer: IpAddr,
    recursive: bool,
    trusts: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    if !trusts(peer) {
        return None;
    }
    let mut client = None;
    for value in values.rev() {
        for hop in std::str::from_utf8(value).unwrap_or_default().rsplit(',') {
            let Some(address) = parse_address(hop.trim()) else { return client };
            client = Some(address);
            if !recursive || !trusts(address) {
                return client;
            }
        }
    }
    client
}

/// An address with or without a port, with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let address = match text.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => match text.parse::<SocketAddr>() {
            Ok(address) => address.ip(),
            Err(_) => text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?,
        },
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::Headers;
    use http::{HeaderMap, Method, Version};

    fn address(chain: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in chain {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).expect("a header"));
        }
        let headers = Headers::from(&headers);
        let request = RequestView::new(&Method::GET, b"/", &headers, Version::HTTP_11);
        let trusted = trusted.iter().map(|network| network.parse().expect("a network")).collect();
        let forwarded = Forwarded { trust_headers: true, trusted, ..Forwarded::default() };
        let connection = Connection {
            id: 1,
            peer: "10.0.0.1:1000".parse().expect("an address"),
            local: "10.0.0.2:80".parse().expect("an address"),
            advertised_port: 80,
            proxied: None,
            own_port: None,
            tls: None,
        };
        Client::of(&request, &connection, &forwarded).address.to_string()
    }

    #[test]
    fn the_chain_is_followed_as_far_as_it_is_trusted() {
        assert_eq!(address(&["1.1.1.1, 2.2.2.2"], &["0.0.0.0/0"]), "1.1.1.1");
        assert_eq!(address(&["1.1.1.1, 2.2.2.2"], &["10.0.0.0/8"]), "2.2.2.2");
        assert_eq!(address(&["1.1.1.1", "2.2.2.2"], &["10.0.0.0/8", "2.2.2.2/32"]), "1.1.1.1");
        assert_eq!(address(&["1.1.1.1"], &["192.168.0.0/16"]), "10.0.0.1");
        assert_eq!(address(&["junk, 2.2.2.2"], &["0.0.0.0/0"]), "2.2.2.2");
        assert_eq!(address(&["[2001:db8::1]:443"], &["0.0.0.0/0"]), "2001:db8::1");
        assert_eq!(address(&[], &["0.0.0.0/0"]), "10.0.0.1");
    }
}
