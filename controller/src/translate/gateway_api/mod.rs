//! Gateway API: Gateways of our class with their listeners, and the routes that attach to them, as virtual hosts and as TCP
//! and UDP services.
//!
//! A Gateway and a route are units, each a function of what it reads; so is each host of an entry point, over all that have
//! a say on it. What became of an object is data ([`crate::gateway_api::ObjectStatus`]): whoever writes a status needs nothing else.

mod adit_policies;
mod attached_routes;
mod attachment;
mod authorities;
mod backend_certificates;
mod backend_tls;
mod backends;
mod calls;
mod certificate_refs;
mod cors;
mod durations;
mod entry_point;
mod external_auth;
mod filters;
mod findings;
mod frontend;
mod gateway;
mod gateway_status;
mod grants;
mod host_names;
mod host_places;
mod hosts;
mod infrastructure;
mod listener;
mod listener_reader;
mod listener_sets;
mod listener_tls;
mod listeners;
mod matches;
mod methods;
mod mirrors;
mod namespaces;
mod overlap;
mod parameters;
mod paths;
mod policies;
mod ports;
mod programmed;
mod rank;
mod references;
mod retry;
mod route;
mod route_parts;
mod route_units;
mod rule;
mod rule_auth;
mod rule_backends;
mod rule_base;
mod rule_defaults;
mod rule_policies;
mod sessions;
mod statuses;
mod stream_route;
mod stream_rule;
mod streams;
mod timeouts;
mod tls_hosts;
mod units;
mod wrong;

pub(super) use references::RouteReferences;
pub(crate) use route_parts::http_protocol;
pub(super) use units::{GatewayApi, GatewayDirty, Scene, UNITS};
