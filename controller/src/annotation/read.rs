#[cfg(test)]
mod tests;

use super::entry::{Annotation, Applied, Effect, Invalid, OWN_PREFIX};
use super::prefix;
use super::settings::AnnotationSettings;
use crate::diagnostic::{AtAdmission, Diagnostic, Reason};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::registry::{Support, Value, ValueError, object_name};
use crate::route_defaults::{Risk, RouteDefaults};
use crate::snippet::SnippetReport;
use gateway::config::{ClientCertificates, Denied, Origin, Subject};
use std::collections::BTreeMap;

/// What becomes of an Ingress with a value that must be valid.
const REJECTED: &str = "the whole Ingress is rejected, and its last valid version stays in effect if there is one";

/// The prefix that annotations have unless `--annotations-prefix` says otherwise.
const USUAL_PREFIX: &str = "nginx.ingress.kubernetes.io";

/// What the annotations of one Ingress come to.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What they ask for.
    pub(crate) settings: AnnotationSettings,
    /// What became of each.
    pub(crate) applied: Vec<Applied>,
    /// What is wrong with them.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Which directives of its snippets work.
    pub(crate) snippets: Vec<SnippetReport>,
    /// The whole Ingress is rejected.
    pub(crate) rejected: bool,
}

/// What the annotations of one Ingress are read with.
pub(crate) struct Context<'a> {
    /// The Ingress, as diagnostics name it.
    pub(crate) object: &'a Subject,
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// The prefix of annotations, without the slash.
    pub(crate) prefix: &'a str,
    /// What annotations override.
    pub(crate) defaults: &'a RouteDefaults,
    /// The objects that values may name.
    pub(crate) lookup: &'a Lookup<'a>,
}

/// Reads the annotations of one Ingress.
pub(crate) fn read<'a>(annotations: &'a BTreeMap<String, String>, context: &'a Context<'a>) -> Reading {
    let canary = annotations.get(&format!("{}/canary", context.prefix));
    let mut reader = Reader {
        annotations,
        context,
        is_canary: canary.is_some_and(|value| Value::from(&**value).bool() == Ok(true)),
        left_out: Vec::new(),
        reading: Reading {
            settings: AnnotationSettings::new(context.defaults),
            applied: Vec::new(),
            diagnostics: Vec::new(),
            snippets: Vec::new(),
            rejected: false,
        },
    };
    for (name, value) in annotations {
        match name.split_once('/') {
            Some((found, key)) if found == context.prefix || found == OWN_PREFIX => {
                reader.annotation(name, key, value);
            }
            Some((USUAL_PREFIX, key)) => reader.foreign(key),
            _ => reader.stranger(name),
        }
    }
    reader.canary();
    reader.affinity();
    reader.hashing();
    reader.endpoint_health();
    reader.passwords();
    reader.proxy_ssl();
    reader.client_certificates();
    reader.reading.settings.finish(context.defaults);
    reader.snippets();
    reader.waf();
    reader.tracing();
    reader.reading
}

