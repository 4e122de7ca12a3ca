//! Virtual hosts, from the listeners of an entry point and the routes that are attached to them.

use super::attachment::{Attachment, Gateways};
use super::backend_certificates;
use super::gateway::ParsedGateway;
use super::host_names::{and_wider, covers, specificity};
use super::host_places::{HostPlace, HostPlaces};
use super::listener::{ParsedListener, TlsMode};
use super::rank::Rank;
use super::route::ParsedRoute;
use crate::diagnostic::{Diagnostic, Reason};
use crate::object::{Age, ObjectKey};
use crate::translate::small_map::{SmallMap, SmallSet};
use gateway::config::{
    Action, Certificate, ClientCertificates, EntryPoint, HostName, HostPolicies, Origin, PathKind, Route, Subject,
    Timeouts, TlsRoute, VirtualHost,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which listeners and routes have a say on which host.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// The listeners of a host.
    listeners: BTreeMap<HostPlace, Listeners>,
    /// The routes that take hosts at listeners, each with its name for them.
    routes: BTreeMap<RoutePlace, SmallSet<(HostName, Arc<Rank>)>>,
    /// The hosts that these make hosts of their entry points.
    places: HostPlaces,
}

/// An entry point, the host of a listener there, and hosts that routes take at it.
type RoutePlace = (EntryPoint, HostName, HostName);

/// Listeners by what they stand in, the oldest first, and by name.
type Listeners = BTreeMap<(Rank, String), ParsedListener>;

/// How specific the name of a route is.
type Specificity = (u8, Reverse<usize>);

/// Routes of one name, by the age of their objects.
type ByAge = Vec<(Age, Vec<Route>)>;

impl Claims {
    pub(super) fn add_gateway(&mut self, gateway: &ParsedGateway) {
        for listener in &gateway.listeners {
            let Some(entry) = listener.entry else { continue };
            let key = (owner(gateway, listener).clone(), listener.name.clone());
            self.listeners.entry((entry, listener.host.clone())).or_default().insert(key, listener.clone());
            places(listener).into_iter().for_each(|place| self.places.add(place));
        }
    }

    pub(super) fn remove_gateway(&mut self, gateway: &ParsedGateway) {
        for listener in &gateway.listeners {
            let Some(entry) = listener.entry else { continue };
            let place = (entry, listener.host.clone());
            if let Some(listeners) = self.listeners.get_mut(&place) {
                listeners.remove(&(owner(gateway, listener).clone(), listener.name.clone()));
                if listeners.is_empty() {
                    self.listeners.remove(&place);
                }
            }
            places(listener).iter().for_each(|place| self.places.remove(place));
        }
    }

    pub(super) fn add_route(&mut self, route: &ParsedRoute) {
        for Attachment { entry, listener, host, own } in route.attachments() {
            self.places.add((entry, host.clone()));
            self.routes.entry((entry, listener, host)).or_default().insert((own, Arc::clone(&route.rank)), ());
        }
    }

    pub(super) fn remove_route(&mut self, route: &ParsedRoute) {
        for Attachment { entry, listener, host, own } in route.attachments() {
            self.places.remove(&(entry, host.clone()));
            let place = (entry, listener, host);
            if let Some(routes) = self.routes.get_mut(&place) {
                routes.remove(&(own, Arc::clone(&route.rank)));
                if routes.is_empty() {
                    self.routes.remove(&place);
                }
            }
        }
    }

    /// The hosts that a name of an entry point has a say on. See [`HostPlaces::below`].
    pub(super) fn below(&self, place: &HostPlace) -> Vec<HostPlace> {
        self.places.below(place)
    }

