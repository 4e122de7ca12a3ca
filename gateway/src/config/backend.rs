use super::{Ejection, HashBy};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The stable identity of a backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackendId {
    /// One port of one Service.
    Service(ServiceBackend),
    /// A server outside of the cluster's Services, as a URL names it: of authentication, mirrors and error pages.
    Url {
        /// A DNS name in lower case, or an address without brackets.
        host: Arc<str>,
        /// The port, also where it is the scheme's own.
        port: u16,
    },
    /// A reference that leads nowhere, or that may not be followed. It never has an endpoint, and requests that go there are
    /// answered with 500.
    Nowhere,
}

/// One port of one Service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceBackend {
    /// Namespace of the Service.
    pub namespace: Arc<str>,
    /// Name of the Service.
    pub service: Arc<str>,
    /// Port of the Service as the rule names it: a number or a name.
    pub port: Arc<str>,
    /// The transport of the port: a Service may have one port number for TCP and for UDP.
    pub protocol: StreamProtocol,
}

impl ServiceBackend {
    /// A port for TCP, by its number or name.
    pub fn tcp(namespace: impl Into<Arc<str>>, service: impl Into<Arc<str>>, port: impl Into<Arc<str>>) -> Self {
        let (namespace, service, port) = (namespace.into(), service.into(), port.into());
        Self { namespace, service, port, protocol: StreamProtocol::Tcp }
    }
}

impl BackendId {
    /// The port of a Service, if it is one.
    pub fn service(&self) -> Option<&ServiceBackend> {
        match self {
            Self::Service(service) => Some(service),
            Self::Url { .. } | Self::Nowhere => None,
        }
    }
}

impl From<ServiceBackend> for BackendId {
    fn from(port: ServiceBackend) -> Self {
        Self::Service(port)
    }
}

impl fmt::Display for BackendId {
    /// As [`ServiceBackend`], or `host:port`, with brackets around an IPv6 address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(port) => port.fmt(f),
            Self::Url { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Url { host, port } => write!(f, "{host}:{port}"),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

impl fmt::Display for ServiceBackend {
    /// `namespace/service:port`, with `/UDP` behind it for UDP.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.namespace, self.service, self.port)?;
        match self.protocol {
            StreamProtocol::Tcp => Ok(()),
            StreamProtocol::Udp => write!(f, "/{}", self.protocol),
        }
    }
}

/// What carries a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl StreamProtocol {
    /// As nginx's `$protocol` and Kubernetes write it: `TCP` or `UDP`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}

impl fmt::Display for StreamProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How to reach a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The key of a request that an endpoint is chosen by, whatever `balance` and `client_ip_affinity` say. Default none.
    pub hash_by: Option<Arc<HashBy>>,
    /// How an endpoint is chosen for each request or session. Default [`Balance::RoundRobin`].
    pub balance: Balance,
    /// `slow-start`: how long the share of a new endpoint grows, evenly from a tenth, where there were others before. Above
    /// zero. It counts with [`Balance::RoundRobin`] and [`Balance::LeastRequest`]. Default none: it has its share at once.
    pub slow_start: Option<Duration>,
    /// When an endpoint that fails gets no requests for a while. Default none: never.
    pub ejection: Option<Ejection>,
    /// Requests from one client address go to one endpoint (`sessionAffinity: ClientIP`). Default false.
    pub client_ip_affinity: bool,
    /// Where requests go. Without any address they are answered with 503.
    pub endpoints: Endpoints,
}

/// How an endpoint is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Balance {
    /// One endpoint after the other, over all workers.
    #[default]
    RoundRobin,
    /// Of two endpoints at random, the one with fewer requests in progress.
    LeastRequest,
    /// Of two endpoints at random, the one whose responses have taken less time of late: an exponentially weighted moving
    /// average with a decay of 10 s. An endpoint of which nothing is known comes first; one that is new among others has their
    /// average. An attempt without a response counts as one that took the whole timeout for connecting.
    Ewma,
}

/// The addresses behind a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoints {
    /// Known addresses, without duplicates, in a stable order.
    Addresses(Arc<[Endpoint]>),
    /// A DNS name (a Service of type ExternalName), resolved by the gateway and followed with its TTL.
    Name {
        /// A DNS name as the Service has it. With a trailing dot it is absolute; without one the search list and
        /// `ndots` of the resolver apply.
        name: Arc<str>,
        /// The port to connect to.
        port: u16,
    },
    /// The addresses that the backend has now: the new ones are not known yet.
    Unchanged,
}

/// One address that serves a backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Address and port.
    pub address: SocketAddr,
    /// UID of the Pod, where known: an address may be used again by another Pod, and connections must not be.
    pub pod: Option<Arc<str>>,
}

impl Backend {
    /// A backend with these addresses and default settings.
    pub fn at(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let endpoints = addresses.into_iter().map(|address| Endpoint { address, pod: None }).collect();
        Self {
            hash_by: None,
            balance: Balance::default(),
            slow_start: None,
            ejection: None,
            client_ip_affinity: false,
            endpoints: Endpoints::Addresses(endpoints),
        }
    }
}
