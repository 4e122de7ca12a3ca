//! The policies of an Ingress's paths.

use super::external_auth;
use super::groups;
use super::parser::Parser;
use crate::annotation::ServerSnippet;
use crate::diagnostic::Severity;
use crate::lookup::Lookup;
use crate::translate::parsed_ingress::Reference;
use gateway::config::{ExternalAuth, Rewrite, RoutePolicies};
use std::sync::Arc;

/// The auth server of an Ingress that names none of its own.
const GLOBAL_AUTH_URL: &str = "data.global-auth-url of the ConfigMap";

impl Parser<'_> {
    /// The server that authorizes requests.
    pub(super) fn external_auth(&mut self, lookup: &Lookup<'_>) -> Option<ExternalAuth> {
        let own = std::mem::take(&mut self.annotations.external_auth);
        let of_all = &self.defaults.external_auth;
        let is_own = own.url.is_some();
        if !is_own && !self.annotations.global_auth {
            return None;
        }
        let settings = if is_own { own } else { of_all.clone() };
        let url = settings.url.clone()?;
        let field = if is_own { self.annotation("auth-url").field } else { GLOBAL_AUTH_URL.into() };
        let backend = self.url_backend(&url, field, lookup);
        let variables = self.annotations.location_snippet.auth_variables.clone().into();
        let server = external_auth::of(settings, url, backend, self.annotations.backend.timeouts);
        Some(ExternalAuth { variables, ..server })
    }

    /// The Services that locations of its snippets pass requests on to.
    pub(super) fn services_of_locations(&mut self) {
        let of_server = match &self.annotations.server_snippet {
            Some(ServerSnippet::Serves(snippet)) => Arc::clone(snippet),
            _ => Arc::default(),
        };
        let of_paths = Arc::clone(&self.annotations.location_snippet);
        for (key, snippet) in [("server-snippet", of_server), ("configuration-snippet", of_paths)] {
            let field = self.annotation(key).field;
            for pass in snippet.passes() {
                let named = Reference { field: field.clone(), routed: false, in_rules: false };
                self.references.entry(pass.service.clone()).or_insert(named);
            }
        }
    }

    /// Which errors a default backend answers: its own, where the Ingress has a list of its own.
    pub(super) fn custom_errors(&mut self) {
        let Some(statuses) = self.annotations.custom_errors.clone() else {
            // As in nginx, a location with an `error_page` of its own inherits none of `http`.
            let errors = &mut self.annotations.policies.custom_errors;
            errors.overruled = !errors.statuses.is_empty() && !self.annotations.location_snippet.error_pages.is_empty();
            return;
        };
        let backend = self.annotations.policies.default_backend.clone();
        let has_pages = self.annotations.policies.error_pages.is_some() || self.defaults.has_error_pages;
        if backend.is_none() && self.settings.default_backend_service.is_none() && !has_pages {
            let field = self.annotation("custom-http-errors").field;
            let message = "has no effect: expected the annotation default-backend or adit.dev/error-pages, or the flag \
                           --default-backend-service";
            self.ignored(&field, message);
        }
        let errors = &mut self.annotations.policies.custom_errors;
        (errors.statuses, errors.backend) = (statuses, backend);
    }

    /// Whether ingress-nginx writes an `error_page` into its locations.
    pub(super) fn has_error_pages(&self) -> bool {
        let auth = self.annotations.policies.external_auth.as_ref();
        self.annotations.custom_errors.is_some() || auth.is_some_and(|auth| auth.signin.is_some())
    }

    /// The policies of a path: shared, but for the rewrite, which begins with the path, and for paths that are never
    /// redirected to HTTPS or need no authentication.
    pub(super) fn policies(&mut self, path: &Arc<str>) -> Arc<RoutePolicies> {
        let target = self.annotations.rewrite_target.as_ref().filter(|target| **target != *path);
        let RoutePolicies { basic_auth, digest_auth, external_auth, .. } = &*self.base;
        let is_guarded = basic_auth.is_some() || digest_auth.is_some() || external_auth.is_some();
        let is_open = is_guarded && begins_with_any(path, &self.defaults.open_paths);
        let serves_plain_http = self.is_plain(path);
        if target.is_none() && !serves_plain_http && !is_open {
            return Arc::clone(&self.base);
        }
        let rewrite = target.map(|target| Rewrite {
            pattern: Arc::clone(path),
            target: Arc::clone(target),
            forwarded_prefix: self.annotations.forwarded_prefix.clone(),
        });
        let mut policies = RoutePolicies { rewrite, serves_plain_http, ..self.base.as_ref().clone() };
        policies.https_redirect.take_if(|_| serves_plain_http);
        if is_open {
            (policies.basic_auth, policies.digest_auth, policies.external_auth) = (None, None, None);
        }
        Arc::clone(self.by_path.entry(Arc::clone(path)).or_insert_with(|| Arc::new(policies)))
    }

    pub(super) fn warn_of_missing_groups(&mut self, path: &Arc<str>) {
        let Some(target) = self.annotations.rewrite_target.clone().filter(|target| **target != **path) else { return };
        let prefix = self.annotations.forwarded_prefix.clone();
        for (key, text) in [("rewrite-target", Some(target)), ("x-forwarded-prefix", prefix)] {
            if let Some(text) = text
                && let Some(complaint) = groups::complaint(&text, path)
            {
                let field = self.annotation(key).field;
                self.report(Severity::Warning, &field, Some(&text), &complaint);
            }
        }
    }

    /// Whether the path is never redirected to HTTPS. What is declared counts, not what is requested (T47).
    fn is_plain(&self, path: &str) -> bool {
        begins_with_any(path, &self.defaults.plain_paths)
    }
}

fn begins_with_any(path: &str, beginnings: &[Arc<str>]) -> bool {
    beginnings.iter().any(|beginning| path.starts_with(&**beginning))
}
