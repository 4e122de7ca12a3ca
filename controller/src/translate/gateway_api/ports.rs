//! The ports of listeners: which Gateway has a port that several want, and which ports are to be opened.

use super::entry_point::StreamPort;
use super::findings::Findings;
use super::gateway::ParsedGateway;
use super::listener::ParsedListener;
use super::rank::Rank;
use crate::diagnostic::{Diagnostic, Reason};
use crate::object::ObjectKey;
use gateway::config::{EntryPoint, HttpPort, Origin, StreamListener, StreamProtocol, Subject};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many ports are opened for listeners at most: those of the oldest Gateways. Each takes a socket of each worker.
pub(super) const MOST_PORTS: usize = 128;

/// What all Gateways want, and who has got it.
#[derive(Debug, Default)]
pub(super) struct Ports {
    /// By port and then by Gateway, the oldest first. All listeners of a Gateway with one port want the same.
    wanted: BTreeMap<StreamPort, BTreeMap<Rank, Wanted>>,
    /// What is served on each port.
    granted: BTreeMap<StreamPort, Granted>,
    /// The ports of the TCP and UDP services of ConfigMaps.
    of_services: BTreeMap<StreamPort, Origin>,
    /// Whether Gateways want something else since it was decided who has got what.
    has_changed: bool,
    /// Those to open, as they were published.
    published: Arc<[HttpPort]>,
}

/// What a Gateway wants of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    /// Where its hosts are. Without any, the port is for the sessions of a route.
    entry: Option<EntryPoint>,
    /// The listener's port.
    advertised: u16,
    /// Where it is in the Gateway.
    field: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Granted {
    gateway: ObjectKey,
    wanted: Wanted,
}

impl Ports {
    /// Takes in what a Gateway wants, in place of what it wanted before.
    pub(super) fn replace(&mut self, former: Option<&ParsedGateway>, gateway: Option<&ParsedGateway>) {
        let (former, now) = (former.map(Wants::of), gateway.map(Wants::of));
        if former == now {
            return;
        }
        self.has_changed = true;
        if let Some(Wants { rank, ports }) = former {
            for port in ports.keys() {
                if let Some(gateways) = self.wanted.get_mut(port) {
                    gateways.remove(rank);
                    if gateways.is_empty() {
                        self.wanted.remove(port);
                    }
                }
            }
        }
        if let Some(Wants { rank, ports }) = now {
            for (port, wanted) in ports {
                self.wanted.entry(port).or_default().insert(rank.clone(), wanted);
            }
        }
    }

    /// Decides anew who has which port, beside these services. Returns the Gateways that want one about which that says
    /// something else than before.
    pub(super) fn settle(&mut self, services: &[StreamListener]) -> BTreeSet<ObjectKey> {
        let of_services = services.iter().map(|service| ((service.protocol, service.port), service.origin.clone()));
        let of_services = std::mem::replace(&mut self.of_services, of_services.collect());
        if !std::mem::take(&mut self.has_changed) && of_services == self.of_services {
            return BTreeSet::new();
        }
        let granted = self.grant();
        let before = std::mem::replace(&mut self.granted, granted);
        let differs = |port: &&StreamPort| before.get(port) != self.granted.get(port);
        let ports: BTreeSet<_> = before.keys().chain(self.granted.keys()).collect();
        let gateways = ports.into_iter().filter(differs).filter_map(|port| self.wanted.get(port));
        gateways.flat_map(|gateways| gateways.keys().map(|rank| rank.key.clone())).collect()
    }

    /// The oldest Gateway that wants a port has it, of those beside the process's own as many as may be opened.
    fn grant(&self) -> BTreeMap<StreamPort, Granted> {
        let oldest = self.wanted.iter().filter_map(|(port, gateways)| Some((*port, gateways.first_key_value()?)));
        let is_shared =
            |(_, (_, wanted)): &(StreamPort, (&Rank, &Wanted))| wanted.entry.is_some_and(EntryPoint::is_shared);
        let (shared, mut own): (Vec<_>, Vec<_>) = oldest.partition(is_shared);
        own.retain(|(port, _)| !self.of_services.contains_key(port));
        own.sort_by_key(|(port, (rank, _))| (*rank, *port));
        let granted = shared.into_iter().chain(own.into_iter().take(MOST_PORTS));
        granted
            .map(|(port, (rank, wanted))| (port, Granted { gateway: rank.key.clone(), wanted: wanted.clone() }))
            .collect()
    }

