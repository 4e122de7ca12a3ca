//! The web application firewall.

use super::entry::{Annotation, EMPTY, Effect, Invalid, Scope};
use super::read::Reader;
use crate::diagnostic::{AtAdmission, Reason};
use crate::nginx_syntax::unescaped;
use crate::registry::ValueError;
use crate::route_defaults::Risk;
use gateway::config::{Template, Waf};
use gateway::policy::waf;
use std::sync::Arc;

const ENABLE: &str = "enable-modsecurity";
const CORE_RULES: &str = "enable-owasp-core-rules";
const SNIPPET: &str = "modsecurity-snippet";
const TRANSACTION_ID: &str = "modsecurity-transaction-id";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::guard(
        ENABLE,
        Risk::Low,
        "Turns the web application firewall on or off, which inspects requests, and responses where there are rules for them, by \
         rules in ModSecurity's language; [waf.md](waf.md) says more. It only logs what it finds, unless the rules have \
         `SecRuleEngine On`. Boolean. Default: the ConfigMap's `enable-modsecurity` (false).",
        |value, draft| {
            draft.waf.is_enabled = Some(value.bool()?);
            Ok(())
        },
    ),
    Annotation::guard(
        CORE_RULES,
        Risk::Low,
        "Gives the firewall the OWASP Core Rule Set, from the directory of the flag `--owasp-core-rules-dir`. Without that the routes \
         answer 503. Boolean, default false. The core rules of the ConfigMap's firewall (`enable-owasp-modsecurity-crs`) are there \
         also with false.",
        |value, draft| {
            draft.waf.has_core_rules = Some(value.bool()?);
            Ok(())
        },
    ),
    Annotation::full(
        SNIPPET,
        Scope::Path,
        Risk::Critical,
        Invalid::Denies,
        "Adds rules and settings in ModSecurity's language to the firewall, after those of the ConfigMap and before the core rules. \
         As in nginx's quotes, `\\\"`, `\\'` and `\\\\` stand for what follows the first `\\`; quotes need none. \
         [waf.md](waf.md) lists those that work. At most 256 KiB. Default empty. It needs `allow-snippet-annotations: \"true\"` and \
         `annotations-risk-level: Critical` in the ConfigMap. If it is not allowed, or has a rule that cannot be used, the routes \
         answer 503.",
        |_, _| Ok(()), // read with the others
    )
    .but(
        "Rules that read files, run programs, ask servers or keep collections beyond a request are refused, and so are variables and \
         regular expressions that Adit does not have: the routes answer 503.",
    ),
    Annotation::guard(
        TRANSACTION_ID,
        Risk::High,
        "Sets the id of a request in the firewall's log. Text with nginx variables. Default `$req_id`.",
        |value, draft| {
            if !value.text().bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(ValueError::Expected("text without spaces, with nginx variables, such as \"$request_id\""));
            }
            draft.waf.transaction_id = Some(Template::parse(value.text())?);
            Ok(())
        },
    )
    .unless(EMPTY),
];

impl Reader<'_> {
    /// What the annotations together say of the firewall.
    pub(super) fn waf(&mut self) {
        let defaults = &self.context.defaults.waf;
        let annotations = std::mem::take(&mut self.reading.settings.waf);
        if !annotations.is_enabled.unwrap_or(defaults.is_enabled) {
            self.reading.settings.policies.waf = None;
            return; // the others have no effect, as in ingress-nginx
        }
        // The rules of the ConfigMap are part of its own firewall, as in ingress-nginx.
        let (mut rules, of_all) = match defaults.is_enabled {
            true => (Arc::clone(&defaults.rules), defaults.has_core_rules),
            false => (Arc::from(""), false),
        };
        let mut has_core_rules = of_all || annotations.has_core_rules == Some(true);
        if let Some(own) = self.own_rules(&mut has_core_rules) {
            rules = if rules.is_empty() { own.into() } else { format!("{rules}\n{own}").into() };
        }
        let waf = Waf {
            rules,
            core_rules: has_core_rules.then(|| Arc::clone(&defaults.core_rules)),
            transaction_id: annotations.transaction_id,
        };
        let policies = &mut self.reading.settings.policies;
        if policies.waf.as_deref() != Some(&waf) {
            policies.waf = Some(Arc::new(waf));
        }
    }

    /// The rules of the Ingress, if there are some and they may be used. They are written as within quotes of nginx, where
    /// ingress-nginx puts them.
    fn own_rules(&mut self, has_core_rules: &mut bool) -> Option<String> {
        let text = self.value(SNIPPET);
        if text.trim().is_empty() || self.snippet_refusal().is_some() {
            return None;
        }
        let rules = unescaped(text);
        match waf::check(&rules) {
            Ok(checked) => {
                *has_core_rules |= checked.core_rules;
                for ignored in checked.ignored {
                    self.warn(SNIPPET, text, Reason::Ignored, &ignored);
                }
                Some(rules)
            }
            Err(error) => {
                let complaint = format!("cannot be used: {error}");
                self.deny(SNIPPET, text, &complaint).at_admission = AtAdmission::Refuses;
                self.set_effect(SNIPPET, &Effect::Denied);
                None
            }
        }
    }
}
