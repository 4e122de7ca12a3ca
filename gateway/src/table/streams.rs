use crate::config::{StreamListener, StreamProtocol};
use crate::upstream::{Registry, Upstream};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The TCP and UDP services of a table.
#[derive(Debug, Default)]
pub struct Streams(BTreeMap<StreamKey, Arc<StreamRoute>>);

/// What tells one service from another: a port may have a TCP and a UDP service.
pub(crate) type StreamKey = (StreamProtocol, u16);

/// A TCP or UDP service: all that a session keeps of the table.
#[derive(Debug)]
pub struct StreamRoute {
    /// What the ConfigMap says.
    pub listener: StreamListener,
    /// Whose endpoints serve it.
    pub upstream: Arc<Upstream>,
    name: Box<str>,
}

impl Streams {
    /// Compiles what is declared.
    pub(super) fn compile(listeners: &[StreamListener], registry: &Registry) -> Self {
        let route = |listener: &StreamListener| {
            let upstream = registry.upstream(&listener.backend);
            let protocol = listener.protocol.name().to_ascii_lowercase();
            let name = format!("{protocol}-{}", upstream.name()).into();
            ((listener.protocol, listener.port), Arc::new(StreamRoute { listener: listener.clone(), upstream, name }))
        };
        Self(listeners.iter().map(route).collect())
    }

    /// The service on this port.
    pub fn get(&self, protocol: StreamProtocol, port: u16) -> Option<&Arc<StreamRoute>> {
        self.0.get(&(protocol, port))
    }

    /// All services: those of TCP by port, then those of UDP.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<StreamRoute>> {
        self.0.values()
    }
}

impl StreamRoute {
    /// `tcp-namespace-service-port`, as ingress-nginx has it in `$proxy_upstream_name`.
    pub fn name(&self) -> &str {
        &self.name
    }
}
