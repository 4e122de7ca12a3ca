//! The web application firewall.

use super::entry::Key;
use super::read::Reader;
use crate::diagnostic::{Reason, Severity};
use crate::nginx_syntax::unescaped;
use crate::registry::{Value, ValueError};
use gateway::policy::waf;
use std::collections::BTreeMap;

const CORE_RULES: &str = "enable-owasp-modsecurity-crs";
const SNIPPET: &str = "modsecurity-snippet";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "enable-modsecurity",
        "false",
        "Turns on the web application firewall for all paths of Ingresses, which inspects requests, and responses where there are \
         rules for them, by rules in ModSecurity's language; [waf.md](waf.md) says more. It only logs what it finds, unless the rules \
         have `SecRuleEngine On`. Boolean. With an invalid value every request is answered with 503.",
        |value, draft| {
            draft.config.routes.waf.is_enabled = switch(value)?;
            Ok(())
        },
    ),
    Key::full(
        CORE_RULES,
        "false",
        "Sets whether the firewall of `enable-modsecurity` has the OWASP Core Rule Set, from the directory of the flag \
         `--owasp-core-rules-dir`. Without that, routes with a firewall answer 503. Boolean. With an invalid value every request is \
         answered with 503.",
        |value, draft| {
            draft.config.routes.waf.has_core_rules |= switch(value)?; // the snippet may include them, too
            Ok(())
        },
    ),
    Key::full(
        SNIPPET,
        "",
        "Adds rules and settings in ModSecurity's language to the firewall of `enable-modsecurity`, before those of the annotation of \
         that name, and written like them. [waf.md](waf.md) lists those that work. At most 256 KiB. With a rule that cannot be used \
         every request is answered with 503.",
        |value, draft| {
            let rules = unescaped(value.text());
            let checked = waf::check(&rules).map_err(|error| ValueError::Refused(error.to_string().into()))?;
            let waf = &mut draft.config.routes.waf;
            waf.rules = rules.into();
            waf.has_core_rules |= checked.core_rules;
            checked.ignored.into_iter().for_each(|ignored| draft.complain(Severity::Warning, ignored));
            Ok(())
        },
    )
    .but(
        "Rules that read files, run programs, ask servers or keep collections beyond a request are refused, and so are variables and \
         regular expressions that Adit does not have: every request is answered with 503.",
    ),
];

/// A Boolean without which requests are not safe.
fn switch(value: Value<'_>) -> Result<bool, ValueError> {
    value.bool().map_err(|error| ValueError::Refused(error.to_string().into()))
}

impl Reader<'_> {
    /// Says that rules have no effect where there is no firewall for them: those of Ingresses have rules of their own.
    pub(super) fn rules_without_firewall(&mut self, data: &BTreeMap<String, String>) {
        let waf = &self.builder.config.routes.waf;
        if waf.is_enabled {
            return;
        }
        let message =
            "has no effect without enable-modsecurity: \"true\", also where an Ingress has the annotation of that name";
        for (name, is_set) in [(CORE_RULES, waf.has_core_rules), (SNIPPET, !waf.rules.is_empty())] {
            let value = data.get(name).filter(|_| is_set);
            if let (Some(key), Some(value)) = (Key::named(name), value)
                && !key.asks_for_nothing(value)
            {
                self.report(Severity::Warning, key, value, Reason::Ignored, message);
            }
        }
    }
}