pub(super) struct Reader<'a> {
    annotations: &'a BTreeMap<String, String>,
    pub(super) context: &'a Context<'a>,
    pub(super) reading: Reading,
    is_canary: bool,
    /// What a canary has no say in.
    left_out: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    fn annotation(&mut self, name: &str, key: &str, value: &str) {
        if let Some(word) = self.context.defaults.blocked_words.iter().find(|word| value.contains(&***word)) {
            let message = format!("contains {word:?}, which the ConfigMap's annotation-value-word-blocklist forbids");
            return self.reject(key, value, &message);
        }
        let Some(annotation) = Annotation::of_full_name(name, self.context.prefix) else {
            return self.unknown(name, key);
        };
        if annotation.facets.risk > self.context.defaults.risk_level && annotation.facets.risk < Risk::Critical {
            let (risk, level) = (annotation.facets.risk, self.context.defaults.risk_level);
            let message = format!(
                "has the risk level {risk:?}, and the ConfigMap's annotations-risk-level allows up to {level:?}"
            );
            return self.reject(key, value, &message);
        }
        let effect = if self.is_canary && !annotation.counts_for_canaries() {
            self.left_out.push(annotation.name);
            Effect::None
        } else {
            self.effect(annotation, value)
        };
        if effect == Effect::Rejected {
            self.reading.rejected = true;
        }
        self.reading.applied.push(Applied { key: annotation.name, value: value.into(), effect, doc: annotation.doc });
    }

    fn effect(&mut self, annotation: &'static Annotation, value: &str) -> Effect {
        let key = annotation.name;
        match annotation.support {
            Support::Full | Support::Partial(_) if annotation.facets.risk == Risk::Critical => self.allow(key, value),
            Support::Full | Support::Partial(_) => self.apply(annotation, value),
            _ if annotation.asks_for_nothing(value) => Effect::Applied,
            Support::Ignored(why) => {
                self.warn(key, value, Reason::Ignored, &format!("is ignored: {why}; the routes are served without it"));
                Effect::None
            }
        }
    }

    /// An empty value counts as no annotation, as in ingress-nginx.
    fn apply(&mut self, annotation: &'static Annotation, value: &str) -> Effect {
        let key = annotation.name;
        if value.trim().is_empty() && !matches!(annotation.facets.invalid, Invalid::Denies | Invalid::DeniesHost) {
            return Effect::None;
        }
        let Context { lookup, namespace, defaults, .. } = *self.context;
        let result = (annotation.apply)(
            Value::new(value, lookup).within(namespace, defaults.cross_namespace),
            &mut self.reading.settings,
        );
        for complaint in std::mem::take(&mut self.reading.settings.complaints) {
            self.warn(key, value, Reason::AnnotationParsingFailed, &complaint);
        }
        match result {
            Ok(()) => Effect::Applied,
            Err(ValueError::Unsupported(why)) => {
                self.warn(key, value, Reason::Ignored, why);
                Effect::None
            }
            Err(error @ ValueError::Refused(_)) if annotation.facets.invalid == Invalid::DeniesHost => {
                self.invalid(annotation, value, &error)
            }
            Err(ValueError::Refused(why)) => {
                self.deny(key, value, &why);
                Effect::Denied
            }
            Err(error) => self.invalid(annotation, value, &error),
        }
    }

    /// What several annotations together say of a canary.
    fn canary(&mut self) {
        let mut complaints = Vec::new();
        let settings = std::mem::take(&mut self.reading.settings.canary_settings);
        self.reading.settings.canary = settings.build(&mut complaints);
        for (key, has_effect, complaint) in complaints {
            self.warn(key, self.value(key), Reason::AnnotationParsingFailed, &complaint);
            if !has_effect {
                self.set_effect(key, &Effect::None);
            }
        }
        if !self.left_out.is_empty() {
            let left_out = self.left_out.join(", ");
            let message =
                format!("has the settings of the main Ingress: what this one says of {left_out} has no effect");
            self.warn("canary", self.value("canary"), Reason::Ignored, &message);
        }
    }

    /// What several annotations together say of affinity.
    fn affinity(&mut self) {
        let asked = std::mem::take(&mut self.reading.settings.affinity_annotations);
        let lacks_path = self.reading.settings.use_regex && asked.attributes.path.is_none();
        self.reading.settings.affinity = asked.build();
        if self.reading.settings.affinity.cookie.is_none() {
            return self.without_affinity();
        }
        if lacks_path {
            let message = "sets a cookie whose Path is the regular expression, so that browsers send it for no path: \
                           expected session-cookie-path beside use-regex";
            self.warn("affinity", self.value("affinity"), Reason::AnnotationParsingFailed, message);
        }
    }

    /// Says that settings of a cookie have no effect without one.
    fn without_affinity(&mut self) {
        let applied = self.reading.applied.iter().map(|applied| applied.key);
        let of_cookies = applied.filter(|key| key.starts_with("session-cookie-") && !key.ends_with("-hash"));
        for key in of_cookies.collect::<Vec<_>>() {
            self.without_effect(key, "has no effect without affinity: cookie");
        }
    }

    /// Says that an annotation has no effect, if it was to have one.
    pub(super) fn without_effect(&mut self, key: &str, message: &str) {
        if self.reading.applied.iter().any(|applied| applied.key == key && applied.effect == Effect::Applied) {
            self.warn(key, self.value(key), Reason::AnnotationParsingFailed, message);
            self.set_effect(key, &Effect::None);
        }
    }

    /// What several annotations together say of passwords.
    fn passwords(&mut self) {
        const SECRET: &str = "auth-secret";
        let settings = std::mem::take(&mut self.reading.settings.passwords);
        if let Some(fault) = settings.unused_fault() {
            let message = format!("{fault}; it has no effect without auth-type");
            self.warn(SECRET, self.value(SECRET), Reason::AnnotationParsingFailed, &message);
            return self.set_effect(SECRET, &Effect::None);
        }
        let mut complaints = Vec::new();
        let built = settings.build(&mut self.reading.settings.policies, &mut complaints);
        for complaint in complaints {
            self.warn(SECRET, self.value(SECRET), Reason::AnnotationParsingFailed, &complaint);
        }
        self.deny_unless(built);
    }

    /// What several annotations together say of TLS to backends.
    fn proxy_ssl(&mut self) {
        let secret = object_name(self.value("proxy-ssl-secret"), Some(self.context.namespace));
        let secret = secret
            .map_or(Subject::other("no Secret"), |name| ObjectKey::new(Kind::Secret, name.namespace, name.name).into());
        let settings = std::mem::take(&mut self.reading.settings.proxy_ssl);
        let built = settings.build(secret, &mut self.reading.settings.backend);
        self.deny_unless(built);
    }

    /// What several annotations together say of certificates of clients.
    fn client_certificates(&mut self) {
        const SECRET: &str = "auth-tls-secret";
        let origin = Origin::new(self.context.object.clone(), self.field(SECRET));
        let settings = std::mem::take(&mut self.reading.settings.client_certificates);
        if let Err((key, error)) = settings.build(origin, &mut self.reading.settings.host) {
            self.deny_host(key, self.value(key), &error.to_string()).at_admission = if_missing(&error);
            self.set_effect(key, &Effect::HostDenied);
        }
    }

    /// The value of an annotation, empty where it is not there.
    pub(super) fn value(&self, key: &str) -> &'a str {
        self.annotations.get(&Annotation::full_name(key, self.context.prefix)).map_or("", String::as_str)
    }

    /// Denies the routes where an annotation cannot be used together with the others.
    fn deny_unless(&mut self, built: Result<(), (&'static str, ValueError)>) {
        if let Err((key, error)) = built {
            self.deny(key, self.value(key), &error.to_string()).at_admission = if_missing(&error);
            self.set_effect(key, &Effect::Denied);
        }
    }

    pub(super) fn set_effect(&mut self, key: &str, effect: &Effect) {
        let applied = self.reading.applied.iter_mut().filter(|applied| applied.key == key);
        applied.for_each(|applied| applied.effect = effect.clone());
    }

    fn invalid(&mut self, annotation: &'static Annotation, value: &str, error: &ValueError) -> Effect {
        let key = annotation.name;
        let reason = match error {
            ValueError::NotFound(_) => Reason::ReferenceNotFound,
            _ => Reason::AnnotationParsingFailed,
        };
        let (diagnostic, effect) = match annotation.facets.invalid {
            Invalid::RejectsIngress => {
                (self.error(key, value, reason, &format!("{error}; {REJECTED}")), Effect::Rejected)
            }
            Invalid::Denies => (self.deny(key, value, &error.to_string()), Effect::Denied),
            Invalid::DeniesHost => (self.deny_host(key, value, &error.to_string()), Effect::HostDenied),
            Invalid::FallsBack => {
                (self.error(key, value, reason, &format!("{error}; the default is used instead")), Effect::None)
            }
        };
        diagnostic.at_admission = match error {
            ValueError::Expected(_) | ValueError::Invalid(_) | ValueError::Template(_) if annotation.facets.refused => {
                AtAdmission::Refuses
            }
            error => if_missing(error),
        };
        effect
    }

    fn reject(&mut self, key: &str, value: &str, complaint: &str) {
        let diagnostic = self.error(key, value, Reason::AnnotationParsingFailed, &format!("{complaint}; {REJECTED}"));
        diagnostic.at_admission = AtAdmission::Refuses;
        self.reading.rejected = true;
    }

    pub(super) fn deny(&mut self, key: &str, value: &str, complaint: &str) -> &mut Diagnostic {
        let denied = self.denied(key, complaint);
        self.reading.settings.policies.denied.get_or_insert(denied);
        self.error(key, value, Reason::Denied, &format!("{complaint}: every request is answered with 503"))
    }

    /// Closes the hosts of the Ingress, unless an older one has decided about the certificates of their clients.
    fn deny_host(&mut self, key: &str, value: &str, complaint: &str) -> &mut Diagnostic {
        let denied = self.denied(key, complaint);
        self.reading.settings.host.client_certificates.get_or_insert(ClientCertificates::Denied(denied));
        self.error(key, value, Reason::Denied, &format!("{complaint}: every request for the host is answered with 403"))
    }

    fn denied(&self, key: &str, complaint: &str) -> Denied {
        let origin = Origin::new(self.context.object.clone(), self.field(key));
        let name = Annotation::full_name(key, self.context.prefix);
        Denied { reason: format!("the annotation {name} {complaint}").into(), origin }
    }

    /// No annotation has this full name. Its key may be right.
    fn unknown(&mut self, name: &str, key: &str) {
        let near = match Annotation::named(key) {
            Some(_) => format!("; did you mean {:?}?", Annotation::full_name(key, self.context.prefix)),
            None => Annotation::suggestion(key),
        };
        let message = format!("is not an annotation of ingress-nginx or Adit; it is ignored{near}");
        let field = format!("metadata.annotations[{name}]");
        let diagnostic = Diagnostic::warning(self.context.object.clone(), field, message).because(Reason::Ignored);
        self.reading.diagnostics.push(diagnostic);
    }

    /// The usual prefix where another one counts.
    fn foreign(&mut self, key: &str) {
        if let Some(annotation) = Annotation::named(key) {
            let field = format!("metadata.annotations[{USUAL_PREFIX}/{key}]");
            let prefix = annotation.prefix(self.context.prefix);
            let message = format!("is ignored: expected the prefix {prefix:?} (--annotations-prefix)");
            let diagnostic = Diagnostic::warning(self.context.object.clone(), field, message).because(Reason::Ignored);
            self.reading.diagnostics.push(diagnostic.refused());
        }
    }

    /// Another prefix, or none. Charts set some annotations for several controllers.
    fn stranger(&mut self, name: &str) {
        if prefix::has_successor(name, self.context.prefix, self.annotations) {
            return;
        }
        if let Some(complaint) = prefix::complaint(name, self.context.prefix) {
            let field = format!("metadata.annotations[{name}]");
            let warning = Diagnostic::warning(self.context.object.clone(), field, complaint).because(Reason::Ignored);
            self.reading.diagnostics.push(warning);
        }
    }

    pub(super) fn error(&mut self, key: &str, value: &str, reason: Reason, message: &str) -> &mut Diagnostic {
        let diagnostic = Diagnostic::error(self.context.object.clone(), self.field(key), message);
        self.reading.diagnostics.push_mut(diagnostic.with_value(value).because(reason))
    }

    pub(super) fn warn(&mut self, key: &str, value: &str, reason: Reason, message: &str) {
        let diagnostic = Diagnostic::warning(self.context.object.clone(), self.field(key), message);
        self.reading.diagnostics.push(diagnostic.with_value(value).because(reason));
    }

    pub(super) fn field(&self, key: &str) -> String {
        format!("metadata.annotations[{}]", Annotation::full_name(key, self.context.prefix))
    }
}

/// An object that a value names may come later.
fn if_missing(error: &ValueError) -> AtAdmission {
    match error {
        ValueError::NotFound(_) => AtAdmission::Waits,
        _ => AtAdmission::Warns,
    }
}
