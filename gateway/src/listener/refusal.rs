use super::worker::Worker;
use crate::telemetry::{Record, RequestInfo};
use std::time::Duration;

/// Why a request head is refused. The connection is closed after the response, since it is unclear where the next request
/// would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// A fixed label for metrics and logs.
    pub reason: &'static str,
}

/// A request whose head was refused, and answered: no route was looked up for it.
pub(super) struct RefusedRequest<'a> {
    pub(super) request: RequestInfo<'a>,
    pub(super) refusal: Refusal,
    pub(super) request_length: usize,
    pub(super) duration: Duration,
    pub(super) body_bytes_sent: u64,
    pub(super) bytes_sent: u64,
}

impl RefusedRequest<'_> {
    /// Counts and logs it.
    pub(super) fn record(&self, worker: &Worker) {
        let record = Record {
            request: self.request,
            logged: true,
            reply: Some(self.refusal.reason),
            request_length: self.request_length as u64,
            duration: self.duration,
            status: self.refusal.status,
            body_bytes_sent: self.body_bytes_sent,
            bytes_sent: self.bytes_sent,
            encoded: None,
            attempts: &[],
        };
        worker.context.telemetry().record(&record, &worker.context.publisher().load().settings().access_log);
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $status:literal $reason:literal;)*) => {
        impl Refusal {
            $($(#[$doc])* pub const $name: Self = Self { status: $status, reason: $reason };)*
        }
    };
}

impl Refusal {
    /// The explanation on its status page, in nginx's words.
    pub fn explanation(&self) -> Option<&'static str> {
        (*self == Self::CLEARTEXT).then_some("The plain HTTP request was sent to HTTPS port")
    }
}

refusals! {
    /// Not HTTP at all, or a request line or header line that breaks its grammar (continued lines included).
    MALFORMED = 400 "malformed-head";
    /// A line that ends in a bare line feed: other servers disagree on where the head ends.
    BARE_LF = 400 "bare-line-feed";
    /// `Content-Length` beside `Transfer-Encoding`, repeated, or not a number.
    BAD_LENGTH = 400 "bad-content-length";
    /// The first bytes of the body, which came with the head, are not what its framing says.
    MALFORMED_BODY = 400 "malformed-body";
    /// `Transfer-Encoding` other than `chunked`, repeated, or in HTTP/1.0.
    BAD_ENCODING = 400 "bad-transfer-encoding";
    /// HTTP/1.1 without `Host`.
    NO_HOST = 400 "missing-host";
    /// More than one `Host`, or one that is no host.
    BAD_HOST = 400 "bad-host";
    /// A target that is not a path, or an absolute one whose authority is not the `Host`.
    BAD_TARGET = 400 "bad-target";
    /// A header line longer than `large-client-header-buffers`, more headers than `max-headers`, or too long ones in all.
    HEADERS_TOO_LARGE = 400 "headers-too-large";
    /// Cleartext where TLS is expected.
    CLEARTEXT = 400 "cleartext-to-tls-port";
    /// CONNECT and TRACE, as nginx refuses them.
    METHOD = 405 "method-not-allowed";
    /// The head did not arrive within `client-header-timeout`.
    TIMEOUT = 408 "header-timeout";
    /// A request line longer than `large-client-header-buffers`.
    TARGET_TOO_LONG = 414 "uri-too-long";
    /// `Expect` asks for something else than `100-continue`.
    EXPECTATION = 417 "unknown-expectation";
    /// Neither HTTP/1.0 nor HTTP/1.1.
    VERSION = 505 "http-version";
}
