//! Ingresses as objects of Gateway API: what `adit convert` writes.
//!
//! What Adit serves is converted, and not what each Ingress says: the virtual hosts of the translation ([`source`]) have decided
//! which path of which Ingress counts, whose canary is whose, and which certificate is shown. So what two Ingresses say of
//! one host comes out as it is served.
//!
//! ```text
//! source -> judge: each annotation's fate (annotations)
//!        -> hosts: paths, redirects, canaries, ports -> rules of each Ingress at each side of a host
//!        -> left: which Ingresses stay
//!        -> policies, listeners, routes, grants: the objects
//! ```

mod annotations;
mod canaries;
mod certificates;
mod given;
mod grants;
mod hosts;
mod judge;
mod left;
mod listeners;
mod names;
mod paths;
mod patterns;
mod policies;
mod ports;
mod redirects;
mod report;
mod routes;
mod rules;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unlike;

pub use annotations::in_words;
pub use names::GatewayNames;
pub use report::{Finding, Report, Subject, Verdict};

use crate::feed::SourceEvent;
use crate::settings::ControllerSettings;
use hosts::{HostPlan, Planner, Side};
use listeners::Gateways;
use policies::Policies;
use report::Findings;
use serde_json::Value;
use source::Source;
use std::collections::BTreeSet;

/// What Ingresses are converted into.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The new objects, in the order in which they are to be applied.
    pub objects: Vec<Value>,
    /// What becomes of each Ingress.
    pub report: Report,
    /// The hosts that have no certificate, and so no listener for HTTPS.
    pub without_tls: BTreeSet<String>,
}

/// Converts the Ingresses among these objects that Adit serves with these settings.
pub fn convert(events: Vec<SourceEvent>, settings: ControllerSettings, names: &GatewayNames) -> Conversion {
    let source = Source::new(events, settings);
    let policies = Policies::of(&source);
    let mut findings = Findings::default();
    source.ingresses().for_each(|ingress| judge::judge(ingress, &source, &mut findings));
    let mut planner = Planner { source: &source, policies: &policies, findings: &mut findings };
    let hosts: Vec<_> = source.translator.hosts().filter_map(|host| planner.plan(host)).collect();
    let hosts = left::leave_out(hosts, &source, &mut findings);
    let served: BTreeSet<_> = hosts.iter().flat_map(|host| &host.parts).map(|part| &part.ingress).collect();
    let gateways = Gateways::of(&hosts, names);
    let routes = routes::of_hosts(&hosts, &gateways);
    let mut objects = policies.objects(|ingress| served.contains(ingress));
    objects.extend(gateways.objects);
    objects.extend(routes);
    let mut in_order = grants::of(&objects);
    in_order.append(&mut objects);
    let grpc = served.iter().filter(|ingress| source.given(ingress).speaks_grpc()).map(ToString::to_string).collect();
    let is_plain = |host: &&HostPlan| host.sides.iter().all(|side| *side == Side::Http);
    let without_tls: BTreeSet<_> = hosts.iter().filter(is_plain).map(|host| host.name.as_written()).collect();
    Conversion { objects: in_order, report: findings.report(notes(&without_tls, grpc)), without_tls }
}

fn notes(without_tls: &BTreeSet<String>, grpc: Vec<String>) -> Vec<String> {
    let hosts = without_tls.iter().cloned().collect();
    let without_tls =
        "without a certificate there is no listener for HTTPS, where Ingresses are served with the default certificate";
    let no_grpc_route = "calls of gRPC go by HTTPRoutes, as all that comes: a GRPCRoute takes nothing but calls, and an Ingress hands on \
                         gRPC-Web and the checks of load balancers as well";
    let notes = [(without_tls, hosts), (no_grpc_route, grpc)];
    let told = notes.into_iter().filter(|(_, names): &(_, Vec<String>)| !names.is_empty());
    told.map(|(note, names)| format!("{note}: {}", names.join(", "))).collect()
}
