use super::checks;
use super::directives::{AuditEngine, BodyLimit, Directives};
use super::invalid::InvalidRules;
use super::mend::mend;
use super::phases::{self, actions, has_rules_of};
use super::response_rules::ResponseBodies;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use zentinel_modsec::parser::{Action, Directive, LoggingAction, MetadataAction, Parser};
use zentinel_modsec::{CompiledRuleset, ModSecurity};

/// What holds unless the rules say otherwise: they are evaluated and logged, and nothing is blocked.
const DEFAULTS: &str = r#"
SecRuleEngine DetectionOnly
SecRule REQUEST_HEADERS:Content-Type "@rx (?i)^application/json" "id:200001,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@rx (?i)^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,deny,status:400,log,msg:'The body of the request cannot be read'"
"#;

/// Rules, compiled.
pub struct RuleSet {
    pub(super) engine: ModSecurity,
    /// What is known of the rules with an id.
    pub(super) rules: HashMap<String, Rule>,
    pub(super) audit: AuditEngine,
    pub(super) skips_body: bool,
    /// A user's rule is of phase 5.
    pub(super) logs_by_rule: bool,
    body_limit: BodyLimit,
    /// Which bodies of responses are inspected, if rules are about responses.
    response_bodies: Option<ResponseBodies>,
}

/// What the log and the client are told of a rule.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) message: String,
    pub(super) tags: Vec<String>,
    pub(super) severity: Option<u8>,
    /// `status`, for a request that it refuses.
    pub(super) status: Option<u16>,
    /// `nolog` or `noauditlog`.
    pub(super) is_silent: bool,
    /// How many rules of its chain come after it.
    pub(super) links: usize,
}

impl RuleSet {
    /// Compiles a user's rules, and the OWASP Core Rule Set from its directory. They count in this order, so that a user's
    /// rules can set what the core rules read.
    ///
    /// # Errors
    /// See [`InvalidRules`].
    pub fn compile(rules: &str, core_rules: Option<&Path>) -> Result<Self, InvalidRules> {
        let read = Directives::read(rules)?;
        let Directives { skips_body, body_limit, response_bodies, audit, .. } = read;
        let unreadable = |error: zentinel_modsec::Error| InvalidRules::Unreadable(error.to_string());
        let mut parser = Parser::new();
        parser.parse(DEFAULTS).map_err(unreadable)?;
        let ours = parser.directives().len();
        parser.parse(&read.text).map_err(unreadable)?;
        checks::check(&parser.directives()[ours..])?;
        let logs_by_rule = has_rules_of(&phases::LOGGING, &parser.directives()[ours..]);
        if let Some(directory) = core_rules {
            read_core_rules(&mut parser, directory)?;
        }
        let mut directives = parser.into_directives();
        mend(&mut directives);
        remove(&mut directives, |rule| {
            rule.tags.iter().any(|tag| read.removed_tags.contains(tag)) || read.removed_messages.contains(&rule.message)
        });
        let response_bodies = has_rules_of(&phases::RESPONSE, &directives).then_some(response_bodies);
        let rules = (0..directives.len()).filter_map(|at| described(&directives[at..])).collect();
        let compiled = CompiledRuleset::compile(directives).map_err(unreadable)?;
        Ok(Self {
            engine: ModSecurity::new(compiled),
            rules,
            audit,
            skips_body,
            logs_by_rule,
            body_limit,
            response_bodies,
        })
    }

    /// Whether it blocks: else it only logs what it would have.
    pub fn blocks(&self) -> bool {
        self.engine.ruleset().engine_mode() == zentinel_modsec::engine::ruleset::RuleEngineMode::On
    }

    /// Whether it looks at bodies.
    pub fn inspects_bodies(&self) -> bool {
        !self.skips_body
    }

    /// How many bytes of a body with this `Content-Type` are inspected.
    pub fn body_limit(&self, content_type: &[u8]) -> usize {
        const WITH_FILES: &[u8] = b"multipart/form-data";
        let start = content_type.trim_ascii_start().get(..WITH_FILES.len());
        let has_files = start.is_some_and(|start| start.eq_ignore_ascii_case(WITH_FILES));
        if has_files { self.body_limit.with_files } else { self.body_limit.without_files }
    }

    /// Whether a larger body is refused.
    pub fn rejects_larger_bodies(&self) -> bool {
        self.body_limit.rejects && self.blocks() && !self.skips_body
    }

    /// Whether it looks at responses.
    pub fn inspects_responses(&self) -> bool {
        self.response_bodies.is_some()
    }

    /// How many bytes of a response's body with this `Content-Type` are inspected; 0 if it is not.
    pub fn response_limit(&self, content_type: &[u8]) -> usize {
        let bodies = self.response_bodies.as_ref().filter(|bodies| bodies.includes(content_type));
        bodies.map_or(0, |bodies| bodies.limit)
    }

    /// Whether a response with a larger body is refused.
    pub fn rejects_larger_responses(&self) -> bool {
        self.blocks() && self.response_bodies.as_ref().is_some_and(|bodies| bodies.rejects_larger)
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.engine.rule_count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleSet").field("rules", &self.len()).finish_non_exhaustive()
    }
}

