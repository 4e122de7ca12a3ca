//! The web application firewall.

use super::entry::Key;
use crate::diagnostic::Severity;
use crate::nginx_syntax::unescaped;
use crate::registry::{Value, ValueError};
use gateway::policy::waf;

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
        "enable-owasp-modsecurity-crs",
        "false",
        "Sets whether the firewall has the OWASP Core Rule Set, from the directory of the flag `--owasp-core-rules-dir`. Without that, \
         routes with a firewall answer 503. Boolean. With an invalid value every request is answered with 503.",
        |value, draft| {
            draft.config.routes.waf.has_core_rules |= switch(value)?; // the snippet may include them, too
            Ok(())
        },
    ),
    Key::full(
        "modsecurity-snippet",
        "",
        "Adds rules and settings in ModSecurity's language to the firewall, before those of the annotation of that name, and written \
         like them. [waf.md](waf.md) lists those that work. At most 256 KiB. With a rule that cannot be used every request is answered \
         with 503.",
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
