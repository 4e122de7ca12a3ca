//! TCP and UDP services of ConfigMaps: the entries of the two ConfigMaps that `--tcp-services-configmap` and
//! `--udp-services-configmap` name. A bad entry costs no other.

use crate::diagnostic::{Diagnostic, Reason};
use crate::lookup::Lookup;
use crate::object::{Kind, NamespacedName, ObjectKey};
use crate::settings::ControllerSettings;
use gateway::config::{Origin, ServiceBackend, StreamBackend, StreamListener, StreamProtocol, Subject};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The services, and what they come from.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) listeners: Vec<StreamListener>,
    pub(super) reads: BTreeSet<ObjectKey>,
    /// All that was published last: these, and those of Gateways.
    pub(super) published: Arc<[StreamListener]>,
}

/// The Services' ports that serve it.
pub(super) fn backends(listener: &StreamListener) -> impl Iterator<Item = &ServiceBackend> {
    listener.backends.iter().filter_map(|of_sessions| of_sessions.backend.service())
}

impl Streams {
    /// Whether they read this object, or looked for it in vain.
    pub(super) fn read(&self, key: &ObjectKey) -> bool {
        self.reads.contains(key)
    }

    /// The services of this backend.
    pub(super) fn of<'a>(&'a self, id: &'a ServiceBackend) -> impl Iterator<Item = &'a StreamListener> {
        self.listeners.iter().filter(move |listener| backends(listener).any(|backend| backend == id))
    }

    /// The backends of a Service that they name.
    pub(super) fn of_service<'a>(&'a self, namespace: &str, service: &str) -> impl Iterator<Item = &'a ServiceBackend> {
        let backends = self.listeners.iter().flat_map(backends);
        backends.filter(move |id| *id.namespace == *namespace && *id.service == *service)
    }
}

/// What becomes of the sessions that nobody serves.
pub(super) fn unserved(protocol: StreamProtocol) -> &'static str {
    match protocol {
        StreamProtocol::Tcp => "connections are closed at once",
        StreamProtocol::Udp => "datagrams are dropped",
    }
}

/// The services of both ConfigMaps, by protocol and port, and what is wrong with their entries. A port whose entry cannot be
/// used keeps its `former` service.
pub(super) fn read(
    settings: &ControllerSettings,
    lookup: &Lookup<'_>,
    former: &[StreamListener],
) -> (Vec<StreamListener>, Vec<Diagnostic>) {
    let (mut listeners, mut diagnostics) = (Vec::new(), Vec::new());
    for (protocol, name, flag) in [
        (StreamProtocol::Tcp, &settings.tcp_services, "--tcp-services-configmap"),
        (StreamProtocol::Udp, &settings.udp_services, "--udp-services-configmap"),
    ] {
        let Some(name) = name else { continue };
        let Some(map) = lookup.config_map(&name.namespace, &name.name) else {
            let message = format!("names a ConfigMap that does not exist: there are no {protocol} services");
            let diagnostic =
                Diagnostic::warning(Subject::other(format!("flag {flag}")), "", message).with_value(&name.to_string());
            diagnostics.push(diagnostic.because(Reason::ReferenceNotFound));
            continue;
        };
        let object = Subject::from(ObjectKey::new(Kind::ConfigMap, name.namespace.clone(), name.name.clone()));
        for (key, value) in map.data.iter().flatten() {
            let mut entry = Entry { protocol, object: &object, key, value, former, diagnostics: &mut diagnostics };
            listeners.extend(entry.listener(settings));
        }
    }
    listeners.sort_by_key(|listener| (listener.protocol, listener.port));
    (listeners, diagnostics)
}

/// One entry of a ConfigMap: `"9000": "namespace/service:port[:PROXY[:PROXY]]"`.
struct Entry<'a> {
    protocol: StreamProtocol,
    object: &'a Subject,
    key: &'a str,
    value: &'a str,
    former: &'a [StreamListener],
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Entry<'_> {
    fn listener(&mut self, settings: &ControllerSettings) -> Option<StreamListener> {
        let port = self.port(settings)?;
        let Some((backend, [accept_proxy, send_proxy])) = target(self.value, self.protocol) else {
            let expected = match self.protocol {
                StreamProtocol::Tcp => {
                    "namespace/service:port, followed by :PROXY if clients send a PROXY header, by ::PROXY if \
                     endpoints get one, or by :PROXY:PROXY for both"
                }
                StreamProtocol::Udp => "namespace/service:port",
            };
            let is_former = |listener: &&StreamListener| {
                (listener.protocol, listener.port, &listener.origin.object) == (self.protocol, port, self.object)
            };
            let former = self.former.iter().find(is_former).cloned();
            let otherwise = match former {
                Some(_) => "the last valid value stays in effect",
                None => "the port is not opened",
            };
            let message = format!("is not a port of a Service: expected {expected}; {otherwise}");
            self.diagnostics.push(self.error(message).with_value(self.value));
            return former;
        };
        let of_tcp = self.protocol == StreamProtocol::Tcp;
        if !of_tcp && (accept_proxy || send_proxy) {
            let message = "contains PROXY, which only TCP services can have: it is ignored";
            let diagnostic = Diagnostic::warning(self.object.clone(), self.field(), message).with_value(self.value);
            self.diagnostics.push(diagnostic.because(Reason::Ignored));
        }
        let (accept_proxy, send_proxy) = (accept_proxy && of_tcp, send_proxy && of_tcp);
        let origin = Origin::new(self.object.clone(), self.field());
        Some(StreamListener {
            protocol: self.protocol,
            port,
            backends: StreamBackend::only(backend),
            accept_proxy,
            send_proxy,
            origin,
        })
    }

    fn port(&mut self, settings: &ControllerSettings) -> Option<u16> {
        // "080" would be a second way to write "80".
        let port = self.key.parse().ok().filter(|port: &u16| *port > 0 && port.to_string() == self.key);
        let own = port.and_then(|port| settings.own_ports.flag(port));
        let message = match (port, own) {
            (Some(port), None) => return Some(port),
            (Some(_), Some(flag)) => {
                format!("is a port of Adit itself ({flag}): expected another port; it is not opened for the service")
            }
            (None, _) => "is not a port: expected 1 to 65535; the service is not served".to_owned(),
        };
        self.diagnostics.push(self.error(message).with_value(self.key));
        None
    }

    fn field(&self) -> String {
        format!("data.{}", self.key)
    }

    fn error(&self, message: String) -> Diagnostic {
        Diagnostic::error(self.object.clone(), self.field(), message).refused()
    }
}

/// The backend that a value names, and whether PROXY headers are accepted and sent (ingress-nginx:
/// `getStreamServices`, which takes every other word for none).
fn target(value: &str, protocol: StreamProtocol) -> Option<(ServiceBackend, [bool; 2])> {
    let mut parts = value.trim().split(':');
    let NamespacedName { namespace, name: service } = parts.next()?.parse().ok()?;
    let port = parts.next().filter(|port| !port.is_empty())?.into();
    let mut proxy = [false; 2];
    for (number, part) in parts.enumerate() {
        let flag = proxy.get_mut(number)?;
        *flag = part.eq_ignore_ascii_case("PROXY");
        if !*flag && !part.is_empty() {
            return None;
        }
    }
    Some((ServiceBackend { namespace, service, port, protocol }, proxy))
}
