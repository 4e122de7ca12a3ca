//! The hosts of an Ingress that its namespace may have.

use super::host_owners::OwnHosts;
use super::parser::Parser;
use crate::diagnostic::{AtAdmission, Diagnostic, Reason};
use crate::translate::parsed_ingress::NotServed;
use gateway::config::HostName;
use std::collections::BTreeSet;
use std::fmt::Display;

impl Parser<'_> {
    /// Whether the namespace may have this host, which a field names. If not, that is reported with its `effect`.
    pub(super) fn owns(&mut self, host: &HostName, field: impl Display, effect: &str) -> bool {
        let OwnHosts::Listed { source, .. } = &self.own_hosts else { return true };
        if self.own_hosts.have(host) {
            return true;
        }
        let message = format!(
            "is not a host of the namespace {}: --host-owners-configmap is set, and {source}; {effect}",
            self.stored.key.namespace
        );
        let diagnostic =
            Diagnostic::error(self.object.clone(), field.to_string(), message).with_value(&host.as_written());
        let diagnostic = Diagnostic { at_admission: AtAdmission::Refuses, ..diagnostic.because(Reason::HostNotOwned) };
        self.not_owned.push(NotServed { hosts: vec![host.as_written()], why: diagnostic.clone() });
        self.diagnostics.push(diagnostic);
        false
    }

    /// The aliases that the namespace may have.
    pub(super) fn own_aliases(&mut self) -> Vec<HostName> {
        let mut aliases = std::mem::take(&mut self.annotations.aliases);
        if self.own_hosts == OwnHosts::Any {
            return aliases;
        }
        let field = self.annotation("server-alias").field;
        aliases.retain(|alias| self.owns(alias, &field, "the alias is left out"));
        aliases
    }

    /// The claims that the namespace may have. Hosts of rules and aliases have been looked at before.
    pub(super) fn own_claims(&mut self, mut claims: BTreeSet<HostName>) -> BTreeSet<HostName> {
        if self.own_hosts == OwnHosts::Any {
            return claims;
        }
        let redirect = self.annotation("from-to-www-redirect").field;
        claims.retain(|host| match host {
            HostName::Any => self.owns(host, "spec.defaultBackend", "it serves no hosts that no rule names"),
            host => self.owns(host, &redirect, "its requests are not redirected"),
        });
        claims
    }
}
