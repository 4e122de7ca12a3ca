use super::{MapValue, Template};
use std::sync::Arc;

/// The access log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessLog {
    /// Whether it is written at all.
    pub enabled: bool,
    /// One line's format.
    pub format: Template,
    /// How values are escaped.
    pub escape: Escape,
    /// `skip-access-log-urls`: requests for these are not logged, by path and query as the client sent them. Default none.
    pub skipped: Arc<[MapValue]>,
    /// `enable-access-log-for-default-backend`: requests for hosts without rules are logged. Default false.
    pub unmatched: bool,
    /// `enable-auth-access-log`: auth requests are logged. Default false.
    pub auth: bool,
    /// `enable-syslog`: lines are sent to this server. Default none: they are written.
    pub syslog: Option<Syslog>,
}

/// A syslog server, which gets datagrams of UDP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Syslog {
    /// `syslog-host`: a DNS name, or an address without brackets.
    pub host: Arc<str>,
    /// `syslog-port`. Default 514.
    pub port: u16,
}

impl AccessLog {
    /// ingress-nginx's `log-format-upstream`.
    pub const DEFAULT_FORMAT: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
        \"$http_referer\" \"$http_user_agent\" $request_length $request_time [$proxy_upstream_name] \
        [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time \
        $upstream_status $req_id";
}

impl Default for AccessLog {
    fn default() -> Self {
        let format = Template::parse(Self::DEFAULT_FORMAT).unwrap_or_default();
        Self {
            enabled: true,
            format,
            escape: Escape::Default,
            skipped: Arc::from([]),
            unmatched: false,
            auth: false,
            syslog: None,
        }
    }
}

/// How values are escaped in the access log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Escape {
    /// `"`, `\` and bytes outside 32..=126 become `\xHH`; an absent value is `-`.
    #[default]
    Default,
    /// JSON string escapes; an absent value is empty.
    Json,
    /// Nothing is escaped; an absent value is empty.
    None,
}