    /// What is served under a name of an entry point, if anything is that all entry points do not have alike. `shared` is what
    /// Ingresses serve under it; `age` tells how old an Ingress is.
    pub(super) fn host(
        &self,
        place @ (entry, name): &HostPlace,
        (gateways, routes): (&Gateways, &BTreeMap<ObjectKey, Arc<ParsedRoute>>),
        shared: Option<&VirtualHost>,
        age: impl Fn(&Subject) -> Option<Age>,
    ) -> Option<VirtualHost> {
        if !self.places.contain(place) {
            return None;
        }
        let wider = and_wider(name);
        let Some((listener, listeners)) = self.nearest(*entry, &wider) else {
            return self.of_no_listener(*entry, name);
        };
        // Listeners of several Gateways want the same of TLS here: see `TlsHosts`.
        let ((gateway, _), oldest) = listeners.first_key_value()?;
        if let Some(mode) = oldest.tls_mode {
            let routed = self.tls_route((*entry, listener, &wider), mode, (gateways, routes));
            let tls_route = routed.unwrap_or_else(|| to_nobody(mode, declaration(gateway, oldest)));
            let policies = policies(None, listeners.values());
            return Some(VirtualHost { tls: oldest.tls.clone(), policies, ..led_on(name, tls_route) });
        }
        let mut tiers: BTreeMap<Specificity, ByAge> = BTreeMap::new();
        for (specificity, rank) in self.attached(*entry, listener, &wider) {
            let Some(route) = routes.get(&rank.key) else { continue };
            let served = match backend_certificate(route, (*entry, listener, name), gateways) {
                Some(certificate) => backend_certificates::show(certificate, route.routes.to_vec()),
                None => route.routes.to_vec(),
            };
            tiers.entry(specificity).or_default().push((rank.age.clone(), served));
        }
        let shared = shared.filter(|shared| shared.www_redirect.is_none());
        let (declared, implied): (Vec<_>, Vec<_>) =
            shared.into_iter().flat_map(|shared| shared.routes.iter().cloned()).partition(|route| !is_implied(route));
        let no_age = || Age { created: None, place: None };
        let of_ingresses =
            declared.into_iter().map(|route| (age(&route.origin.object).unwrap_or_else(no_age), vec![route]));
        tiers.entry(specificity(name)).or_default().extend(of_ingresses);
        let mut tiers: Vec<Vec<Route>> = tiers.into_values().map(by_age).collect();
        if let Some(last) = tiers.last_mut() {
            let is_free = |route: &Route| last.iter().all(|other| other.matches != route.matches);
            let free: Vec<_> = implied.into_iter().filter(is_free).collect();
            last.extend(free);
        }
        tiers.retain(|routes| !routes.is_empty());
        let mut tiers = tiers.into_iter();
        let tls = listeners.values().find_map(|listener| listener.tls.clone());
        let tls_route = shared.and_then(|shared| shared.tls_route.clone()).filter(|_| tls.is_none());
        Some(VirtualHost {
            name: name.clone(),
            routes: tiers.next().unwrap_or_default(),
            less_specific: tiers.collect(),
            locations: shared.map(|shared| shared.locations.clone()).unwrap_or_default(),
            policies: policies(shared, listeners.values()),
            www_redirect: None,
            tls: tls.or_else(|| shared.and_then(|shared| shared.tls.clone())),
            tls_route,
        })
    }

    /// What is told of routes whose TLS connections for a name of an entry point an older route of the same hostname gets.
    pub(super) fn shadowed(&self, (entry, name): &HostPlace) -> Vec<Diagnostic> {
        let wider = and_wider(name);
        let nearest = self.nearest(*entry, &wider);
        let Some((listener, _)) = nearest.filter(|(_, listeners)| leads_on(listeners)) else { return Vec::new() };
        let mut attached = self.attached(*entry, listener, &wider);
        attached.sort();
        let Some((first, oldest)) = attached.first() else { return Vec::new() };
        let equals = attached.iter().skip(1).take_while(|(specificity, _)| specificity == first);
        equals.map(|(_, younger)| not_served(name, younger, oldest)).collect()
    }

