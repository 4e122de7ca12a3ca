use super::canary;
use super::source::Source;
use crate::annotation::{Annotation, Applied, Effect, Scope, in_fields};
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
    /// The annotation's name after its prefix, or that of a field of an AditPolicy.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it does, or why it does nothing.
    pub effect: String,
    /// Where it is set.
    pub source: Source,
}

/// The annotations that matter to a route: those of its own Ingress, those of its canary, then those by which other
/// Ingresses of its host decide for the whole host. A location of a `server-snippet` has only those for the whole host. A route
/// of Gateway API has the fields of its policies in their place.
pub(super) fn list(route: &Route, host: &Host, translator: &Translator) -> Vec<Setting> {
    let of_policies = of_policies(route, translator);
    let own = ingress(route);
    let of_host = |applied: &&Applied| {
        let scope = Annotation::named(applied.key).map(|annotation| annotation.facets.scope);
        scope == Some(Scope::Host) && applied.effect == Effect::Applied
    };
    let others: BTreeSet<_> = host.routes().iter().filter_map(|route| ingress(route)).collect();
    let others = others.iter().filter(|other| own.as_ref() != Some(*other));
    let from_others = others.flat_map(|other| {
        let applied = translator.applied(other).iter().filter(of_host);
        applied.map(|applied| annotation(applied, other, translator))
    });
    let is_of_server = route.location.as_ref().is_some_and(|location| !location.is_in_path);
    let of_path = [own.as_ref(), canary::ingress(route, translator)].into_iter().flatten();
    let of_path = of_path.flat_map(|ingress| {
        let applied = translator.applied(ingress).iter();
        let applied = applied.filter(|applied| !is_of_server || of_host(applied));
        applied.map(|applied| annotation(applied, ingress, translator))
    });
    of_policies.chain(of_path).chain(from_others).collect()
}

/// The annotations of all Ingresses whose routes a host has, and of their canaries, and the fields of the policies of its other
/// routes.
pub fn of_host(host: &Host, translator: &Translator) -> Vec<Setting> {
    let own = host.routes().iter().filter_map(|route| ingress(route));
    let canaries = host.routes().iter().filter_map(|route| canary::ingress(route, translator).cloned());
    let ingresses: BTreeSet<_> = own.chain(canaries).collect();
    let settings = ingresses.iter().flat_map(|ingress| {
        let applied = translator.applied(ingress).iter();
        applied.map(move |applied| annotation(applied, ingress, translator))
    });
    let mut settings: Vec<_> = settings.collect();
    for setting in host.routes().iter().flat_map(|route| of_policies(route, translator)) {
        // Rules may share policies.
        if !settings.contains(&setting) {
            settings.push(setting);
        }
    }
    settings
}

/// The Ingress of a route, unless that is one of Gateway API.
fn ingress(route: &Route) -> Option<ObjectKey> {
    let is_of_gateway_api = ObjectKey::of(&route.origin.object).is_some_and(|key| key.kind.is_of_gateway_api());
    let Owner { namespace, ingress, .. } = &route.labels.owner;
    (!is_of_gateway_api).then(|| ObjectKey::new(Kind::Ingress, namespace.clone(), ingress.clone()))
}

/// The fields of the policies of a route.
fn of_policies<'t>(route: &Route, translator: &'t Translator) -> impl Iterator<Item = Setting> + use<'t> {
    let key = ObjectKey::of(&route.origin.object);
    let settings = key.map(|key| translator.policy_settings(&key, &route.origin.field)).unwrap_or_default();
    settings.iter().map(|(origin, applied)| Setting {
        name: origin.field.trim_start_matches("spec.").to_owned(),
        effect: in_fields(effect(applied)),
        value: applied.value.to_string(),
        source: origin.into(),
    })
}

fn annotation(applied: &Applied, object: &ObjectKey, translator: &Translator) -> Setting {
    Setting {
        name: applied.key.to_owned(),
        value: applied.value.to_string(),
        effect: effect(applied).to_owned(),
        source: Source { object: object.to_string(), field: translator.annotation_field(applied.key) },
    }
}

/// What a setting does, or why it does nothing.
fn effect(applied: &Applied) -> &'static str {
    match applied.effect {
        Effect::Applied => applied.doc,
        Effect::None => "It has no effect: `adit check` says why.",
        Effect::Denied => "It is not supported, and the routes answer 503 to be safe: `adit check` says why.",
        Effect::HostDenied => "It is invalid, and the host answers 403 to be safe: `adit check` says why.",
        Effect::Rejected => "It is invalid, so that this version of the Ingress is not served: `adit check` says why.",
    }
}