/// The rule set's own layout: its settings beside the directory of its rules.
fn read_core_rules(parser: &mut Parser, directory: &Path) -> Result<(), InvalidRules> {
    let invalid = |error: zentinel_modsec::Error| InvalidRules::CoreRules(error.to_string());
    let before = parser.directives().len();
    parser.parse_file(&directory.join("crs-setup.conf")).map_err(invalid)?;
    let rules = directory.join("rules").join("*.conf");
    parser.parse_glob(&rules.to_string_lossy()).map_err(invalid)?;
    let has_rules = parser.directives()[before..].iter().any(|directive| matches!(directive, Directive::SecRule(_)));
    has_rules.then_some(()).ok_or_else(|| InvalidRules::CoreRules(format!("there is no rule in {}", rules.display())))
}

/// The id of the first rule, and what is known of it.
fn described(directives: &[Directive]) -> Option<(String, Rule)> {
    let actions = actions(directives.first()?)?;
    let id = actions.iter().find_map(|action| match action {
        Action::Metadata(MetadataAction::Id(id)) => Some(id.to_string()),
        _ => None,
    })?;
    let goes_on = |directive: &&Directive| matches!(directive, Directive::SecRule(rule) if rule.is_chained());
    let links = directives.iter().take_while(goes_on).count();
    Some((id, Rule { links, ..describe(actions) }))
}

fn describe(actions: &[Action]) -> Rule {
    let mut rule = Rule::default();
    for action in actions {
        match action {
            Action::Metadata(MetadataAction::Msg(message)) => rule.message.clone_from(message),
            Action::Metadata(MetadataAction::Tag(tag)) => rule.tags.push(tag.clone()),
            Action::Metadata(MetadataAction::Severity(severity)) => rule.severity = Some(*severity),
            Action::Metadata(MetadataAction::Status(status)) => rule.status = Some(*status),
            Action::Logging(LoggingAction::NoLog | LoggingAction::NoAuditLog) => rule.is_silent = true,
            _ => {}
        }
    }
    rule
}

/// Removes the rules that are meant, each with its whole chain.
fn remove(directives: &mut Vec<Directive>, is_meant: impl Fn(&Rule) -> bool) {
    let mut in_chain = false;
    let mut removes = false;
    directives.retain(|directive| {
        let Directive::SecRule(rule) = directive else { return true };
        if !in_chain {
            removes = is_meant(&describe(&rule.actions));
        }
        in_chain = rule.is_chained();
        !removes
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn nothing_is_blocked_unless_the_rules_say_so() {
        assert!(!RuleSet::compile("", None).expect("no rules").blocks());
        assert!(RuleSet::compile("SecRuleEngine On", None).expect("a setting").blocks());
    }

    #[test]
    fn what_the_engine_cannot_read_is_an_error() {
        for rules in
            ["SecRule ARGS", "SecRule NOTHING \"@rx x\" \"id:1,deny\"", "SecRuleEngine Maybe", "SecAction \"id:x\""]
        {
            assert!(matches!(RuleSet::compile(rules, None), Err(InvalidRules::Unreadable(_))), "{rules}");
        }
    }

    #[test]
    fn rules_are_removed_by_tag_and_message_with_their_chains() {
        const RULES: &str = "SecRule ARGS \"@rx a\" \"id:1,tag:x,chain,deny\"\nSecRule ARGS \"@rx b\"\n\
                             SecRule ARGS \"@rx c\" \"id:2,msg:'y',deny\"\nSecRule ARGS \"@rx d\" \"id:3,deny\"\n";
        let count = |removal: &str| RuleSet::compile(&format!("{RULES}{removal}"), None).expect(removal).len();
        let all = count("");
        assert_eq!(count("SecRuleRemoveByTag x"), all - 2);
        assert_eq!(count("SecRuleRemoveByMsg \"y\""), all - 1);
        assert_eq!(count("SecRuleRemoveById 3"), all - 1);
    }

    #[test]
    fn core_rules_come_from_their_directory() {
        let directory = tempfile::tempdir().expect("a directory");
        let compiled = || RuleSet::compile("", Some(directory.path())).map(|rules| rules.len());
        assert!(matches!(compiled(), Err(InvalidRules::CoreRules(_))), "it is empty");
        fs::write(directory.path().join("crs-setup.conf"), "SecAction \"id:900990,phase:1,pass,nolog\"\n").expect("it");
        assert!(compiled().expect_err("no rules").to_string().contains("there is no rule in"));
        fs::create_dir(directory.path().join("rules")).expect("it");
        let rule = "SecRule ARGS \"@pmFromFile words.data\" \"id:930130,phase:2,block\"\n";
        fs::write(directory.path().join("rules/R.conf"), rule).expect("it");
        fs::write(directory.path().join("rules/words.data"), "evil\n").expect("it");
        assert_eq!(compiled().expect("it is there"), RuleSet::compile("", None).expect("ours").len() + 2);
    }
}
