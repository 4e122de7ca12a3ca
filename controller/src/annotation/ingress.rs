//! The annotations of an Ingress.

#[cfg(test)]
mod tests;

use super::entry::{Annotation, OWN_PREFIX};
use super::prefix;
use super::read::{Context, Reader, Reading};
use super::written::Written;
use crate::diagnostic::{AtAdmission, Diagnostic, Reason};
use gateway::config::Subject;
use std::collections::BTreeMap;

/// The prefix that annotations have unless `--annotations-prefix` says otherwise.
const USUAL_PREFIX: &str = "nginx.ingress.kubernetes.io";

/// Reads the annotations of one Ingress. The prefix is that of their names, without the slash.
pub(crate) fn read<'a>(
    annotations: &'a BTreeMap<String, String>,
    (ingress, prefix): (&'a Subject, &'a str),
    context: Context<'a>,
) -> Reading {
    let value =
        |(name, value): (&String, &'a String)| Some((Annotation::of_full_name(name, prefix)?.name, value.as_str()));
    let reader =
        Reader::new(annotations.iter().filter_map(value).collect(), Written::Annotations { ingress, prefix }, context);
    let mut names = Names { annotations, ingress, prefix, reader };
    for (name, value) in annotations {
        match name.split_once('/') {
            Some((found, key)) if found == prefix || found == OWN_PREFIX => names.ours(name, key, value),
            Some((USUAL_PREFIX, key)) => names.foreign(key),
            _ => names.stranger(name),
        }
    }
    names.reader.build();
    names.reader.reading
}

/// The names of an Ingress's annotations, as they are gone through.
struct Names<'a> {
    annotations: &'a BTreeMap<String, String>,
    ingress: &'a Subject,
    prefix: &'a str,
    reader: Reader<'a>,
}

impl Names<'_> {
    /// One with our prefix.
    fn ours(&mut self, name: &str, key: &str, value: &str) {
        if !self.reader.permits(key, value) {
            return;
        }
        match Annotation::of_full_name(name, self.prefix) {
            Some(annotation) => self.reader.setting(annotation, value),
            None => self.unknown(name, key),
        }
    }

    /// No annotation has this full name. Its key may be right.
    fn unknown(&mut self, name: &str, key: &str) {
        let near = match Annotation::named(key) {
            Some(_) => format!("; did you mean {:?}?", Annotation::full_name(key, self.prefix)),
            None => Annotation::suggestion(key),
        };
        self.ignored(name, &format!("is not an annotation of ingress-nginx or Adit; it is ignored{near}"));
    }

    /// The usual prefix where another one counts.
    fn foreign(&mut self, key: &str) {
        if let Some(annotation) = Annotation::named(key) {
            let prefix = annotation.prefix(self.prefix);
            let message = format!("is ignored: expected the prefix {prefix:?} (--annotations-prefix)");
            let diagnostic = self.ignored(&format!("{USUAL_PREFIX}/{key}"), &message);
            diagnostic.at_admission = AtAdmission::Refuses;
        }
    }

    /// Another prefix, or none. Charts set some annotations for several controllers.
    fn stranger(&mut self, name: &str) {
        if prefix::has_successor(name, self.prefix, self.annotations) {
            return;
        }
        if let Some(complaint) = prefix::complaint(name, self.prefix) {
            self.ignored(name, &complaint);
        }
    }

    fn ignored(&mut self, name: &str, message: &str) -> &mut Diagnostic {
        let field = format!("metadata.annotations[{name}]");
        let diagnostic = Diagnostic::warning(self.ingress.clone(), field, message).because(Reason::Ignored);
        self.reader.reading.diagnostics.push_mut(diagnostic)
    }
}
