//! The policies of an Ingress's paths.

use super::groups;
use super::parser::Parser;
use crate::annotation::Written;
use crate::diagnostic::Severity;
use crate::lookup::Lookup;
use crate::translate::completion;
use crate::translate::mark::mark;
use crate::translate::parsed_ingress::Reference;
use gateway::config::{Rewrite, RoutePolicies};
use std::sync::Arc;

impl Parser<'_> {
    /// Completes the policies that the annotations ask for.
    pub(super) fn complete(&mut self, lookup: &Lookup<'_>) {
        let scene = completion::Scene {
            written: Written::Annotations { ingress: &self.object, prefix: &self.settings.annotations_prefix },
            namespace: &self.stored.key.namespace,
            mark: mark(&self.stored.object.metadata, &self.stored.key),
            controller: self.settings,
            defaults: self.defaults,
            lookup,
        };
        let named = completion::complete(&mut self.annotations, &scene);
        let reference = |(id, field)| (id, Reference { field, routed: false, in_rules: false });
        self.references.extend(named.services.into_iter().map(reference));
        (self.urls, self.asks_hosts) = (named.urls, named.at_hosts);
        self.diagnostics.extend(named.diagnostics);
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
        let is_open = self.base.needs_authentication() && self.defaults.needs_no_auth(path);
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
            policies.drop_authentication();
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
        self.defaults.plain_paths.iter().any(|beginning| path.starts_with(&**beginning))
    }
}
