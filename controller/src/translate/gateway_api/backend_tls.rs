//! A BackendTLSPolicy: how TLS is spoken to the Services that it is for.

use super::authorities;
use super::findings::Findings;
use super::host_names;
use super::rank::Rank;
use crate::diagnostic::{Diagnostic, Reason};
use crate::gateway_api::{
    BackendTlsPolicy, BackendTlsValidation, Condition, Fault, PolicyTargetReference, SubjectAltName,
};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::store::Stored;
use gateway::config::{Authorities, BackendTls, BackendVerification, DEEPEST_CHAIN, HostName, SubjectName};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What becomes of requests where a policy cannot be had.
const EFFECT: &str = "requests for its Services are answered with 500";

/// A BackendTLSPolicy as translation goes on with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParsedPolicy {
    pub(super) rank: Rank,
    pub(super) generation: Option<i64>,
    pub(super) targets: BTreeSet<PolicyTarget>,
    /// What it asks for; without it, its Services get no requests.
    pub(super) tls: Option<Arc<BackendTls>>,
    /// What is wrong with it, whether or not anybody uses it.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Why it is not accepted.
    fault: Option<Fault>,
    /// Why not all that it names can be read.
    unresolved: Option<Fault>,
    /// What it is for that there is not.
    missing: Option<String>,
}

/// A Service that a policy is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PolicyTarget {
    pub(super) service: ObjectKey,
    /// The name of the port that it is for; none: all for which no policy is by name.
    pub(super) port: Option<String>,
}

impl ParsedPolicy {
    /// What its status has, beside the policy that comes before it, if one does.
    pub(super) fn conditions(&self, rival: Option<&ObjectKey>) -> Vec<Condition> {
        let conflict = rival.map(|rival| ("Conflicted", format!("{rival} is for the same Service and comes first")));
        let missing = self.missing.as_ref().map(|message| ("TargetNotFound", message.clone()));
        let fault = self.fault.clone().or(conflict).or(missing);
        vec![Condition::unless(fault.as_ref(), "Accepted"), Condition::unless(self.unresolved.as_ref(), "ResolvedRefs")]
    }
}

/// Reads a BackendTLSPolicy.
pub(super) fn parse(stored: &Stored<BackendTlsPolicy>, lookup: &Lookup<'_>) -> ParsedPolicy {
    let spec = &stored.object.spec;
    let findings = Findings::of(&stored.key, stored.age.place.as_ref());
    let mut reader = Reader { key: &stored.key, lookup, findings, fault: None, unresolved: None, missing: None };
    let targets = reader.targets(&spec.target_refs);
    let tls = reader.tls(&spec.validation);
    for option in spec.options.keys() {
        let field = format!("spec.options[{option}]");
        reader.findings.ignored(&field, "", "is an option that Adit does not have; it is ignored");
    }
    ParsedPolicy {
        rank: Rank { age: stored.age.clone(), key: stored.key.clone() },
        generation: stored.object.metadata.generation,
        targets,
        tls: tls.map(Arc::new),
        diagnostics: reader.findings.diagnostics,
        fault: reader.fault,
        unresolved: reader.unresolved,
        missing: reader.missing,
    }
}

struct Reader<'a> {
    key: &'a ObjectKey,
    lookup: &'a Lookup<'a>,
    findings: Findings,
    fault: Option<Fault>,
    unresolved: Option<Fault>,
    missing: Option<String>,
}

