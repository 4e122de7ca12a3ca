use super::stream_backends::{StreamBackend, StreamBackends};
use crate::config::{StreamListener, StreamProtocol};
use crate::upstream::Registry;
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
    /// What is declared.
    pub listener: StreamListener,
    backends: StreamBackends,
}

impl Streams {
    /// Compiles what is declared.
    pub(super) fn compile(listeners: &[StreamListener], registry: &Registry) -> Self {
        let route = |listener: &StreamListener| {
            // As ingress-nginx has it in `$proxy_upstream_name`: `tcp-namespace-service-port`.
            let prefix = format!("{}-", listener.protocol.name().to_ascii_lowercase());
            let backends = StreamBackends::compile(&listener.backends, &prefix, registry, |_| None);
            ((listener.protocol, listener.port), Arc::new(StreamRoute { listener: listener.clone(), backends }))
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
    /// The backend of a new session. See [`StreamBackends::choose`].
    pub(crate) fn choose(&self) -> Option<&Arc<StreamBackend>> {
        self.backends.choose()
    }

    /// Its backends, in the order in which they are declared.
    pub fn backends(&self) -> impl Iterator<Item = &StreamBackend> {
        self.backends.iter()
    }
}
