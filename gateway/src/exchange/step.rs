use crate::config::{BackendPolicies, BackendProtocol, Timeouts, UpstreamConnections};
use crate::policy::basic_auth::Verification;
use crate::request::Reply;
use crate::tls::backend;
use http::uri::Scheme;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Where to send a request.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The endpoint.
    pub address: SocketAddr,
    /// How to use TLS; `None` is cleartext.
    pub tls: Option<BackendTls>,
    /// What the endpoint speaks.
    pub protocol: EndpointProtocol,
    /// Connections are shared only between equal keys.
    pub pool_key: u64,
    /// Timeouts for connecting, sending and reading.
    pub timeouts: Timeouts,
    /// When the attempt has to be over, if that has a limit.
    pub deadline: Option<Instant>,
    /// Which connections to it are kept for further requests.
    pub keep_alive: UpstreamConnections,
    /// The largest head of a response over HTTP/1 that is taken, in bytes.
    pub largest_head: usize,
    /// The largest piece of a response that is to be read at a time.
    pub largest_piece: usize,
    /// Whether it has to be a new connection, where connections serve one request at a time: one that was kept has just proved
    /// stale.
    pub fresh: bool,
}

impl Destination {
    /// That of URLs of it.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP }
    }
}

/// What an endpoint speaks, and so which lane takes a request there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointProtocol {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
    /// FastCGI.
    FastCgi,
}

impl From<&BackendPolicies> for EndpointProtocol {
    fn from(policies: &BackendPolicies) -> Self {
        match policies.protocol {
            BackendProtocol::Grpc | BackendProtocol::Grpcs => Self::Http2,
            BackendProtocol::FastCgi => Self::FastCgi,
            BackendProtocol::Http | BackendProtocol::Https | BackendProtocol::Auto if policies.http_10 => Self::Http10,
            BackendProtocol::Http | BackendProtocol::Https | BackendProtocol::Auto => Self::Http11,
        }
    }
}

/// TLS towards a backend.
#[derive(Clone, Debug, Default)]
pub struct BackendTls {
    /// The name that is sent (SNI); `None` sends none.
    pub server_name: Option<Arc<str>>,
    /// `proxy-ssl-secret` and what goes with it, which then has a name of its own. `None`: the certificate is not verified.
    pub settings: Option<Arc<backend::BackendTls>>,
}

/// Why an exchange did not go as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection to the endpoint.
    Connect {
        /// It took too long.
        timed_out: bool,
    },
    /// No whole response of an endpoint that was connected.
    Upstream {
        /// What is wrong.
        fault: UpstreamFault,
        /// The connection is to blame: it had served before and closed before a byte of the answer, or the endpoint
        /// says that it has not touched the request. The endpoint may never have seen it.
        stale: bool,
        /// The endpoint has certainly not touched the request: it says so.
        untouched: bool,
        /// The request can be sent again: it has no body, or all that was read of it is still at hand.
        replayable: bool,
    },
    /// The client went away.
    ClientGone,
    /// The client's body did not come in time.
    ClientTimeout,
    /// The client's body is not what its framing says.
    ClientMalformed,
    /// The web application firewall refuses the endpoint's response. The exchange knows what is answered in its place.
    ResponseRefused,
    /// A fault of ours.
    Internal,
}

/// What is wrong with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamFault {
    /// It broke off, or closed the connection.
    Closed,
    /// It took too long.
    TimedOut,
    /// Its response violates HTTP.
    Invalid,
}

/// What a lane is to do next with a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Wait so long: the client has asked faster than it may, or another attempt is not to come at once.
    Wait(Duration),
    /// Verify these credentials on a thread that may block, and report whether they are right
    /// ([`super::Exchange::verified`]).
    Verify(Arc<Verification>),
    /// Send an auth request ([`super::Exchange::auth_request`]) to this server, and report its response
    /// ([`super::Exchange::auth_response`], or over HTTP/2 [`super::Exchange::auth_answer`]) or that there is none.
    Ask(Destination),
    /// Have the web application firewall look at it ([`super::Exchange::inspection`]): at its head, and at its body before
    /// any of it is sent on.
    Inspect,
    /// Lead it to where its error is answered ([`super::Exchange::turn_to_error_page`]): it may need all these steps once more, and
    /// another lane.
    ErrorPage,
    /// Ask whether its body is held back ([`super::Exchange::buffer`]), and if so read it to its end before any of it is sent
    /// on.
    Buffer,
    /// Send it to this endpoint, and report what comes of that.
    Attempt(Destination),
    /// Answer it, unless an answer has begun.
    Reply(Reply),
    /// Close its connection, or reset its stream, without an answer.
    Close,
    /// Nothing: the client is gone.
    Abandon,
}

/// What a client was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// The status of the response, if one was started; for a gRPC error of ours, the equivalent HTTP status.
    pub status: Option<u16>,
    /// Bytes of head and body, as the protocol of the lane has them.
    pub bytes: u64,
    /// Bytes of the body.
    pub body: u64,
}
