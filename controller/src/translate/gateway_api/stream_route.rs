//! A route of connections or datagrams: a TLSRoute, a TCPRoute or a UDPRoute.

use super::attachment::{Gateways, Seeker};
use super::backends::Known;
use super::findings::Findings;
use super::policies::Policies;
use super::rank::Rank;
use super::route::{self, ParsedRoute};
use super::stream_rule::{self, StreamRule};
use crate::diagnostic::Diagnostic;
use crate::gateway_api::Resource;
use crate::gateway_api::{ParentReference, StreamRouteRule, StreamRouteSpec, TlsRouteSpec};
use crate::lookup::Lookup;
use crate::object::{Age, Kind, ObjectKey};
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use crate::store::{GatewayObjects, Stored};
use crate::translate::exact_size::of_exact_size;
use crate::translate::ingress::OwnHosts;
use gateway::config::HostName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Such a route, of whichever kind.
pub(super) struct StreamParts<'a> {
    key: &'a ObjectKey,
    age: &'a Age,
    generation: Option<i64>,
    parents: &'a [ParentReference],
    /// The names in the handshake; none if it is of a kind without them.
    hostnames: Option<&'a [String]>,
    rules: &'a [StreamRouteRule],
}

impl<'a> StreamParts<'a> {
    /// The route of this name, if it is of one of these kinds.
    pub(super) fn find(objects: &'a GatewayObjects, key: &ObjectKey) -> Option<Self> {
        let ObjectKey { kind, namespace, name } = key;
        match kind {
            Kind::TlsRoute => objects.tls_routes.get(namespace, name).map(Self::of_tls),
            Kind::TcpRoute => objects.tcp_routes.get(namespace, name).map(Self::of_sessions),
            Kind::UdpRoute => objects.udp_routes.get(namespace, name).map(Self::of_sessions),
            _ => None,
        }
    }

    fn of_tls(stored: &'a Stored<Resource<TlsRouteSpec>>) -> Self {
        let TlsRouteSpec { parent_refs, hostnames, rules } = &stored.object.spec;
        Self { hostnames: Some(hostnames), ..Self::new(stored, parent_refs, rules) }
    }

    fn of_sessions(stored: &'a Stored<Resource<StreamRouteSpec>>) -> Self {
        let StreamRouteSpec { parent_refs, rules } = &stored.object.spec;
        Self::new(stored, parent_refs, rules)
    }

    fn new<S>(stored: &'a Stored<Resource<S>>, parents: &'a [ParentReference], rules: &'a [StreamRouteRule]) -> Self {
        let Stored { key, age, object } = stored;
        Self { key, age, generation: object.metadata.generation, parents, hostnames: None, rules }
    }
}

/// Reads such a route, if a parent of it is a Gateway of ours.
pub(super) fn parse(
    route: &StreamParts<'_>,
    (gateways, policies): (&Gateways, &Policies),
    (settings, defaults): (&ControllerSettings, &RouteDefaults),
    lookup: &Lookup<'_>,
) -> (Option<ParsedRoute>, Vec<Diagnostic>) {
    let mut findings = Findings::of(route.key, route.age.place.as_ref());
    let (hosts, own_hosts) = match route.hostnames {
        Some(names) => (route::hosts(names, &mut findings), OwnHosts::of(&route.key.namespace, settings, lookup)),
        // Its listeners have no hosts either.
        None => (vec![HostName::Any], OwnHosts::Any),
    };
    let seeker = Seeker { route: route.key, hosts: &hosts, own_hosts: &own_hosts, gateways, lookup };
    let parents = route::parents(route.parents, &seeker, &mut findings);
    if parents.is_empty() {
        return (None, findings.diagnostics);
    }
    let known = Known { lookup, policies };
    // As of Ingresses with `ssl-passthrough`.
    let connect_timeout = defaults.backend.timeouts.connect;
    let StreamRule { sessions, references, unresolved } =
        stream_rule::parse(route.key, route.rules, connect_timeout, known, &mut findings);
    let parsed = ParsedRoute {
        rank: Arc::new(Rank { age: route.age.clone(), key: route.key.clone() }),
        generation: route.generation,
        parents,
        routes: Box::default(),
        streams: Some(sessions),
        references: of_exact_size(references),
        adit_policies: BTreeSet::new(),
        upstreams: BTreeMap::new(),
        urls: Vec::new(),
        settings: BTreeMap::new(),
        refused: None,
        partly: None,
        unresolved,
    };
    (Some(parsed), findings.diagnostics)
}
