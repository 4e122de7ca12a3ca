use super::Source;
use crate::annotation::{Applied, Effect};
use crate::object::{Kind, ObjectKey};
use crate::translate::Translator;
use gateway::table::Route;
use serde::Serialize;

/// Something that an object asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

/// The annotations of the Ingress that a route belongs to.
pub(super) fn of(route: &Route, translator: &Translator) -> Vec<Setting> {
    let owner = &route.labels.owner;
    let key = ObjectKey::new(Kind::Ingress, owner.namespace.clone(), owner.ingress.clone());
    translator.applied(&key).iter().map(|applied| setting(applied, &key)).collect()
}

fn setting(applied: &Applied, key: &ObjectKey) -> Setting {
    let effect = match applied.effect {
        Effect::Applied => applied.doc,
        Effect::None => "has no effect: a diagnostic says why",
        Effect::Denied => "is not served safely, so the route answers 503",
        Effect::Rejected => "is invalid, so the Ingress is not served",
    };
    Setting {
        name: applied.key.to_owned(),
        value: applied.value.to_string(),
        effect: effect.to_owned(),
        source: Source { object: key.to_string(), field: format!("metadata.annotations[{}]", applied.key) },
    }
}
