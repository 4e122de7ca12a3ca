//! What settings come to: those of an Ingress's annotations, or of AditPolicies.

use super::entry::{Annotation, Applied, Effect, Invalid};
use super::settings::AnnotationSettings;
use super::written::Written;
use crate::diagnostic::{AtAdmission, Diagnostic, Reason};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::registry::{Support, Value, ValueError, object_name};
use crate::route_defaults::{Risk, RouteDefaults};
use crate::snippet::SnippetReport;
use gateway::config::{ClientCertificates, Denied, Origin, Subject};
use std::collections::BTreeMap;

/// What settings come to.
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
    /// All that they stand in is rejected, the whole Ingress or the policies: the first of the diagnostics that says so.
    pub(crate) rejected: Option<usize>,
}

/// What settings are read with.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The namespace of what they stand in.
    pub(crate) namespace: &'a str,
    /// What they override.
    pub(crate) defaults: &'a RouteDefaults,
    /// The objects that values may name.
    pub(crate) lookup: &'a Lookup<'a>,
}

pub(super) struct Reader<'a> {
    pub(super) written: Written<'a>,
    pub(super) context: Context<'a>,
    pub(super) reading: Reading,
    /// Their values, by the names of their entries.
    values: BTreeMap<&'static str, &'a str>,
    is_canary: bool,
    /// What a canary has no say in.
    left_out: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: BTreeMap<&'static str, &'a str>, written: Written<'a>, context: Context<'a>) -> Self {
        let canary = values.get("canary");
        let is_canary = canary.is_some_and(|value| Value::from(*value).bool() == Ok(true));
        let reading = Reading {
            settings: AnnotationSettings::new(context.defaults),
            applied: Vec::new(),
            diagnostics: Vec::new(),
            snippets: Vec::new(),
            rejected: None,
        };
        Self { written, context, reading, values, is_canary, left_out: Vec::new() }
    }

    /// Builds what several settings say together, once each has been read.
    pub(super) fn build(&mut self) {
        self.canary();
        self.affinity();
        self.hashing();
        self.endpoint_health();
        self.passwords();
        self.proxy_ssl();
        self.client_certificates();
        self.reading.settings.finish(self.context.defaults);
        self.large_bodies();
        self.snippets();
        self.waf();
        self.tracing();
    }

    /// Whether a value may be read: it has none of the words that are forbidden everywhere. Rejects all if it has one.
    pub(super) fn permits(&mut self, key: &str, value: &str) -> bool {
        let Some(word) = self.context.defaults.blocked_words.iter().find(|word| value.contains(&***word)) else {
            return true;
        };
        let message = format!("contains {word:?}, which the ConfigMap's annotation-value-word-blocklist forbids");
        self.reject(key, value, &message);
        false
    }

    /// Reads one setting.
    pub(super) fn setting(&mut self, annotation: &'static Annotation, value: &str) {
        if annotation.facets.risk > self.context.defaults.risk_level && annotation.facets.risk < Risk::Critical {
            let (risk, level) = (annotation.facets.risk, self.context.defaults.risk_level);
            let message = format!(
                "has the risk level {risk:?}, and the ConfigMap's annotations-risk-level allows up to {level:?}"
            );
            return self.reject(annotation.name, value, &message);
        }
        let effect = if self.is_canary && !annotation.counts_for_canaries() {
            self.left_out.push(annotation.name);
            Effect::None
        } else {
            self.effect(annotation, value)
        };
        if effect == Effect::Rejected {
            self.reject_all();
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

    /// An empty value counts as no annotation, as in ingress-nginx, unless requests might not be safe without it.
    pub(super) fn apply(&mut self, annotation: &'static Annotation, value: &str) -> Effect {
        let key = annotation.name;
        let denies = matches!(annotation.facets.invalid, Invalid::Denies | Invalid::DeniesHost);
        if value.trim().is_empty() && (!denies || annotation.asks_for_nothing(value)) {
            return Effect::None;
        }
        let Context { lookup, namespace, defaults } = self.context;
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
        let origin = self.written.origin(SECRET);
        let settings = std::mem::take(&mut self.reading.settings.client_certificates);
        if let Err((key, error)) = settings.build(origin, &mut self.reading.settings.host) {
            self.deny_host(key, self.value(key), &error.to_string()).at_admission = if_missing(&error);
            self.set_effect(key, &Effect::HostDenied);
        }
    }

    /// The value of a setting, empty where it is not there.
    pub(super) fn value(&self, key: &str) -> &'a str {
        self.values.get(key).copied().unwrap_or_default()
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
                let message = format!("{error}; {}", self.written.rejected());
                (self.error(key, value, reason, &message), Effect::Rejected)
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
        let message = format!("{complaint}; {}", self.written.rejected());
        let diagnostic = self.error(key, value, Reason::AnnotationParsingFailed, &message);
        diagnostic.at_admission = AtAdmission::Refuses;
        self.reject_all();
    }

    /// Rejects all, as the last of the diagnostics says.
    fn reject_all(&mut self) {
        let last = self.reading.diagnostics.len().saturating_sub(1);
        self.reading.rejected.get_or_insert(last);
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
        let reason = format!("{} {complaint}", self.written.name(key));
        Denied { reason: self.written.words(&reason).into(), origin: self.written.origin(key) }
    }

    pub(super) fn error(&mut self, key: &str, value: &str, reason: Reason, message: &str) -> &mut Diagnostic {
        let Origin { object, field } = self.written.origin(key);
        self.push(Diagnostic::error(object, field, self.written.words(message)), value, reason)
    }

    pub(super) fn warn(&mut self, key: &str, value: &str, reason: Reason, message: &str) {
        let Origin { object, field } = self.written.origin(key);
        self.push(Diagnostic::warning(object, field, self.written.words(message)), value, reason);
    }

    fn push(&mut self, diagnostic: Diagnostic, value: &str, reason: Reason) -> &mut Diagnostic {
        let diagnostic = diagnostic.with_value(value).because(self.written.reason(reason));
        self.reading.diagnostics.push_mut(diagnostic)
    }
}

/// An object that a value names may come later.
fn if_missing(error: &ValueError) -> AtAdmission {
    match error {
        ValueError::NotFound(_) => AtAdmission::Waits,
        _ => AtAdmission::Warns,
    }
}
