//! Settings, once they are read, as policies: of some it takes the Services and the servers that they name.

mod default_backend;
mod external_auth;
mod mirror;
mod named_servers;

pub(super) use named_servers::NamedServers;

use crate::annotation::{AnnotationSettings, ServerSnippet, Written};
use crate::diagnostic::{Diagnostic, Reason};
use crate::lookup::Lookup;
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use gateway::config::ExternalAuth;
use std::sync::Arc;

/// The auth server of routes that name none of their own.
const GLOBAL_AUTH_URL: &str = "data.global-auth-url of the ConfigMap";

/// What settings are made policies with.
pub(super) struct Scene<'a> {
    /// Where they are written.
    pub(super) written: Written<'a>,
    /// The namespace of what they stand in.
    pub(super) namespace: &'a Arc<str>,
    /// What copies for mirrors are marked with.
    pub(super) mark: Arc<str>,
    pub(super) controller: &'a ControllerSettings,
    pub(super) defaults: &'a RouteDefaults,
    pub(super) lookup: &'a Lookup<'a>,
}

/// Completes the policies of settings. Returns what these name.
pub(super) fn complete(settings: &mut AnnotationSettings, scene: &Scene<'_>) -> NamedServers {
    let mut completer = Completer { settings, scene, named: NamedServers::default() };
    completer.settings.policies.default_backend = completer.default_backend().map(Into::into);
    completer.custom_errors();
    completer.settings.policies.external_auth = completer.external_auth();
    completer.settings.policies.mirrors = completer.mirror().into_iter().collect();
    completer.services_of_locations();
    completer.named
}

/// Settings while they are made policies.
struct Completer<'a> {
    settings: &'a mut AnnotationSettings,
    scene: &'a Scene<'a>,
    named: NamedServers,
}

impl Completer<'_> {
    /// The server that authorizes requests.
    fn external_auth(&mut self) -> Option<ExternalAuth> {
        let own = std::mem::take(&mut self.settings.external_auth);
        let of_all = &self.scene.defaults.external_auth;
        let is_own = own.url.is_some();
        if !is_own && !self.settings.global_auth {
            return None;
        }
        let server = if is_own { own } else { of_all.clone() };
        let url = server.url.clone()?;
        let field = if is_own { self.scene.written.origin("auth-url").field } else { GLOBAL_AUTH_URL.into() };
        let backend = self.named.url_backend(&url, field, self.scene.lookup);
        let variables = self.settings.location_snippet.auth_variables.clone().into();
        let server = external_auth::of(server, url, backend, self.settings.backend.timeouts);
        Some(ExternalAuth { variables, ..server })
    }

    /// The Services that locations of snippets pass requests on to.
    fn services_of_locations(&mut self) {
        let of_server = match &self.settings.server_snippet {
            Some(ServerSnippet::Serves(snippet)) => Arc::clone(snippet),
            _ => Arc::default(),
        };
        let of_paths = Arc::clone(&self.settings.location_snippet);
        for (key, snippet) in [("server-snippet", of_server), ("configuration-snippet", of_paths)] {
            let field = self.scene.written.origin(key).field;
            for pass in snippet.passes() {
                self.named.services.entry(pass.service.clone()).or_insert_with(|| field.clone());
            }
        }
    }

    /// Which errors a default backend answers: its own, where there is a list of its own.
    fn custom_errors(&mut self) {
        let Some(statuses) = self.settings.custom_errors.clone() else {
            // As in nginx, a location with an `error_page` of its own inherits none of `http`.
            let errors = &mut self.settings.policies.custom_errors;
            errors.overruled = !errors.statuses.is_empty() && !self.settings.location_snippet.error_pages.is_empty();
            return;
        };
        let Scene { controller, defaults, written, .. } = *self.scene;
        let backend = self.settings.policies.default_backend.clone();
        let has_pages = self.settings.policies.error_pages.is_some() || defaults.has_error_pages;
        if backend.is_none() && controller.default_backend_service.is_none() && !has_pages {
            let message = "has no effect: expected the annotation default-backend or adit.dev/error-pages, or the flag \
                           --default-backend-service";
            let origin = written.origin("custom-http-errors");
            let warning = Diagnostic::warning(origin.object, origin.field, written.words(message));
            self.named.diagnostics.push(warning.because(Reason::Ignored));
        }
        let errors = &mut self.settings.policies.custom_errors;
        (errors.statuses, errors.backend) = (statuses, backend);
    }
}