impl Reader<'_> {
    fn invalid<T>(&mut self, field: &str, value: &str, message: &str) -> Option<T> {
        self.refuse(("Invalid", Reason::Invalid), field, value, message)
    }

    fn refuse<T>(
        &mut self,
        (reason, because): (&'static str, Reason),
        field: &str,
        value: &str,
        message: &str,
    ) -> Option<T> {
        self.findings.error(because, field, value, &format!("{message}; {EFFECT}"));
        self.fault.get_or_insert_with(|| (reason, format!("{field}: {message}")));
        None
    }

    fn targets(&mut self, references: &[PolicyTargetReference]) -> BTreeSet<PolicyTarget> {
        let mut targets = BTreeSet::new();
        for (index, reference) in references.iter().enumerate() {
            let field = format!("spec.targetRefs[{index}]");
            let PolicyTargetReference { group, kind, name, section_name } = reference;
            if !group.is_empty() || kind != Kind::Service.name() {
                let message = "is not supported: expected Service";
                self.findings.error(Reason::Invalid, &format!("{field}.kind"), kind, message);
                self.fault.get_or_insert_with(|| ("Invalid", format!("{field}.kind: {message}")));
                continue;
            }
            let port = section_name.clone().filter(|name| !name.is_empty());
            self.look_for(&field, name, port.as_deref());
            let service = ObjectKey::new(Kind::Service, Arc::clone(&self.key.namespace), name.as_str());
            targets.insert(PolicyTarget { service, port });
        }
        targets
    }

    fn look_for(&mut self, field: &str, name: &str, port: Option<&str>) {
        let namespace = &self.key.namespace;
        let service = self.lookup.service(namespace, name);
        let ports = service.and_then(|service| service.spec.as_ref()?.ports.as_ref()).into_iter().flatten();
        let (part, value, what) = match port {
            _ if service.is_none() => ("name", name, format!("names Service {namespace}/{name}, which does not exist")),
            Some(port) if ports.into_iter().all(|known| known.name.as_deref() != Some(port)) => {
                ("sectionName", port, format!("is not the name of a port of Service {namespace}/{name}"))
            }
            _ => return,
        };
        let field = format!("{field}.{part}");
        self.findings.error(Reason::ReferenceNotFound, &field, value, &what);
        self.missing.get_or_insert_with(|| format!("{field}: {what}"));
    }

    /// `None`: it cannot be had.
    fn tls(&mut self, validation: &BackendTlsValidation) -> Option<BackendTls> {
        let server_name = self.host("spec.validation.hostname", &validation.hostname);
        let names = self.names(&validation.subject_alt_names);
        let authorities = self.authorities(validation);
        let (server_name, mut names) = (server_name?, names?);
        if names.is_empty() {
            names.push(SubjectName::Dns(Arc::clone(&server_name)));
        }
        let verification = BackendVerification { authorities: authorities?, names: names.into(), depth: DEEPEST_CHAIN };
        Some(BackendTls {
            policy: Some(self.key.into()),
            certificate: None,
            verification: Some(verification),
            server_name: Some(server_name),
            tls12: true,
            tls13: true,
            ciphers: Arc::default(),
        })
    }

    fn host(&mut self, field: &str, text: &str) -> Option<Arc<str>> {
        match host_names::parse(Some(text)) {
            Ok(HostName::Exact(name)) => Some(name),
            _ => self.invalid(field, text, "is not a DNS name without a wildcard: expected one"),
        }
    }

    /// Those that a certificate may have in place of the name that is asked for.
    fn names(&mut self, names: &[SubjectAltName]) -> Option<Vec<SubjectName>> {
        let read = names.iter().enumerate().map(|(index, SubjectAltName { kind, hostname, uri })| {
            let field = format!("spec.validation.subjectAltNames[{index}]");
            match (kind.as_str(), uri.as_deref().filter(|uri| !uri.is_empty())) {
                ("Hostname", _) => {
                    let name = hostname.as_deref().unwrap_or_default();
                    self.host(&format!("{field}.hostname"), name).map(SubjectName::Dns)
                }
                ("URI", Some(uri)) => Some(SubjectName::Uri(uri.into())),
                ("URI", None) => self.invalid(&format!("{field}.uri"), "", "is missing: expected a URI"),
                (kind, _) => self.invalid(&format!("{field}.type"), kind, "is not known: expected Hostname or URI"),
            }
        });
        // All of them, so that each that is wrong is told of.
        let read: Vec<_> = read.collect();
        read.into_iter().collect()
    }

    fn authorities(&mut self, validation: &BackendTlsValidation) -> Option<Authorities> {
        let well_known = validation.well_known_ca_certificates.as_deref().filter(|name| !name.is_empty());
        let field = "spec.validation.wellKnownCACertificates";
        match (well_known, validation.ca_certificate_refs.is_empty()) {
            (Some("System"), true) => Some(Authorities::System),
            (Some(name), true) => self.invalid(field, name, "is not known: expected System"),
            (Some(name), false) => self.invalid(field, name, "is beside caCertificateRefs: expected one of them"),
            (None, true) => {
                let message = "is empty: expected a ConfigMap with ca.crt, or wellKnownCACertificates: System";
                self.invalid("spec.validation.caCertificateRefs", "", message)
            }
            (None, false) => self.given_authorities(validation),
        }
    }

    fn given_authorities(&mut self, validation: &BackendTlsValidation) -> Option<Authorities> {
        let place = ("spec.validation.caCertificateRefs", "InvalidKind");
        let references = &validation.ca_certificate_refs;
        let found = authorities::read(self.key, references, place, self.lookup, &mut self.findings);
        self.unresolved.clone_from(&found.fault);
        if found.certificates.is_empty() {
            let message = "leads to no certificate of an authority";
            return self.refuse(("NoValidCACertificate", Reason::Denied), place.0, "", message);
        }
        Some(Authorities::Given(found.certificates.into()))
    }
}
