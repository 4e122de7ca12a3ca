//! From diagnostics to Events. Pure.

use crate::diagnostic::{Diagnostic, Statement};
use crate::object::ObjectKey;
use crate::pipeline::State;
use gateway::config::Subject;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// The longest note that the API server takes, in bytes.
const NOTE: usize = 1024;

/// The longest name of a replica that it takes, in bytes.
const INSTANCE: usize = 128;

/// Who we are, whatever our class is called.
const CONTROLLER: &str = "adit.dev/ingress-controller";

/// Where Events about objects without a namespace go.
const CLUSTER_SCOPED: &str = "default";

/// Something that an object's owner is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    subject: ObjectKey,
    uid: Arc<str>,
    diagnostic: Diagnostic,
    id: u64,
}

/// All that is wrong, once for each object that it is about. Objects that are not in a cluster have no uid, and no Events.
pub(super) fn facts(state: &State) -> Vec<Fact> {
    let facts = state.diagnostics.iter().flat_map(|diagnostic| {
        let related = diagnostic.related.as_ref().filter(|related| **related != diagnostic.object);
        let objects = [Some(&diagnostic.object), related];
        objects.into_iter().flatten().filter_map(|object| Fact::of(diagnostic, object, state))
    });
    facts.collect()
}

impl Fact {
    fn of(diagnostic: &Diagnostic, object: &Subject, state: &State) -> Option<Self> {
        let subject = ObjectKey::of(object)?;
        let uid = Arc::clone(state.uids.get(&subject)?);
        let id = id(&uid, diagnostic);
        Some(Self { subject, uid, diagnostic: diagnostic.clone(), id })
    }

    /// Distinguishes it from all others, and is the same in every replica. Where in a file it is does not count.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// As the API server takes it, from the replica of this name.
    pub(super) fn event(&self, instance: &str, now: Timestamp) -> Event {
        let ObjectKey { kind, namespace, name } = &self.subject;
        let of_namespace = Some(namespace.as_ref()).filter(|namespace| !namespace.is_empty());
        Event {
            metadata: ObjectMeta {
                name: Some(format!("adit.{:016x}", self.id)),
                namespace: Some(of_namespace.unwrap_or(CLUSTER_SCOPED).to_owned()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            type_: Some("Warning".to_owned()),
            reason: Some(self.diagnostic.reason.to_string()),
            // What we were about to do with the object.
            action: Some("Serve".to_owned()),
            note: Some(self.note()),
            regarding: Some(ObjectReference {
                api_version: Some(kind.api_version().to_owned()),
                kind: Some(kind.to_string()),
                namespace: of_namespace.map(str::to_owned),
                name: Some(name.to_string()),
                uid: Some(self.uid.to_string()),
                ..ObjectReference::default()
            }),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(cut(instance.to_owned(), INSTANCE)),
            ..Event::default()
        }
    }

    /// The field, the value and what is expected; of another object than the one that it is shown with, its name before.
    fn note(&self) -> String {
        let (object, statement) = (&self.diagnostic.object, Statement(&self.diagnostic));
        let is_own = *object == Subject::from(&self.subject);
        cut(if is_own { statement.to_string() } else { format!("{object}: {statement}") }, NOTE)
    }
}

fn id(uid: &str, diagnostic: &Diagnostic) -> u64 {
    let Diagnostic { object, field, value, message, reason, .. } = diagnostic;
    let said = [uid, &reason.to_string(), &object.to_string(), field, value.as_deref().unwrap_or_default(), message];
    XxHash3_64::oneshot(said.join("\0").as_bytes())
}

/// At most so many bytes, which are at least three; what is left out shows as an ellipsis.
fn cut(mut text: String, limit: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit - ELLIPSIS.len_utf8()));
        text.push(ELLIPSIS);
    }
    text
}

#[cfg(test)]
mod tests;
