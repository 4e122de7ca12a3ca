use super::entry::{Annotation, Applied, Effect, Invalid, Support};
use super::error::AnnotationError;
use super::settings::AnnotationSettings;
use super::value::Value;
use crate::diagnostic::{Diagnostic, Reason};
use crate::route_defaults::{Risk, RouteDefaults};
use crate::suggestion::{did_you_mean, nearest};
use gateway::config::{Denied, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// The whole Ingress is rejected.
    pub(crate) rejected: bool,
}

/// Reads the annotations of the Ingress that `object` names.
pub(crate) fn read(
    annotations: &BTreeMap<String, String>,
    object: &Arc<str>,
    prefix: &str,
    defaults: &RouteDefaults,
) -> Reading {
    let mut reader = Reader {
        object,
        prefix,
        defaults,
        reading: Reading {
            settings: AnnotationSettings::new(defaults),
            applied: Vec::new(),
            diagnostics: Vec::new(),
            rejected: false,
        },
    };
    for (name, value) in annotations {
        match name.split_once('/') {
            Some((found, key)) if found == prefix => reader.annotation(key, value),
            Some((USUAL_PREFIX, key)) => reader.foreign(key),
            _ => {}
        }
    }
    reader.reading.settings.finish(defaults);
    reader.reading
}

struct Reader<'a> {
    object: &'a Arc<str>,
    prefix: &'a str,
    defaults: &'a RouteDefaults,
    reading: Reading,
}

