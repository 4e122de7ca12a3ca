//! How a backend and its canary share the requests, in words.

use crate::object::ObjectKey;
use crate::translate::Translator;
use gateway::exchange::Decision;
use gateway::table::{Route, RouteBackend};
use gateway::upstream::Upstream;

/// Why the request goes to the backend that it goes to, where that has a canary.
pub(super) fn share(decision: &Decision, translator: &Translator) -> Option<String> {
    let route = decision.route.as_ref()?;
    let backends = route.backends();
    let canary = backends.iter().find(|backend| backend.canary)?;
    let ingress = ingress(route, translator)?;
    let (id, chosen) = (canary.upstream.id(), decision.backend()?);
    if chosen.is_for_sessions() {
        let with = if chosen.canary { "the canary" } else { "the main backend and not the canary" };
        return Some(format!("by its session with {with} {id}: {ingress}"));
    }
    Some(match (chosen.is_conditional(), chosen.canary) {
        (true, true) => format!("by its header or cookie, which chooses the canary: {ingress}"),
        (true, false) => format!("by its header or cookie, which does not choose the canary {id}: {ingress}"),
        (false, _) => {
            let shares = backends.iter().filter(|backend| !backend.is_conditional());
            let of_canary: u32 = shares.clone().filter(|backend| backend.canary).map(|backend| backend.weight).sum();
            let total: u32 = shares.map(|backend| backend.weight).sum();
            format!("of {total} such requests, {of_canary} go to the canary {id}: {ingress}")
        }
    })
}

/// The Ingress of the canary that shares the requests of a route.
pub(super) fn ingress<'t>(route: &Route, translator: &'t Translator) -> Option<&'t ObjectKey> {
    translator.canary(main(route.backends())?.id())
}

fn main(backends: &[RouteBackend]) -> Option<&Upstream> {
    backends.iter().find(|backend| !backend.canary).map(|backend| &*backend.upstream)
}
