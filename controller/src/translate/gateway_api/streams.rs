//! The TCP and UDP services of Gateways.

use super::attachment::Attached;
use super::gateway::ParsedGateway;
use super::listener::ParsedListener;
use super::route::ParsedRoute;
use super::stream_rule::Sessions;
use super::units::GatewayApi;
use crate::diagnostic::{Diagnostic, Reason};
use gateway::config::{Origin, StreamListener};
use std::sync::Arc;

impl GatewayApi {
    /// The services of all listeners, and what is wrong with the routes that share one. A listener without a route has
    /// none: nobody could serve its clients.
    pub(in crate::translate) fn streams(&self) -> (Vec<StreamListener>, Vec<Diagnostic>) {
        let (mut services, mut diagnostics) = (Vec::new(), Vec::new());
        for gateway in self.gateways.values() {
            for listener in &gateway.listeners {
                let Some((protocol, port)) = listener.stream else { continue };
                let mut routes = self.attached_to(gateway, listener);
                let Some((oldest, sessions)) = routes.next() else { continue };
                services.push(StreamListener {
                    protocol,
                    port,
                    backends: Arc::clone(&sessions.passed),
                    accept_proxy: false,
                    send_proxy: false,
                    origin: Origin::new(&oldest.rank.key, "spec.rules[0]"),
                });
                diagnostics.extend(routes.map(|(younger, _)| not_served(younger, oldest, listener)));
            }
        }
        (services, diagnostics)
    }

    /// The routes of a listener with where they lead, the oldest first.
    fn attached_to(
        &self,
        gateway: &ParsedGateway,
        listener: &ParsedListener,
    ) -> impl Iterator<Item = (&ParsedRoute, &Sessions)> {
        let key = &gateway.rank.key;
        let routes = self.readers.of(key).filter_map(|unit| self.routes.get(unit).map(Arc::as_ref));
        // A Gateway and its ListenerSets may have listeners of one name.
        let set = listener.set.as_ref().map(|set| &set.key);
        let is_attached = |attached: &Attached| {
            attached.gateway == *key && attached.set.as_ref() == set && attached.listeners.contains(&listener.name)
        };
        let mut attached: Vec<_> = routes
            .filter(|route| route.attached().any(is_attached))
            .filter_map(|route| Some((route, route.streams.as_ref()?)))
            .collect();
        attached.sort_by(|(a, _), (b, _)| a.rank.cmp(&b.rank));
        attached.into_iter()
    }
}

/// Sessions have nothing that one route could be told from another by: as the API asks, the oldest has them all.
fn not_served(younger: &ParsedRoute, oldest: &ParsedRoute, listener: &ParsedListener) -> Diagnostic {
    let message = format!(
        "is to listener {}, which an older route has ({}): it is not served there",
        listener.name, oldest.rank.key
    );
    let diagnostic = Diagnostic::error(&younger.rank.key, "spec.parentRefs", message).because(Reason::Conflict);
    diagnostic.with_related(&oldest.rank.key).at(younger.rank.age.place.clone())
}
