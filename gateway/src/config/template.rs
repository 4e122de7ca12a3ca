use super::GeoVariable;
use std::sync::Arc;

/// A text with nginx variables in it, parsed: the only form in which a user's `$variable` exists past translation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Template(pub Arc<[Piece]>);

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Text as it stands.
    Literal(Arc<str>),
    /// A value known when the template is rendered.
    Variable(Variable),
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The name after `$` is not one that Adit has.
    #[error("contains the variable ${0}, which is not supported")]
    Unknown(String),
    /// `$` without a name, or `${` without `}`.
    #[error("contains a '$' without a variable name after it")]
    Dangling,
}

macro_rules! variables {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The nginx variables that Adit knows. The family `$http_NAME` is [`Variable::Header`], and so on.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Variable {
            $(#[doc = concat!("`$", $name, "`")] $(#[$doc])* $variant,)*
            /// `$http_NAME`: a request header, by its name in lower case with dashes.
            Header(Arc<str>),
            /// `$cookie_NAME`: a cookie of the request.
            Cookie(Arc<str>),
            /// `$arg_NAME`: an argument of the query string.
            Argument(Arc<str>),
            /// `$geoip2_NAME`: what a database knows of the client's address.
            Geo(&'static GeoVariable),
            /// `$1` to `$9`: a group of the last regular expression of a snippet; empty where that has not matched.
            Group(u8),
            /// `$NAME`: a variable that a snippet sets.
            Named(Arc<str>),
            /// `$upstream_http_NAME`: a header of the backend's response.
            UpstreamHeader(Arc<str>),
            /// `$sent_http_NAME`: a header of the response to the client.
            SentHeader(Arc<str>),
        }

        impl Variable {
            /// The names without a family.
            pub const NAMES: &[&str] = &[$($name),*];

            fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

variables! {
    Args = "args",
    /// The host that the client asked for, with its port, or that a trusted `X-Forwarded-Host` has.
    BestHttpHost = "best_http_host",
    BinaryRemoteAddr = "binary_remote_addr",
    BodyBytesSent = "body_bytes_sent",
    /// How many times smaller Brotli has made the body: `3.25`.
    BrotliRatio = "brotli_ratio",
    BytesReceived = "bytes_received",
    BytesSent = "bytes_sent",
    ConnectionId = "connection",
    ConnectionRequests = "connection_requests",
    ContentLength = "content_length",
    ContentType = "content_type",
    DocumentRoot = "document_root",
    DocumentUri = "document_uri",
    /// `$request_uri`, percent-encoded so that it can be an argument of a query (ingress-nginx: `set_escape_uri`).
    EscapedRequestUri = "escaped_request_uri",
    /// Always empty: what nginx splits off a path with `fastcgi_split_path_info`, which no annotation sets.
    FastcgiPathInfo = "fastcgi_path_info",
    /// The path, with `fastcgi-index` behind it where it ends with a slash.
    FastcgiScriptName = "fastcgi_script_name",
    /// The same of gzip.
    GzipRatio = "gzip_ratio",
    Host = "host",
    HttpHost = "http_host",
    Hostname = "hostname",
    Http2 = "http2",
    Https = "https",
    IngressName = "ingress_name",
    /// `?` where the request has arguments, or nothing.
    IsArgs = "is_args",
    LocationPath = "location_path",
    Msec = "msec",
    Namespace = "namespace",
    /// `traceparent` of requests to backends.
    OpentelemetryTraceparent = "opentelemetry_context_traceparent",
    /// `tracestate` of requests to backends.
    OpentelemetryTracestate = "opentelemetry_context_tracestate",
    /// 1 where the trace of the request is recorded, or else 0.
    OpentelemetrySampled = "opentelemetry_sampled",
    /// The id of the request's span.
    OpentelemetrySpanId = "opentelemetry_span_id",
    /// The id of the request's trace.
    OpentelemetryTraceId = "opentelemetry_trace_id",
    PassAccessScheme = "pass_access_scheme",
    /// The port that the client used, or that a trusted header has.
    PassPort = "pass_port",
    PassServerPort = "pass_server_port",
    Protocol = "protocol",
    /// The client's `X-Forwarded-For` with its address added.
    ProxyAddXForwardedFor = "proxy_add_x_forwarded_for",
    ProxyAlternativeUpstreamName = "proxy_alternative_upstream_name",
    ProxyHost = "proxy_host",
    ProxyProtocolAddr = "proxy_protocol_addr",
    ProxyProtocolPort = "proxy_protocol_port",
    ProxyProtocolServerAddr = "proxy_protocol_server_addr",
    ProxyProtocolServerPort = "proxy_protocol_server_port",
    ProxyUpstreamName = "proxy_upstream_name",
    QueryString = "query_string",
    RealIpRemoteAddr = "realip_remote_addr",
    RemoteAddr = "remote_addr",
    RemotePort = "remote_port",
    RemoteUser = "remote_user",
    RequestId = "req_id",
    Request = "request",
    RequestIdNginx = "request_id",
    RequestLength = "request_length",
    RequestMethod = "request_method",
    RequestTime = "request_time",
    RequestUri = "request_uri",
    Scheme = "scheme",
    ServerAddr = "server_addr",
    ServerName = "server_name",
    ServerPort = "server_port",
    ServerProtocol = "server_protocol",
    ServiceName = "service_name",
    ServiceBackend = "service_port",
    SessionTime = "session_time",
    SslCipher = "ssl_cipher",
    SslClientEscapedCert = "ssl_client_escaped_cert",
    SslClientFingerprint = "ssl_client_fingerprint",
    SslClientIDn = "ssl_client_i_dn",
    SslClientSDn = "ssl_client_s_dn",
    SslClientSerial = "ssl_client_serial",
    SslClientVerify = "ssl_client_verify",
    SslPrereadServerName = "ssl_preread_server_name",
    SslProtocol = "ssl_protocol",
    SslServerName = "ssl_server_name",
    SslSessionReused = "ssl_session_reused",
    Status = "status",
    TheRealIp = "the_real_ip",
    TimeIso8601 = "time_iso8601",
    TimeLocal = "time_local",
    UpstreamAddr = "upstream_addr",
    UpstreamBytesReceived = "upstream_bytes_received",
    UpstreamBytesSent = "upstream_bytes_sent",
    UpstreamConnectTime = "upstream_connect_time",
    UpstreamHeaderTime = "upstream_header_time",
    UpstreamResponseLength = "upstream_response_length",
    UpstreamResponseTime = "upstream_response_time",
    UpstreamStatus = "upstream_status",
    Uri = "uri",
    /// The same of Zstandard.
    ZstdRatio = "zstd_ratio",
}

impl Template {
    /// Parses nginx's notation: `$name` or `${name}`. Everything else is literal.
    ///
    /// # Errors
    /// A variable is unknown, a `$` has no name after it, or a `${` has no `}`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_by(text, Variable::parse)
    }

    /// The same, with the names of the variables that are unknown: snippets may set them, or else they have no value.
    ///
    /// # Errors
    /// A `$` has no name after it, or a `${` has no `}`.
    pub fn parse_with_unknown(text: &str) -> Result<(Self, Vec<Arc<str>>), TemplateError> {
        let mut unknown: Vec<Arc<str>> = Vec::new();
        let template = Self::parse_by(text, |name| match Variable::parse(name) {
            Err(TemplateError::Unknown(name)) => {
                let name: Arc<str> = name.into();
                unknown.push(Arc::clone(&name));
                Ok(Variable::Named(name))
            }
            known => known,
        });
        Ok((template?, unknown))
    }

    fn parse_by(
        text: &str,
        mut variable: impl FnMut(&str) -> Result<Variable, TemplateError>,
    ) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            if dollar > 0 {
                pieces.push(Piece::Literal(rest[..dollar].into()));
            }
            let after = &rest[dollar + 1..];
            let name;
            (name, rest) = match after.strip_prefix('{') {
                Some(braced) => braced.split_once('}').ok_or(TemplateError::Dangling)?,
                None => {
                    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                    after.split_at(end)
                }
            };
            pieces.push(Piece::Variable(variable(name)?));
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.into()));
        }
        Ok(Self(pieces.into()))
    }

    /// The text, if no variable is in it.
    pub fn literal(&self) -> Option<&str> {
        match &*self.0 {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl Variable {
    /// The variable of this name, without the `$`.
    ///
    /// # Errors
    /// The name is empty or unknown.
    pub fn parse(name: &str) -> Result<Self, TemplateError> {
        if name.is_empty() {
            return Err(TemplateError::Dangling);
        }
        let family = |prefix: &str| name.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        if let Some(known) = Self::named(name) {
            Ok(known)
        } else if let Some(variable) = GeoVariable::named(name) {
            Ok(Self::Geo(variable))
        } else if let Some(header) = family("http_") {
            Ok(Self::Header(header.to_ascii_lowercase().replace('_', "-").into()))
        } else if let Some(cookie) = family("cookie_") {
            Ok(Self::Cookie(cookie.into()))
        } else if let Some(argument) = family("arg_") {
            Ok(Self::Argument(argument.into()))
        } else {
            Err(TemplateError::Unknown(name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_variables_and_literals() {
        let template = Template::parse("a $host-${namespace}b$http_x_user").expect("valid");
        assert_eq!(
            &*template.0,
            [
                Piece::Literal("a ".into()),
                Piece::Variable(Variable::Host),
                Piece::Literal("-".into()),
                Piece::Variable(Variable::Namespace),
                Piece::Literal("b".into()),
                Piece::Variable(Variable::Header("x-user".into())),
            ]
        );
        assert_eq!(Template::parse("plain").expect("valid").literal(), Some("plain"));
    }

    #[test]
    fn refuses_unknown_and_dangling() {
        assert_eq!(Template::parse("$nope"), Err(TemplateError::Unknown("nope".into())));
        assert_eq!(Template::parse("a$"), Err(TemplateError::Dangling));
        assert_eq!(Template::parse("${host"), Err(TemplateError::Dangling));
    }

    #[test]
    fn unknown_variables_may_be_of_snippets() {
        let (template, unknown) = Template::parse_with_unknown("$host$mine").expect("valid");
        assert_eq!(*template.0, [Piece::Variable(Variable::Host), Piece::Variable(Variable::Named("mine".into()))]);
        assert_eq!(unknown, ["mine".into()]);
        assert_eq!(Template::parse_with_unknown("${mine"), Err(TemplateError::Dangling));
    }

    #[test]
    fn the_default_log_format_parses() {
        assert!(Template::parse(super::super::AccessLog::DEFAULT_FORMAT).is_ok());
    }
}
