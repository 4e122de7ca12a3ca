//! The server that the filter `ExternalAuth` of a rule names. A rule whose server cannot be asked serves nothing.

use super::backends;
use super::external_auth::AuthServer;
use super::filters::{Extension, Filters};
use super::rule::RuleReader;
use super::rule_base::RuleBase;
use super::wrong::Wrong;
use crate::diagnostic::Reason;
use gateway::config::{ExternalAuth, Satisfy};

impl RuleReader<'_> {
    /// Who authorizes the requests of a rule, if its filters name somebody.
    ///
    /// # Errors
    /// Nobody can be asked as it is meant; a diagnostic says why.
    pub(super) fn auth(&mut self, rule: &str, filters: &Filters, base: &RuleBase) -> Result<Option<ExternalAuth>, ()> {
        let Some(server) = &filters.auth else { return Ok(None) };
        if let (Some(message), Some(Extension { field, reference })) = (unfit(base), filters.extensions.last()) {
            let wrong = Wrong::new(format!("{field}.name"), &reference.name, message);
            self.invalid(wrong.within(rule), "of the rule");
            return Err(());
        }
        self.auth_server(rule, server).map(Some).ok_or(())
    }

    /// The server that a reference leads to.
    fn auth_server(&mut self, rule: &str, server: &AuthServer) -> Option<ExternalAuth> {
        let field = format!("{rule}.{}", server.field);
        let effect = format!("the requests of the rule are answered with {}", self.kind.refusal);
        let (protocol, told) = (self.kind.protocol, (&*field, &*effect));
        let resolved = backends::resolve(self.key, &server.reference, protocol, told, self.known, &mut self.findings);
        let destination = match resolved {
            Ok(destination) => destination,
            Err(unresolved) => {
                self.unresolved.get_or_insert(unresolved);
                return None;
            }
        };
        self.references.entry(destination.id.clone()).or_insert_with(|| field.as_str().into());
        let asked = server.at(&destination);
        if asked.is_none() {
            let message =
                "is a Service of HTTP/2, which cannot be asked with the protocol HTTP: expected one of HTTP/1.1";
            let told = format!("{message}; {effect}");
            self.findings.error(Reason::Invalid, &format!("{field}.name"), &server.reference.name, &told);
            self.unresolved.get_or_insert(("UnsupportedProtocol", format!("{field}: {message}")));
        }
        asked.filter(|_| !destination.is_closed)
    }
}

/// What policies must not say beside the filter: requests would pass it by.
fn unfit(base: &RuleBase) -> Option<&'static str> {
    if base.redirect.is_some() {
        return Some(
            "names a policy that redirects, beside the filter ExternalAuth: nobody would be asked; expected one of them",
        );
    }
    let is_any = base.policies.satisfy == Satisfy::Any;
    is_any.then_some(
        "names a policy with satisfy: any, beside the filter ExternalAuth, which always counts: expected all",
    )
}