    /// The listeners of the first of these names that has any, and that name.
    fn nearest<'n>(&self, entry: EntryPoint, names: &'n [HostName]) -> Option<(&'n HostName, &Listeners)> {
        names.iter().find_map(|name| Some((name, self.listeners.get(&(entry, name.clone()))?)))
    }

    /// What becomes of TLS connections for names of no listener, on a port of their own that leads connections on: they are
    /// closed.
    fn of_no_listener(&self, entry: EntryPoint, name: &HostName) -> Option<VirtualHost> {
        let from_there = self.listeners.range((entry, HostName::Any)..);
        let mut listeners = from_there.take_while(|((at, _), _)| *at == entry).flat_map(|(_, listeners)| listeners);
        let ((gateway, _), listener) = listeners.find(|(_, listener)| listener.tls_mode.is_some())?;
        Some(led_on(name, to_nobody(TlsMode::Passthrough, declaration(gateway, listener))))
    }

    /// Where the TLS connections of a host go, the names of which are these: to the route with the most specific name of its own,
    /// and of several to the oldest.
    fn tls_route(
        &self,
        (entry, listener, names): (EntryPoint, &HostName, &[HostName]),
        mode: TlsMode,
        (gateways, routes): (&Gateways, &BTreeMap<ObjectKey, Arc<ParsedRoute>>),
    ) -> Option<TlsRoute> {
        let mut attached = self.attached(entry, listener, names);
        attached.sort();
        attached.into_iter().find_map(|(_, rank)| {
            let route = routes.get(&rank.key)?;
            let sessions = route.streams.as_ref()?;
            let certificate = backend_certificate(route, (entry, listener, names.first()?), gateways);
            let backends = match (mode, certificate) {
                (TlsMode::Passthrough, _) => Arc::clone(&sessions.passed),
                (TlsMode::Terminate, None) => Arc::clone(&sessions.within_tls),
                (TlsMode::Terminate, Some(certificate)) => {
                    backend_certificates::show_within_tls(certificate, &sessions.within_tls)
                }
            };
            Some(TlsRoute {
                backends,
                terminates: mode == TlsMode::Terminate,
                connect_timeout: sessions.connect_timeout,
                origin: Origin::new(&rank.key, "spec.rules[0]"),
            })
        })
    }

    /// The routes at a listener that take a host, which is the first of these names, each by the most specific of its names.
    fn attached(&self, entry: EntryPoint, listener: &HostName, names: &[HostName]) -> Vec<(Specificity, &Rank)> {
        let mut attached: BTreeMap<&Rank, Specificity> = BTreeMap::new();
        for host in names {
            let routes = self.routes.get(&(entry, listener.clone(), host.clone()));
            for (own, rank) in routes.into_iter().flat_map(SmallMap::keys) {
                let specificity = specificity(own);
                attached.entry(rank).and_modify(|known| *known = (*known).min(specificity)).or_insert(specificity);
            }
        }
        attached.into_iter().map(|(rank, specificity)| (specificity, rank)).collect()
    }
}

/// The certificate that backends are shown, of the Gateways from whose listener a route takes requests for a host: the oldest
/// that has one decides.
fn backend_certificate<'a>(
    route: &ParsedRoute,
    (entry, listener, name): (EntryPoint, &HostName, &HostName),
    gateways: &'a Gateways,
) -> Option<&'a Arc<Certificate>> {
    let is_here = |attachment: &Attachment| {
        attachment.entry == entry && attachment.listener == *listener && covers(&attachment.host, name)
    };
    let attached = route.attached().filter(|attached| attached.attachments.iter().any(is_here));
    let showing = attached.filter_map(|attached| gateways.get(&attached.gateway));
    let showing = showing.filter_map(|gateway| Some((&gateway.rank, gateway.backend_certificate.as_ref()?)));
    showing.min_by_key(|(rank, _)| *rank).map(|(_, certificate)| certificate)
}

/// Whether TLS connections of a host are led on as connections: all its listeners want the same.
fn leads_on(listeners: &Listeners) -> bool {
    listeners.values().any(|listener| listener.tls_mode.is_some())
}

