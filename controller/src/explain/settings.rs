use super::canary;
use super::source::Source;
use crate::annotation::{Annotation, Applied, Effect, Scope};
use crate::object::{Kind, ObjectKey};
use crate::translate::Translator;
use gateway::config::Owner;
use gateway::table::{Host, Route};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Something that an object asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The annotation's name after its prefix.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it does, or why it does nothing.
    pub effect: String,
    /// Where it is set.
    pub source: Source,
}

/// The annotations that matter to a route: those of its own Ingress, those of its canary, then those by which other
/// Ingresses of its host decide for the whole host. A location of a `server-snippet` has only those for the whole host.
pub(super) fn list(route: &Route, host: &Host, translator: &Translator) -> Vec<Setting> {
    let own = ingress(&route.labels.owner);
    let of_host = |applied: &&Applied| {
        let scope = Annotation::named(applied.key).map(|annotation| annotation.facets.scope);
        scope == Some(Scope::Host) && applied.effect == Effect::Applied
    };
    let others: BTreeSet<_> = host.routes().iter().map(|route| ingress(&route.labels.owner)).collect();
    let others = others.iter().filter(|other| **other != own);
    let from_others = others.flat_map(|other| {
        let applied = translator.applied(other).iter().filter(of_host);
        applied.map(|applied| setting(applied, other, translator))
    });
    let is_of_server = route.location.as_ref().is_some_and(|location| !location.is_in_path);
    let of_path = [Some(&own), canary::ingress(route, translator)].into_iter().flatten();
    let of_path = of_path.flat_map(|ingress| {
        let applied = translator.applied(ingress).iter();
        let applied = applied.filter(|applied| !is_of_server || of_host(applied));
        applied.map(|applied| setting(applied, ingress, translator))
    });
    of_path.chain(from_others).collect()
}

/// The annotations of all Ingresses whose routes a host has, and of their canaries.
pub fn of_host(host: &Host, translator: &Translator) -> Vec<Setting> {
    let own = host.routes().iter().map(|route| ingress(&route.labels.owner));
    let canaries = host.routes().iter().filter_map(|route| canary::ingress(route, translator).cloned());
    let ingresses: BTreeSet<_> = own.chain(canaries).collect();
    let settings = ingresses.iter().flat_map(|ingress| {
        let applied = translator.applied(ingress).iter();
        applied.map(move |applied| setting(applied, ingress, translator))
    });
    settings.collect()
}

fn ingress(owner: &Owner) -> ObjectKey {
    ObjectKey::new(Kind::Ingress, owner.namespace.clone(), owner.ingress.clone())
}

fn setting(applied: &Applied, object: &ObjectKey, translator: &Translator) -> Setting {
    let effect = match applied.effect {
        Effect::Applied => applied.doc,
        Effect::None => "It has no effect: `adit check` says why.",
        Effect::Denied => "It is not supported, and the routes answer 503 to be safe: `adit check` says why.",
        Effect::HostDenied => "It is invalid, and the host answers 403 to be safe: `adit check` says why.",
        Effect::Rejected => "It is invalid, so that this version of the Ingress is not served: `adit check` says why.",
    };
    Setting {
        name: applied.key.to_owned(),
        value: applied.value.to_string(),
        effect: effect.to_owned(),
        source: Source { object: object.to_string(), field: translator.annotation_field(applied.key) },
    }
}
