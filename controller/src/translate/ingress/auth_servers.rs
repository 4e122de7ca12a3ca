//! The auth servers of hosts that each have one under their own name.

use super::parser::Parser;
use crate::diagnostic::{Diagnostic, Reason};
use crate::translate::parsed_ingress::HostRules;
use gateway::config::{BackendId, HostName};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Parser<'_> {
    /// The auth servers of its hosts, where each has one under its own name. Hosts without an exact name are denied.
    pub(super) fn servers_at_hosts(&mut self, hosts: &BTreeMap<HostName, HostRules>, serves_any: bool) {
        let Some((field, port)) = self.asks_hosts.take() else { return };
        let any = serves_any.then_some(&HostName::Any);
        for host in hosts.keys().chain(&self.annotations.aliases).chain(any) {
            if let HostName::Exact(name) = host {
                self.urls.push(BackendId::Url { host: Arc::clone(name), port });
                continue;
            }
            let message = format!(
                "has $host in its URL, which is known for exact host names only: requests for {host} are answered with 503"
            );
            let denied = Diagnostic::error(self.object.clone(), field.clone(), message);
            self.diagnostics.push(denied.because(Reason::Denied));
        }
    }
}
