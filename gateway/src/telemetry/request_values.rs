use super::clock::Now;
use super::record::RequestInfo;
use super::trace_context::TraceContext;
use crate::config::{GeoVariable, RouteLabels, Variable};
use crate::connection::client_value;
use crate::tls::client::Verdict;
use crate::variables::{
    Assigned, NoDatabase, Overrun, Values, address, append, argument, binary_address, cookie, escaped, header, list,
    number, origin_form, query, remote_user, text,
};
use http::HeaderValue;
use percent_encoding::percent_decode;
use std::sync::LazyLock;

/// What ingress-nginx calls the upstream of requests that no route takes.
const DEFAULT_UPSTREAM: &str = "upstream-default-backend";

/// ingress-nginx's `$document_root`: nginx's own, since it sets none.
const DOCUMENT_ROOT: &str = "/usr/local/nginx/html";

/// The machine's name, which does not change while we run.
pub(super) static HOSTNAME: LazyLock<String> =
    LazyLock::new(|| gethostname::gethostname().to_string_lossy().into_owned());

/// The variables that are known while a request is served. Those of its end are in [`super::Record`], those of time in
/// [`super::Clock`].
impl Values for RequestInfo<'_> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        use Variable as V;
        match variable {
            V::Args | V::QueryString => append(self.arguments(), out),
            V::Argument(name) => self.arguments().is_some_and(|query| argument(query, name, out)),
            V::BestHttpHost => match self.asked_host {
                Some(host) => append(Some(host), out),
                None => self.header("host", out),
            },
            V::BinaryRemoteAddr => binary_address(self.client, out),
            V::ConnectionId => number(self.connection.id, out),
            V::ConnectionRequests => number(self.connection_requests, out),
            V::ContentLength => self.header("content-length", out),
            V::ContentType => self.header("content-type", out),
            V::Cookie(name) => self.headers.is_some_and(|headers| cookie(headers, name, out)),
            V::EscapedRequestUri => escaped(origin_form(self.target), out),
            V::Geo(variable) => self.geo(variable, out),
            V::Group(number) => append(self.assigned.and_then(|assigned| assigned.group(*number)), out),
            V::Header(name) => self.header(name, out),
            V::Host if self.host.is_empty() => text(self.server_name(), out),
            V::Host => text(self.host, out),
            V::Hostname => text(&HOSTNAME, out),
            V::HttpHost => self.header("host", out),
            V::Http2 => present(self.http2().as_bytes(), out),
            V::Https => present(if self.connection.tls.is_some() { b"on" } else { b"" }, out),
            V::IngressName => self.label(out, |labels| &labels.owner.ingress),
            V::IsArgs => text(if self.arguments().is_some_and(|query| !query.is_empty()) { "?" } else { "" }, out),
            V::LocationPath => self.label(out, |labels| &labels.path),
            V::Named(name) => self.named(name, self, out),
            V::Namespace => self.label(out, |labels| &labels.owner.namespace),
            V::OpentelemetrySampled => self.trace(out, |trace, out| number(u8::from(trace.is_sampled()), out)),
            V::OpentelemetrySpanId => self.trace(out, TraceContext::write_span),
            V::OpentelemetryTraceId => self.trace(out, TraceContext::write_trace),
            V::OpentelemetryTraceparent => self.trace(out, TraceContext::write_traceparent),
            V::OpentelemetryTracestate => {
                self.trace(out, |trace, out| append(trace.tracestate().map(HeaderValue::as_bytes), out))
            }
            V::PassAccessScheme => append(Some(self.scheme), out),
            V::PassPort | V::PassServerPort if self.port.is_empty() => number(self.connection.advertised_port, out),
            V::PassPort | V::PassServerPort => append(Some(self.port), out),
            V::ProxyAddXForwardedFor => self.forwarded_for(out),
            V::ProxyAlternativeUpstreamName => self.label(out, |labels| &labels.canary),
            V::ProxyHost | V::ProxyUpstreamName => self.upstream_name(out),
            V::ProxyProtocolAddr | V::ProxyProtocolPort | V::ProxyProtocolServerAddr | V::ProxyProtocolServerPort => {
                self.connection.proxied_value(variable, out)
            }
            V::RealIpRemoteAddr => address(self.connection.peer.ip(), out),
            V::RemoteAddr | V::TheRealIp => address(self.client, out),
            V::RemotePort => number(self.connection.peer.port(), out),
            V::RemoteUser => self.headers.is_some_and(|headers| remote_user(headers, out)),
            V::Request => self.request_line(out),
            V::RequestId | V::RequestIdNginx => append(Some(self.request_id), out),
            V::RequestMethod => present(self.method.as_bytes(), out),
            V::RequestUri => present(origin_form(self.target), out),
            V::Scheme => text(self.connection.scheme(), out),
            V::SentHeader(name) => self.response_header(1, name, out),
            V::ServerAddr => address(self.connection.local.ip(), out),
            V::ServerName => text(self.server_name(), out),
            V::ServerPort => number(self.connection.advertised_port, out),
            V::ServerProtocol => present(self.version.as_bytes(), out),
            V::ServiceName => self.label(out, |labels| &labels.owner.service),
            V::ServiceBackend => self.label(out, |labels| &labels.owner.service_port),
            V::SslCipher | V::SslProtocol | V::SslServerName | V::SslSessionReused => {
                self.connection.tls.as_ref().is_some_and(|tls| tls.value(variable, out))
            }
            V::SslClientVerify => self.connection.tls.is_some() && text(self.client_verdict().text(), out),
            V::SslClientEscapedCert
            | V::SslClientFingerprint
            | V::SslClientIDn
            | V::SslClientSDn
            | V::SslClientSerial => {
                self.client_certificate.is_some_and(|(certificate, _)| client_value(certificate, variable, out))
            }
            V::UpstreamHeader(name) => self.response_header(0, name, out),
            V::DocumentRoot => text(DOCUMENT_ROOT, out),
            V::DocumentUri | V::FastcgiScriptName | V::Uri => self.uri(out),
            V::FastcgiPathInfo => text("", out),
            // Those of the end of a request.
            V::BodyBytesSent
            | V::BrotliRatio
            | V::BytesSent
            | V::GzipRatio
            | V::RequestLength
            | V::RequestTime
            | V::Status
            | V::UpstreamAddr
            | V::UpstreamConnectTime
            | V::UpstreamHeaderTime
            | V::UpstreamResponseLength
            | V::UpstreamResponseTime
            | V::UpstreamStatus
            | V::ZstdRatio => false,
            // Those of time.
            V::Msec | V::TimeIso8601 | V::TimeLocal => false,
            // Those of TCP and UDP services.
            V::BytesReceived
            | V::Protocol
            | V::SessionTime
            | V::SslPrereadServerName
            | V::UpstreamBytesReceived
            | V::UpstreamBytesSent => false,
        }
    }
}

