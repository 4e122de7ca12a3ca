//! The annotations that are snippets: read together, since they share their variables.

use super::entry::Effect;
use super::read::Reader;
use super::settings::ServerSnippet;
use crate::diagnostic::{AtAdmission, Diagnostic, Reason};
use crate::route_defaults::Risk;
use crate::snippet::{self, Context, Place, Services, Snippet};
use gateway::config::{Denied, Origin};
use std::collections::BTreeSet;
use std::sync::Arc;

const SERVER: &str = "server-snippet";
const LOCATION: &str = "configuration-snippet";
const AUTH: &str = "auth-snippet";
const STREAM: &str = "stream-snippet";

impl Reader<'_> {
    /// What becomes of a snippet as far as its text does not count: that is read when all else is known.
    pub(super) fn allow(&mut self, key: &'static str, value: &str) -> Effect {
        match self.snippet_refusal() {
            _ if value.trim().is_empty() => Effect::None,
            None => Effect::Applied,
            Some(refusal) => {
                self.deny(key, value, refusal).at_admission = AtAdmission::Refuses;
                Effect::Denied
            }
        }
    }

    /// Why a snippet must not be used, if it must not.
    pub(super) fn snippet_refusal(&self) -> Option<&'static str> {
        let defaults = self.context.defaults;
        let is_allowed = defaults.snippet_annotations && defaults.risk_level >= Risk::Critical;
        (!is_allowed).then_some(
            "is not allowed: expected allow-snippet-annotations: \"true\" and annotations-risk-level: Critical in the ConfigMap, and \
             the routes are not safe without it",
        )
    }

    /// Reads the snippets, and puts the ConfigMap's behind them.
    pub(super) fn snippets(&mut self) {
        let defaults = self.context.defaults;
        let mut variables = &defaults.server_snippet.variables | &defaults.location_snippet.variables;
        variables.extend(defaults.external_auth.snippet.variables.iter().cloned());
        variables.extend(defaults.mapped_variables.iter().cloned());
        let server = self.snippet(SERVER, Context::Server, &variables);
        variables.extend(server.iter().flat_map(|snippet| snippet.block.variables.iter().cloned()));
        self.reading.settings.server_snippet = server.map(|snippet| self.server_snippet(snippet));
        // Headers may have what the auth request sets.
        let own = self.snippet(LOCATION, Context::Location, &(&variables | &snippet::variables(self.value(AUTH))));
        variables.extend(own.iter().flat_map(|snippet| snippet.block.variables.iter().cloned()));
        self.location_snippet(own);
        let auth = self.snippet(AUTH, Context::Auth, &variables);
        self.auth_snippet(auth);
        let stream = self.snippet(STREAM, Context::Stream, &BTreeSet::new());
        match stream.map(|snippet| snippet.complaint()) {
            None => {}
            Some(None) => self.set_effect(STREAM, &Effect::None), // no directive there has one
            Some(Some(complaint)) => self.deny_for_snippet(STREAM, &complaint, AtAdmission::Refuses),
        }
    }

    /// It belongs to the auth server of the Ingress, as in ingress-nginx: not to that of all.
    fn auth_snippet(&mut self, own: Option<Snippet>) {
        let Some(own) = own else { return };
        if let Some(complaint) = own.complaint() {
            return self.deny_for_snippet(AUTH, &complaint, AtAdmission::Refuses);
        }
        if self.reading.settings.external_auth.url.is_none() {
            let message = "has no effect without auth-url: expected both, or the ConfigMap's global-auth-snippet";
            self.warn(AUTH, self.value(AUTH), Reason::Ignored, message);
            return self.set_effect(AUTH, &Effect::None);
        }
        self.reading.settings.external_auth.snippet = Arc::new(own.block);
    }

    fn deny_for_snippet(&mut self, key: &'static str, complaint: &str, at_admission: AtAdmission) {
        self.deny(key, self.value(key), complaint).at_admission = at_admission;
        self.set_effect(key, &Effect::Denied);
    }

    fn server_snippet(&mut self, snippet: Snippet) -> ServerSnippet {
        let Some(complaint) = snippet.complaint() else { return ServerSnippet::Serves(Arc::new(snippet.block)) };
        let origin = self.written.origin(SERVER);
        let reason = format!("{} {complaint}", self.written.name(SERVER)).into();
        let message = format!("{complaint}: every request of its hosts is answered with 503");
        self.error(SERVER, self.value(SERVER), Reason::Denied, &message).at_admission = AtAdmission::Refuses;
        self.set_effect(SERVER, &Effect::Denied);
        ServerSnippet::Denies(Denied { reason, origin })
    }

    fn location_snippet(&mut self, own: Option<Snippet>) {
        let complaint = own.as_ref().and_then(Snippet::complaint);
        let is_own = own.is_some();
        let is_used = is_own && complaint.is_none();
        let settings = &mut self.reading.settings;
        if let (Some(Snippet { mut block, .. }), None) = (own, &complaint) {
            block.append(&self.context.defaults.location_snippet);
            settings.location_snippet = Arc::new(block);
        }
        let http = self.context.defaults.into();
        let folded = snippet::fold(&settings.location_snippet, http, &mut settings.policies, &mut settings.backend);
        let complaint = complaint.or(folded.as_ref().err().map(|error| (*error).to_owned()));
        for warning in folded.unwrap_or_default().into_iter().filter(|_| is_used) {
            self.warn(LOCATION, self.value(LOCATION), Reason::Ignored, warning);
        }
        if let Some(complaint) = complaint {
            // Without a snippet, the fault is the ConfigMap's.
            let at_admission = if is_own { AtAdmission::Refuses } else { AtAdmission::Warns };
            self.deny_for_snippet(LOCATION, &complaint, at_admission);
        }
    }

    /// A snippet that may be used, with a diagnostic for each of its directives that does not work.
    fn snippet(&mut self, key: &'static str, context: Context, outer: &BTreeSet<Arc<str>>) -> Option<Snippet> {
        let text = self.value(key);
        if text.trim().is_empty() || self.snippet_refusal().is_some() {
            return None;
        }
        let Origin { object, field } = self.written.origin(key);
        let (namespace, across) = (self.context.namespace, self.context.defaults.cross_namespace);
        let services = Some(Services { namespace, across });
        let zones = &self.context.defaults.limit_zones;
        let place = Place { object: &object, field: &field, context, services, zones };
        let snippet = snippet::read(text, &place, outer);
        let written = self.written;
        let of_setting = |diagnostic: Diagnostic| match diagnostic.reason {
            Reason::Invalid => diagnostic.because(written.reason(Reason::AnnotationParsingFailed)).refused(),
            _ => diagnostic,
        };
        self.reading.diagnostics.extend(snippet.diagnostics(&place).map(of_setting));
        self.reading.snippets.push(snippet.report(&place));
        Some(snippet)
    }
}
