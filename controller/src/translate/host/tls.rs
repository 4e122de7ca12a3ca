//! How a host speaks TLS: by the oldest of its Ingresses that has a TLS section, as ingress-nginx chooses
//! (`getBackendServers`, `extractTLSSecretName`). What is wrong with its Secret costs the host its certificate, not TLS:
//! the default certificate is served.

use super::view::View;
use crate::certificate::KeyPair;
use crate::diagnostic::{Diagnostic, Reason, Severity};
use crate::object::{Kind, ObjectKey};
use crate::translate::parsed_ingress::{ParsedIngress, TlsEntry};
use gateway::config::{HostName, HostTls};
use std::sync::Arc;

/// How a host with rules speaks TLS, if it does, and what is wrong with that.
pub(super) fn choose(host: &HostName, view: &View<'_>) -> (Option<HostTls>, Vec<Diagnostic>) {
    // Nothing terminates TLS for hosts that have no name.
    if *host == HostName::Any {
        return (None, Vec::new());
    }
    match deciding(host, view) {
        Some(ingress) => {
            let (tls, diagnostics) = choose_from_ingress(host, ingress, view);
            (Some(tls), diagnostics)
        }
        None => (choose_from_wildcard(host, view), Vec::new()),
    }
}

/// How another name of a host speaks TLS, if a certificate of the same Ingress is for it, or where the host has none, the default
/// one; else as a host without a TLS section. Nobody is redirected to a certificate for other names, as in ingress-nginx
/// (`configureCertificates`).
pub(super) fn choose_for_alias(alias: &HostName, host: &HostName, view: &View<'_>) -> Option<HostTls> {
    let of_ingress = deciding(host, view).and_then(|ingress| {
        let (own, _) = choose_from_ingress(alias, ingress, view);
        let is_default = || choose_from_ingress(host, ingress, view).0.certificates.is_empty();
        (!own.certificates.is_empty() || is_default() && has_default(alias, view)).then_some(own)
    });
    of_ingress.or_else(|| choose_from_wildcard(alias, view))
}

/// Whether the default certificate is for this name.
fn has_default(name: &HostName, view: &View<'_>) -> bool {
    matches!(view.default_certificate().as_deref(), Some(Ok(pair)) if pair.covers(name))
}

/// How the `www` counterpart of a host speaks TLS: with a certificate of the Ingress that redirects it, if one is for it.
pub(super) fn choose_for_www_counterpart(
    host: &HostName,
    ingress: &ParsedIngress,
    view: &View<'_>,
) -> (Option<HostTls>, Vec<Diagnostic>) {
    if ingress.tls.is_empty() {
        return (None, Vec::new());
    }
    let (tls, diagnostics) = choose_from_ingress(host, ingress, view);
    (Some(tls), diagnostics)
}

fn deciding<'a>(host: &HostName, view: &View<'a>) -> Option<&'a ParsedIngress> {
    view.with_rules(host).find(|ingress| !ingress.tls.is_empty())
}

/// A host without a TLS section has that of its wildcard, which is what ingress-nginx finds next when it looks for a
/// certificate.
fn choose_from_wildcard(host: &HostName, view: &View<'_>) -> Option<HostTls> {
    let HostName::Exact(name) = host else { return None };
    let (_, parent) = name.split_once('.')?;
    let wildcard = HostName::Wildcard(parent.into());
    deciding(&wildcard, view).map(|ingress| choose_from_ingress(&wildcard, ingress, view).0)
}

fn choose_from_ingress(host: &HostName, ingress: &ParsedIngress, view: &View<'_>) -> (HostTls, Vec<Diagnostic>) {
    let mut choice = Choice { host, ingress, view, pairs: Vec::new(), diagnostics: Vec::new() };
    let name = host.as_written();
    let mut named = ingress.tls.iter().filter(|entry| entry.hosts.contains(&name)).peekable();
    if named.peek().is_some() {
        named.for_each(|entry| choice.named(entry));
    } else {
        ingress.tls.iter().for_each(|entry| choice.covering(entry));
        choice.warn_of_none();
    }
    let certificates = choice.pairs.iter().map(|pair| Arc::clone(&pair.certificate)).collect();
    (HostTls { certificates, listener: None }, choice.diagnostics)
}

/// The certificates of one host, while the entries of an Ingress are looked at.
struct Choice<'a> {
    host: &'a HostName,
    ingress: &'a ParsedIngress,
    view: &'a View<'a>,
    /// One for each kind of key.
    pairs: Vec<KeyPair>,
    diagnostics: Vec<Diagnostic>,
}

impl Choice<'_> {
    /// Takes an entry that names the host.
    fn named(&mut self, entry: &TlsEntry) {
        // Without a Secret the default certificate is what is asked for (D07).
        let Some(secret) = &entry.secret else { return };
        let instead = format!("host {} is served with the default certificate", self.host);
        let namespace = &self.ingress.rank.key.namespace;
        let Some(reading) = self.view.certificate(namespace, secret) else {
            let message = format!("names Secret {namespace}/{secret}, which does not exist: {instead}");
            return self.report(Severity::Error, entry, Reason::ReferenceNotFound, &message);
        };
        let pair = match reading.as_ref() {
            Ok(pair) => pair,
            Err(error) => {
                let message = format!("names Secret {namespace}/{secret}, which {error}: {instead}");
                return self.report(Severity::Error, entry, Reason::InvalidCertificate, &message);
            }
        };
        if !pair.covers(self.host) {
            let message =
                format!("names Secret {namespace}/{secret}, whose certificate is not for the host: {instead}");
            return self.report(Severity::Error, entry, Reason::InvalidCertificate, &message);
        }
        for warning in &pair.warnings {
            let message = format!("names Secret {namespace}/{secret}, which {warning}");
            self.report(Severity::Warning, entry, Reason::InvalidCertificate, &message);
        }
        self.take(pair);
    }

    /// Takes an entry that does not name the host, if its certificate is for the host all the same.
    fn covering(&mut self, entry: &TlsEntry) {
        let Some(secret) = &entry.secret else { return };
        let reading = self.view.certificate(&self.ingress.rank.key.namespace, secret);
        if let Some(Ok(pair)) = reading.as_deref()
            && pair.covers(self.host)
        {
            self.take(pair);
        }
    }

    /// The first of each kind of key stays: clients that can do ECDSA get that, the others RSA.
    fn take(&mut self, pair: &KeyPair) {
        if self.pairs.iter().all(|taken| taken.algorithm != pair.algorithm) {
            self.pairs.push(pair.clone());
        }
    }

    fn warn_of_none(&mut self) {
        if self.pairs.is_empty() {
            let message = format!(
                "neither names host {} nor has a certificate for it: the host is served with the default certificate",
                self.host
            );
            self.diagnostics.push(self.ingress.warning("spec.tls", message).because(Reason::InvalidCertificate));
        }
    }

    fn report(&mut self, severity: Severity, entry: &TlsEntry, reason: Reason, message: &str) {
        let name = entry.secret.as_deref().unwrap_or_default();
        let secret = ObjectKey::new(Kind::Secret, self.ingress.rank.key.namespace.clone(), name);
        let diagnostic = self.ingress.warning(entry.field.clone(), message).with_value(name).with_related(secret);
        self.diagnostics.push(Diagnostic { severity, reason, ..diagnostic });
    }
}