impl RequestInfo<'_> {
    /// A variable that a snippet has set, or else one that is made of others, which `values` has.
    pub(super) fn named(&self, name: &str, values: &impl Values, out: &mut Vec<u8>) -> bool {
        match self.assigned.and_then(|assigned| assigned.named(name)) {
            None => match self.maps.map_or(Ok(false), |maps| maps.value(name, &(values, &Now), out)) {
                Ok(found) => found,
                Err(Overrun) => {
                    self.assigned.into_iter().for_each(Assigned::overrun);
                    false
                }
            },
            set => append(set, out),
        }
    }

    /// A variable of a database. Where there is none, a rule that asks for it must not be decided.
    fn geo(&self, variable: &GeoVariable, out: &mut Vec<u8>) -> bool {
        let value = self.geo.map_or(Err(NoDatabase), |databases| databases.value(variable, self.client, out));
        value.unwrap_or_else(|NoDatabase| {
            self.assigned.into_iter().for_each(Assigned::overrun);
            false
        })
    }

    fn client_verdict(&self) -> Verdict {
        self.client_certificate.map_or(Verdict::None, |(_, verdict)| verdict)
    }

    fn trace(&self, out: &mut Vec<u8>, write: impl FnOnce(&TraceContext, &mut Vec<u8>) -> bool) -> bool {
        self.trace.is_some_and(|trace| write(trace, out))
    }

    fn header(&self, name: &str, out: &mut Vec<u8>) -> bool {
        self.headers.is_some_and(|headers| header(headers, name, out))
    }

    fn response_header(&self, which: usize, name: &str, out: &mut Vec<u8>) -> bool {
        self.response_headers[which].is_some_and(|headers| header(headers, name, out))
    }

    fn arguments(&self) -> Option<&[u8]> {
        self.arguments.map_or_else(|| query(self.target), |arguments| (!arguments.is_empty()).then_some(arguments))
    }

    /// As nginx: ngx_http_variable_http2.
    fn http2(&self) -> &'static str {
        match (self.version, self.connection.tls.is_some()) {
            ("HTTP/2.0", true) => "h2",
            ("HTTP/2.0", false) => "h2c",
            _ => "",
        }
    }

    /// The client's `X-Forwarded-For` and its address.
    fn forwarded_for(&self, out: &mut Vec<u8>) -> bool {
        if self.header("x-forwarded-for", out) {
            out.extend_from_slice(b", ");
        }
        address(self.client, out)
    }

    /// A label of the route; empty without a route, as nginx's `set` leaves it.
    fn label(&self, out: &mut Vec<u8>, label: impl Fn(&RouteLabels) -> &str) -> bool {
        text(self.labels.map_or("", |labels| label(labels)), out)
    }

    /// The host of the rule. `_` is ingress-nginx's server for all other hosts.
    fn server_name(&self) -> &str {
        match self.labels.map(|labels| &*labels.host) {
            None | Some("*") => "_",
            Some(host) => host,
        }
    }

    /// The decoded path, after a rewrite if there was one.
    fn uri(&self, out: &mut Vec<u8>) -> bool {
        let Some(target) = self.rewritten else {
            return append((!self.path.is_empty()).then_some(self.path), out);
        };
        let path = memchr::memchr(b'?', target).map_or(target, |end| &target[..end]);
        out.extend(percent_decode(path));
        true
    }

    /// The request line as it came; of one that could not be read, what there is.
    fn request_line(&self, out: &mut Vec<u8>) -> bool {
        let parts =
            [self.method.as_bytes(), self.target, self.version.as_bytes()].into_iter().filter(|part| !part.is_empty());
        list(parts, b" ", out, |part, out| append(Some(part), out))
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
}

/// The text, or nothing if it is empty: what of a head could not be read is absent.
fn present(value: &[u8], out: &mut Vec<u8>) -> bool {
    append((!value.is_empty()).then_some(value), out)
}