impl Reader<'_> {
    fn annotation(&mut self, key: &str, value: &str) {
        if let Some(word) = self.defaults.blocked_words.iter().find(|word| value.contains(&***word)) {
            let message = format!("contains {word:?}, which the ConfigMap's annotation-value-word-blocklist forbids");
            return self.reject(key, value, &message);
        }
        let Some(annotation) = Annotation::named(key) else { return self.unknown(key) };
        if annotation.risk > self.defaults.risk_level && annotation.risk < Risk::Critical {
            let (risk, level) = (annotation.risk, self.defaults.risk_level);
            let message = format!(
                "has the risk level {risk:?}, and the ConfigMap's annotations-risk-level allows up to {level:?}"
            );
            return self.reject(key, value, &message);
        }
        let effect = self.effect(annotation, value);
        if effect == Effect::Rejected {
            self.reading.rejected = true;
        }
        self.reading.applied.push(Applied { key: annotation.key, value: value.into(), effect, doc: annotation.doc });
    }

    fn effect(&mut self, annotation: &'static Annotation, value: &str) -> Effect {
        let key = annotation.key;
        match annotation.support {
            Support::Full | Support::Partial(_) => self.apply(annotation, value),
            _ if annotation.asks_for_nothing(value) => Effect::Applied,
            Support::Ignored(why) => {
                self.warn(key, value, Reason::Ignored, &format!("is ignored: {why}; the routes are served without it"));
                Effect::None
            }
            Support::Planned => {
                self.warn(key, value, Reason::Ignored, "is not supported yet: the routes are served without it");
                Effect::None
            }
            Support::Denied => {
                self.deny(key, value, "is not supported yet, and the routes are not safe without it");
                Effect::Denied
            }
        }
    }

    /// An empty value counts as no annotation, as in ingress-nginx.
    fn apply(&mut self, annotation: &'static Annotation, value: &str) -> Effect {
        let key = annotation.key;
        if value.trim().is_empty() && annotation.invalid != Invalid::Denies {
            return Effect::None;
        }
        let result = (annotation.apply)(Value(value), &mut self.reading.settings);
        for complaint in std::mem::take(&mut self.reading.settings.complaints) {
            self.warn(key, value, Reason::AnnotationParsingFailed, &complaint);
        }
        match result {
            Ok(()) => Effect::Applied,
            Err(AnnotationError::Unsupported(why)) => {
                self.warn(key, value, Reason::Ignored, why);
                Effect::None
            }
            Err(AnnotationError::Refused(why)) => {
                self.deny(key, value, why);
                Effect::Denied
            }
            Err(error) => self.invalid(annotation, value, &error.complaint()),
        }
    }

    fn invalid(&mut self, annotation: &'static Annotation, value: &str, complaint: &str) -> Effect {
        let key = annotation.key;
        match annotation.invalid {
            Invalid::RejectsIngress => {
                self.error(key, value, Reason::AnnotationParsingFailed, &format!("{complaint}; {REJECTED}"));
                Effect::Rejected
            }
            Invalid::Denies => {
                self.deny(key, value, complaint);
                Effect::Denied
            }
            Invalid::FallsBack => {
                self.error(
                    key,
                    value,
                    Reason::AnnotationParsingFailed,
                    &format!("{complaint}; the default is used instead"),
                );
                Effect::None
            }
        }
    }

    fn reject(&mut self, key: &str, value: &str, complaint: &str) {
        self.error(key, value, Reason::AnnotationParsingFailed, &format!("{complaint}; {REJECTED}"));
        self.reading.rejected = true;
    }

    fn deny(&mut self, key: &str, value: &str, complaint: &str) {
        let origin = Origin::new(self.object.clone(), self.field(key));
        let reason = format!("the annotation {}/{key} {complaint}", self.prefix).into();
        self.reading.settings.policies.denied.get_or_insert(Denied { reason, origin });
        self.error(key, value, Reason::Denied, &format!("{complaint}: every request is answered with 503"));
    }

    fn unknown(&mut self, key: &str) {
        let near = did_you_mean(nearest(key, Annotation::all().map(|annotation| annotation.key)));
        let message = format!("is not an annotation of ingress-nginx or Adit; it is ignored{near}");
        let diagnostic = Diagnostic::warning(self.object.clone(), self.field(key), message).because(Reason::Ignored);
        self.reading.diagnostics.push(diagnostic);
    }

    /// The usual prefix where another one counts.
    fn foreign(&mut self, key: &str) {
        if Annotation::named(key).is_some() {
            let field = format!("metadata.annotations[{USUAL_PREFIX}/{key}]");
            let message = format!("is ignored: expected the prefix {:?} (--annotations-prefix)", self.prefix);
            let diagnostic = Diagnostic::warning(self.object.clone(), field, message).because(Reason::Ignored);
            self.reading.diagnostics.push(diagnostic);
        }
    }

    fn error(&mut self, key: &str, value: &str, reason: Reason, message: &str) {
        let diagnostic = Diagnostic::error(self.object.clone(), self.field(key), message);
        self.reading.diagnostics.push(diagnostic.with_value(value).because(reason));
    }

    fn warn(&mut self, key: &str, value: &str, reason: Reason, message: &str) {
        let diagnostic = Diagnostic::warning(self.object.clone(), self.field(key), message);
        self.reading.diagnostics.push(diagnostic.with_value(value).because(reason));
    }

    fn field(&self, key: &str) -> String {
        format!("metadata.annotations[{}/{key}]", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;

    fn reading(annotations: &[(&str, &str)]) -> Reading {
        let annotations =
            annotations.iter().map(|(key, value)| (format!("{USUAL_PREFIX}/{key}"), (*value).to_owned())).collect();
        read(&annotations, &"Ingress default/shop".into(), USUAL_PREFIX, &RouteDefaults::default())
    }

    /// No annotation may vanish without a trace: each does something, or a diagnostic names it.
    #[test]
    fn every_annotation_is_served_refused_or_reported() {
        for annotation in Annotation::all() {
            let reading = reading(&[(annotation.key, "\u{1}unlikely")]);
            let served = reading.applied.iter().any(|applied| applied.effect == Effect::Applied);
            let named = reading.diagnostics.iter().any(|diagnostic| diagnostic.field.contains(annotation.key));
            assert!(named && !served, "{}: {reading:?}", annotation.key);
            if annotation.support == Support::Denied {
                assert!(reading.settings.policies.denied.is_some(), "{} must deny", annotation.key);
            }
        }
    }

    #[test]
    fn values_that_ask_for_nothing_need_nothing() {
        let harmless = [
            ("enable-modsecurity", "false"),
            ("enable-global-auth", "false"),
            ("whitelist-source-range", "0.0.0.0/0, ::/0"),
            ("limit-rps", "0"),
            ("ssl-redirect", "false"),
            ("satisfy", "all"),
        ];
        for (key, value) in harmless {
            let reading = reading(&[(key, value)]);
            assert_eq!(reading.diagnostics, [], "{key}: {value}");
            assert_eq!(reading.settings.policies.denied, None, "{key}: {value}");
        }
        for (key, value) in [("whitelist-source-range", ""), ("auth-url", " "), ("enable-modsecurity", "maybe")] {
            assert!(reading(&[(key, value)]).settings.policies.denied.is_some(), "{key}: {value:?}");
        }
    }

    #[test]
    fn unknown_names_warn_with_the_nearest() {
        let reading = reading(&[("rewrite-targt", "/")]);
        assert_eq!(reading.diagnostics[0].severity, Severity::Warning);
        assert!(reading.diagnostics[0].message.contains("\"rewrite-target\""), "{}", reading.diagnostics[0]);
    }

    #[test]
    fn invalid_values_reject_or_fall_back() {
        let rejected = reading(&[("server-alias", "a b")]);
        assert!(rejected.rejected);
        let fallen_back = reading(&[("proxy-connect-timeout", "30s")]);
        assert!(!fallen_back.rejected);
        assert_eq!(fallen_back.diagnostics[0].severity, Severity::Error);
        assert_eq!(fallen_back.settings.backend.timeouts.connect.as_secs(), 5);
    }

    #[test]
    fn blocked_words_and_risks_reject() {
        let defaults = RouteDefaults {
            blocked_words: vec!["set_by_lua".into()],
            risk_level: Risk::Medium,
            ..RouteDefaults::default()
        };
        let read = |key: &str, value: &str| {
            let annotations = [(format!("{USUAL_PREFIX}/{key}"), value.to_owned())].into();
            read(&annotations, &"Ingress default/shop".into(), USUAL_PREFIX, &defaults)
        };
        assert!(read("connection-proxy-header", "set_by_lua").rejected);
        assert!(read("server-alias", "a.example.com").rejected);
        assert!(!read("app-root", "/shop").rejected);
    }
}