/// Connections for one name are all the oldest route's.
fn not_served(name: &HostName, younger: &Rank, oldest: &Rank) -> Diagnostic {
    let message =
        format!("is a host of an older route, which gets its connections ({}): this one gets none", oldest.key);
    let diagnostic = Diagnostic::error(&younger.key, "spec.hostnames", message).because(Reason::Conflict);
    diagnostic.with_value(&name.as_written()).with_related(&oldest.key).at(younger.age.place.clone())
}

/// The policies of a host: an Ingress's, and what the listeners make of the certificates of clients.
fn policies<'a>(
    shared: Option<&VirtualHost>,
    listeners: impl Iterator<Item = &'a ParsedListener>,
) -> Arc<HostPolicies> {
    let policies = shared.map(|shared| Arc::clone(&shared.policies)).unwrap_or_default();
    let of_listeners = listeners.filter_map(|listener| listener.clients.clone()).map(ClientCertificates::Verified);
    let client_certificates = strictest(policies.client_certificates.iter().cloned().chain(of_listeners));
    match client_certificates == policies.client_certificates {
        true => policies,
        false => Arc::new(HostPolicies { client_certificates, ..policies.as_ref().clone() }),
    }
}

/// The first that lets nobody in without a valid certificate; else the first.
fn strictest(all: impl Iterator<Item = ClientCertificates>) -> Option<ClientCertificates> {
    let is_strict = |certificates: &ClientCertificates| match certificates {
        ClientCertificates::Verified(verification) => verification.verify.requires_certificate(),
        ClientCertificates::Denied(_) => true,
    };
    let all: Vec<_> = all.collect();
    all.iter().find(|certificates| is_strict(certificates)).or(all.first()).cloned()
}

/// Which object a listener stands in.
pub(super) fn owner<'a>(gateway: &'a ParsedGateway, listener: &'a ParsedListener) -> &'a Rank {
    listener.set.as_ref().unwrap_or(&gateway.rank)
}

/// The hosts that are there because a listener is: its own, and where it leads TLS connections on, on a port of its own, that for
/// all other names.
pub(super) fn places(listener: &ParsedListener) -> Vec<HostPlace> {
    let Some(entry) = listener.entry else { return Vec::new() };
    let has_others = listener.tls_mode.is_some() && !entry.is_shared() && listener.host != HostName::Any;
    let others = has_others.then_some((entry, HostName::Any));
    std::iter::once((entry, listener.host.clone())).chain(others).collect()
}

/// Where a listener of a Gateway is declared.
fn declaration(gateway: &Rank, listener: &ParsedListener) -> Origin {
    Origin::new(&listener.set.as_ref().unwrap_or(gateway).key, listener.field.as_str())
}

/// A host whose TLS connections are led on.
fn led_on(name: &HostName, tls_route: TlsRoute) -> VirtualHost {
    VirtualHost { tls_route: Some(Box::new(tls_route)), ..VirtualHost::new(name.clone(), Vec::new()) }
}

/// TLS connections that no route takes are closed.
fn to_nobody(mode: TlsMode, origin: Origin) -> TlsRoute {
    TlsRoute {
        backends: Arc::default(),
        terminates: mode == TlsMode::Terminate,
        connect_timeout: Timeouts::DEFAULT.connect,
        origin,
    }
}

/// Whether it stands for `/` where no rule of an Ingress does.
fn is_implied(route: &Route) -> bool {
    let path = &route.matches.path;
    matches!(route.action, Action::DefaultBackend(_)) && (path.kind, &*path.value) == (PathKind::Prefix, "/")
}

/// The routes of the oldest object first, since of equal ones the first wins.
fn by_age(mut routes: ByAge) -> Vec<Route> {
    routes.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut routes: Vec<_> = routes.into_iter().flat_map(|(_, routes)| routes).collect();
    routes.shrink_to_fit();
    routes
}
