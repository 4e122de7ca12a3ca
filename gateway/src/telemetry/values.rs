use super::record::{Attempt, Record};
use crate::config::{RouteLabels, Variable};
use crate::variables::{
    Values, address, append, argument, binary_address, cookie, endpoint, escaped, header, list, number, origin_form,
    query, remote_user, seconds, text, three_digits,
};
use std::sync::LazyLock;
use std::time::Duration;

/// What ingress-nginx calls the upstream of requests that no route takes.
const DEFAULT_UPSTREAM: &str = "upstream-default-backend";

/// The machine's name, which does not change while we run.
pub(super) static HOSTNAME: LazyLock<String> =
    LazyLock::new(|| gethostname::gethostname().to_string_lossy().into_owned());

/// Every variable but those of time, for which see [`super::Clock`].
impl Values for Record<'_> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        use Variable as V;
        match variable {
            V::Args | V::QueryString => append(query(self.target).map(str::as_bytes), out),
            V::Argument(name) => query(self.target).is_some_and(|query| argument(query, name, out)),
            V::BinaryRemoteAddr => binary_address(self.client, out),
            V::BodyBytesSent => number(self.body_bytes_sent, out),
            V::BytesSent => number(self.bytes_sent, out),
            V::ConnectionId => number(self.connection.id, out),
            V::ConnectionRequests => number(self.connection_requests, out),
            V::ContentLength => self.header("content-length", out),
            V::ContentType => self.header("content-type", out),
            V::Cookie(name) => self.headers.is_some_and(|headers| cookie(headers, name, out)),
            V::EscapedRequestUri => escaped(origin_form(self.target).as_bytes(), out),
            V::Header(name) => self.header(name, out),
            V::Host if self.host.is_empty() => text(self.server_name(), out),
            V::Host => text(self.host, out),
            V::Hostname => text(&HOSTNAME, out),
            V::HttpHost => self.header("host", out),
            V::IngressName => self.label(out, |labels| &labels.owner.ingress),
            V::LocationPath => self.label(out, |labels| &labels.path),
            V::Namespace => self.label(out, |labels| &labels.owner.namespace),
            V::PassAccessScheme => text(self.scheme, out),
            V::ProxyAlternativeUpstreamName => true,
            V::ProxyHost | V::ProxyUpstreamName => self.upstream_name(out),
            V::RealIpRemoteAddr => address(self.connection.peer.ip(), out),
            V::RemoteAddr | V::TheRealIp => address(self.client, out),
            V::RemotePort => number(self.connection.peer.port(), out),
            V::RemoteUser => self.headers.is_some_and(|headers| remote_user(headers, out)),
            V::Request => self.request_line(out),
            V::RequestId | V::RequestIdNginx => text(self.request_id, out),
            V::RequestLength => number(self.request_length, out),
            V::RequestMethod => present(self.method, out),
            V::RequestTime => seconds(self.duration, out),
            V::RequestUri => present(origin_form(self.target), out),
            V::Scheme => text(self.connection.scheme(), out),
            V::ServerAddr => address(self.connection.local.ip(), out),
            V::ServerName => text(self.server_name(), out),
            V::ServerPort => number(self.connection.advertised_port, out),
            V::ServerProtocol => present(self.version, out),
            V::ServiceName => self.label(out, |labels| &labels.owner.service),
            V::ServiceBackend => self.label(out, |labels| &labels.owner.service_port),
            V::SslCipher | V::SslProtocol | V::SslServerName | V::SslSessionReused => {
                self.connection.tls.as_ref().is_some_and(|tls| tls.value(variable, out))
            }
            V::Status => three_digits(self.status.into(), out),
            V::Msec | V::TimeIso8601 | V::TimeLocal => false,
            // Those of TCP and UDP services.
            V::BytesReceived
            | V::Protocol
            | V::SessionTime
            | V::SslPrereadServerName
            | V::UpstreamBytesReceived
            | V::UpstreamBytesSent => false,
            V::UpstreamAddr => self.attempts(out, |attempt, out| endpoint(attempt.address, out)),
            V::UpstreamConnectTime => self.attempts(out, |attempt, out| time(attempt.connect, out)),
            V::UpstreamHeaderTime => self.attempts(out, |attempt, out| time(attempt.header, out)),
            V::UpstreamResponseLength => self.attempts(out, |attempt, out| number(attempt.response_length, out)),
            V::UpstreamResponseTime => self.attempts(out, |attempt, out| time(Some(attempt.response), out)),
            V::UpstreamStatus => self.attempts(out, |attempt, out| match attempt.status {
                Some(status) => number(status, out),
                None => false,
            }),
            V::Uri => append((!self.path.is_empty()).then_some(self.path), out),
        }
    }
}

impl Record<'_> {
    fn header(&self, name: &str, out: &mut Vec<u8>) -> bool {
        self.headers.is_some_and(|headers| header(headers, name, out))
    }

    /// A label of the route; empty without a route, as nginx's `set` leaves it.
    fn label(&self, out: &mut Vec<u8>, label: impl Fn(&RouteLabels) -> &str) -> bool {
        text(self.labels.map_or("", |labels| label(labels)), out)
    }

    /// `_` is what ingress-nginx calls the server of all other hosts.
    fn server_name(&self) -> &str {
        match self.labels.map(|labels| &*labels.host) {
            None | Some("*") => "_",
            Some(host) => host,
        }
    }

    /// The request line as it came; of one that could not be read, what there is.
    fn request_line(&self, out: &mut Vec<u8>) -> bool {
        let parts = [self.method, self.target, self.version].into_iter().filter(|part| !part.is_empty());
        list(parts, b" ", out, text)
    }

    /// `NAMESPACE-SERVICE-PORT`, as ingress-nginx: buildUpstreamName. Empty if the request's head was refused, for
    /// then nginx has not looked for a location.
    fn upstream_name(&self, out: &mut Vec<u8>) -> bool {
        match self.labels.map(|labels| &labels.owner) {
            Some(owner) if !owner.service.is_empty() => {
                list([&owner.namespace, &owner.service, &owner.service_port], b"-", out, |part, out| text(part, out))
            }
            None if self.headers.is_none() => true,
            _ => text(DEFAULT_UPSTREAM, out),
        }
    }

    /// A value of each try, as nginx lists them: `-` for one that a try does not have.
    fn attempts(&self, out: &mut Vec<u8>, value: impl Fn(&Attempt, &mut Vec<u8>) -> bool) -> bool {
        list(self.attempts, b", ", out, |attempt, out| value(attempt, out) || text("-", out))
    }
}

/// The text, or nothing if it is empty: what of a head could not be read is absent.
fn present(value: &str, out: &mut Vec<u8>) -> bool {
    append((!value.is_empty()).then_some(value.as_bytes()), out)
}

fn time(time: Option<Duration>, out: &mut Vec<u8>) -> bool {
    time.is_some_and(|time| seconds(time, out))
}
