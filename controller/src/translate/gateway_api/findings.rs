use crate::diagnostic::{Diagnostic, Place, Reason};
use crate::object::ObjectKey;
use gateway::config::Subject;

/// What is wrong with one object, while it is read.
#[derive(Debug)]
pub(super) struct Findings {
    object: Subject,
    place: Option<Place>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Findings {
    pub(super) fn of(key: &ObjectKey, place: Option<&Place>) -> Self {
        Self { object: key.into(), place: place.cloned(), diagnostics: Vec::new() }
    }

    pub(super) fn object(&self) -> Subject {
        self.object.clone()
    }

    /// Whether it comes from a file, so that whoever wrote it is to be told of all of it.
    pub(super) fn is_in_file(&self) -> bool {
        self.place.is_some()
    }

    /// Something is not served as it was asked for.
    pub(super) fn error(&mut self, reason: Reason, field: &str, value: &str, message: &str) -> &mut Diagnostic {
        let diagnostic = Diagnostic::error(self.object.clone(), field, message).because(reason);
        self.push(diagnostic, value)
    }

    /// Something is ignored.
    pub(super) fn ignored(&mut self, field: &str, value: &str, message: &str) -> &mut Diagnostic {
        let diagnostic = Diagnostic::warning(self.object.clone(), field, message).because(Reason::Ignored);
        self.push(diagnostic, value)
    }

    /// Something is served, and protects less than it seems to.
    pub(super) fn insecure(&mut self, field: &str, value: &str, message: &str) -> &mut Diagnostic {
        let diagnostic = Diagnostic::warning(self.object.clone(), field, message).because(Reason::Insecure);
        self.push(diagnostic, value)
    }

    fn push(&mut self, diagnostic: Diagnostic, value: &str) -> &mut Diagnostic {
        let diagnostic = diagnostic.at(self.place.clone());
        self.diagnostics.push_mut(if value.is_empty() { diagnostic } else { diagnostic.with_value(value) })
    }
}