    /// A Gateway without the listeners whose ports others have got, and what a person is told of these.
    pub(super) fn settled(&self, gateway: &ParsedGateway) -> (ParsedGateway, Vec<Diagnostic>) {
        let mut gateway = gateway.clone();
        let mut diagnostics = Vec::new();
        for listener in &mut gateway.listeners {
            let Some(message) = self.refusal(&gateway.rank.key, listener) else { continue };
            let Rank { age, key } = listener.set.as_ref().unwrap_or(&gateway.rank);
            let mut findings = Findings::of(key, age.place.as_ref());
            let field = format!("{}.port", listener.field);
            let told = format!("{message}; the listener is not served");
            findings.error(Reason::Conflict, &field, &listener.port.to_string(), &told);
            diagnostics.append(&mut findings.diagnostics);
            listener.refuse("PortUnavailable", &format!("{field}: {message}"));
        }
        (gateway, diagnostics)
    }

    /// Why a listener does not get its port.
    fn refusal(&self, gateway: &ObjectKey, listener: &ParsedListener) -> Option<String> {
        let (port, wanted) = wanted(listener)?;
        match (self.granted.get(&port), self.of_services.get(&port)) {
            (Some(granted), _) if granted.gateway == *gateway => None,
            // Hosts tell the listeners of one entry point apart.
            (Some(granted), _) if wanted.entry.is_some() && granted.wanted.entry == wanted.entry => None,
            (Some(Granted { gateway, wanted }), _) => {
                let protocol = match wanted.entry {
                    Some(entry) if entry.uses_tls() => "HTTPS",
                    Some(_) => "HTTP",
                    None => port.0.name(),
                };
                Some(format!("is a port for {protocol} in {gateway}, which is older: expected another port"))
            }
            (None, Some(service)) => {
                let protocol = port.0;
                Some(format!("is the port of a {protocol} service ({service}): expected another port"))
            }
            (None, None) => {
                Some(format!("is one port too many: at most {MOST_PORTS} are opened, those of the oldest Gateways"))
            }
        }
    }

    /// The ports to open, where they are others than before.
    pub(super) fn publish(&mut self) -> Option<Arc<[HttpPort]>> {
        let ports = self.granted.iter().filter_map(|(&(_, port), Granted { gateway, wanted })| {
            let Wanted { entry, advertised, ref field } = *wanted;
            let entry = entry?;
            let origin = Origin::new(Subject::from(gateway), format!("{field}.port"));
            (!entry.is_shared()).then(|| HttpPort { port, advertised, tls: entry.uses_tls(), origin })
        });
        let ports: Vec<_> = ports.collect();
        if *ports == *self.published {
            return None;
        }
        self.published = ports.into();
        Some(Arc::clone(&self.published))
    }
}

/// All that a Gateway wants.
#[derive(Debug, PartialEq, Eq)]
struct Wants<'a> {
    rank: &'a Rank,
    ports: BTreeMap<StreamPort, Wanted>,
}

impl<'a> Wants<'a> {
    fn of(gateway: &'a ParsedGateway) -> Self {
        let mut ports = BTreeMap::new();
        for (port, wanted) in gateway.listeners.iter().filter_map(wanted) {
            ports.entry(port).or_insert(wanted);
        }
        Self { rank: &gateway.rank, ports }
    }
}

/// The port that a listener needs of the process, if it serves.
fn wanted(listener: &ParsedListener) -> Option<(StreamPort, Wanted)> {
    let advertised = u16::try_from(listener.port).ok()?;
    let of_hosts = |entry: EntryPoint| (StreamProtocol::Tcp, entry.own_port().unwrap_or(advertised));
    let port = listener.entry.map(of_hosts).or(listener.stream)?;
    Some((port, Wanted { entry: listener.entry, advertised, field: listener.field.clone() }))
}
