//! The directives that a user may write. Each is known here: what is not is refused, since a rule that is silently left
//! out protects nobody.

use regex::RegexBuilder;
use zentinel_modsec::engine::control::unsupported_controls;
use zentinel_modsec::parser::{Action, DataAction, Directive, Lexer, MetadataAction, OperatorName, SecRule, TokenKind};

/// Rules that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// A directive or an action is not allowed, or not supported.
    #[error("line {line}: {text} {why}")]
    Refused {
        /// The line, from 1.
        line: usize,
        /// What is refused.
        text: String,
        /// What is wrong with it, and what is expected.
        why: &'static str,
    },
    /// The engine cannot read it.
    #[error("{0}")]
    Unreadable(String),
    /// They are too long.
    #[error("they have {0} bytes: expected at most {MAX_BYTES}")]
    TooLong(usize),
    /// There are too many of them.
    #[error("there are {0} of them: expected at most {MAX_RULES}")]
    TooManyRules(usize),
    /// The core rules cannot be read from their directory.
    #[error("the OWASP Core Rule Set cannot be used (--owasp-core-rules-dir names its directory): {0}")]
    CoreRules(String),
    /// There are as many rule sets as there may be.
    #[error("there are {0} different sets of rules already: expected Ingresses to share theirs")]
    TooMany(usize),
}

/// Bytes of a user's rules at most.
pub const MAX_BYTES: usize = 256 << 10;
/// How many these may be. Each takes up to some milliseconds to check.
pub const MAX_RULES: usize = 1000;
/// Bytes of a compiled regular expression at most.
const MAX_PATTERN: usize = 1 << 20;

/// Files that ingress-nginx's documentation includes, which stand for what Adit has itself: its defaults, and the core rules.
const DEFAULTS: [&str; 2] =
    ["/etc/nginx/modsecurity/modsecurity.conf", "/etc/nginx/modsecurity/modsecurity.conf-recommended"];
const CORE_RULES: &str = "/etc/nginx/owasp-modsecurity-crs/nginx-modsecurity.conf";

/// What becomes of a body that is larger than the rules allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimit {
    /// `SecRequestBodyLimit`: bytes of a body with files. Default 12.5 MiB.
    pub with_files: usize,
    /// `SecRequestBodyNoFilesLimit`: bytes of any other body. Default 128 KiB.
    pub without_files: usize,
    /// `SecRequestBodyLimitAction Reject`: a larger body is refused, where the rules block. Default true. Else what comes
    /// behind the limit is not inspected.
    pub rejects: bool,
}

impl Default for BodyLimit {
    fn default() -> Self {
        Self { with_files: 13_107_200, without_files: 128 << 10, rejects: true }
    }
}

/// Which requests the audit log has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AuditEngine {
    /// All of them.
    On,
    /// None.
    Off,
    /// Those that a rule with `log` matches.
    #[default]
    RelevantOnly,
}

/// A user's rules, as far as they are not for the engine.
#[derive(Debug, Default)]
pub(super) struct Directives {
    /// What is left for the engine, on the lines where it was.
    pub(super) text: String,
    /// `SecRequestBodyAccess Off`: bodies are not inspected.
    pub(super) skips_body: bool,
    pub(super) body_limit: BodyLimit,
    pub(super) audit: AuditEngine,
    /// `SecRuleRemoveByTag`.
    pub(super) removed_tags: Vec<String>,
    /// `SecRuleRemoveByMsg`.
    pub(super) removed_messages: Vec<String>,
    /// They include the core rules.
    pub(super) core_rules: bool,
    /// Directives that have no effect, with their lines and the reason.
    pub(super) ignored: Vec<String>,
}

/// One directive with its arguments.
struct Statement {
    name: String,
    arguments: Vec<String>,
    first_line: usize,
    /// The last line that it takes up.
    last_line: usize,
}

const FILES: &str = "names a file, a program or a server, which rules from the cluster may not";
const RESPONSES: &str = "is about responses, which are not inspected: expected rules of the phases 1, 2 and 5";
const UNKNOWN: &str = "is not supported";
const LOG: &str = "audit lines go to Adit's access log";
const NO_FILES: &str = "no file is written";

impl Directives {
    /// Reads a user's rules.
    ///
    /// # Errors
    /// The first directive that is refused.
    pub(super) fn read(rules: &str) -> Result<Self, InvalidRules> {
        if rules.len() > MAX_BYTES {
            return Err(InvalidRules::TooLong(rules.len()));
        }
        let mut read = Self::default();
        let mut lines: Vec<_> = rules.lines().collect();
        for statement in statements(rules)? {
            if read.take(&statement)? {
                lines[statement.first_line - 1..statement.last_line].fill("");
            }
        }
        read.text = lines.join("\n");
        Ok(read)
    }

    /// Takes in a directive. `false` leaves it to the engine.
    fn take(&mut self, statement: &Statement) -> Result<bool, InvalidRules> {
        let name = statement.name.to_ascii_lowercase();
        let argument = statement.arguments.first().map_or("", String::as_str);
        match name.as_str() {
            "secrule" | "secaction" | "secdefaultaction" => return statement.check_actions().map(|()| false),
            "secmarker" | "secruleengine" | "secruleremovebyid" | "secruleupdatetargetbyid" => return Ok(false),
            "secrequestbodyaccess" => self.skips_body = !statement.switch()?,
            "secrequestbodylimit" => self.body_limit.with_files = statement.bytes()?,
            "secrequestbodynofileslimit" => self.body_limit.without_files = statement.bytes()?,
            "secrequestbodylimitaction" => {
                self.body_limit.rejects = statement.one_of(&[("Reject", true), ("ProcessPartial", false)])?;
            }
            "secauditengine" => {
                self.audit = statement.one_of(&[
                    ("On", AuditEngine::On),
                    ("Off", AuditEngine::Off),
                    ("RelevantOnly", AuditEngine::RelevantOnly),
                ])?;
            }
            "secruleremovebytag" => self.removed_tags.push(argument.to_owned()),
            "secruleremovebymsg" => self.removed_messages.push(argument.to_owned()),
            "include" if argument == CORE_RULES => self.core_rules = true,
            "include" if DEFAULTS.contains(&argument) => {}
            "secauditlog" | "secauditlogtype" | "secauditlogformat" | "secauditlogstoragedir" | "secauditlogparts" => {
                self.ignore(statement, LOG);
            }
            "secdebuglog" | "secdebugloglevel" | "sectmpdir" | "secdatadir" => self.ignore(statement, NO_FILES),
            "secresponsebodyaccess" if statement.switch()? => return Err(statement.refused(RESPONSES)),
            "secresponsebodyaccess"
            | "secresponsebodymimetype"
            | "secresponsebodylimit"
            | "secresponsebodylimitaction"
            | "secauditlogrelevantstatus"
            | "secpcrematchlimit"
            | "secpcrematchlimitrecursion"
            | "seccomponentsignature" => {}
            "include" | "secauditlog2" | "secgeolookupdb" | "sechttpblkey" | "secremoterules" | "secrulescript"
            | "secunicodemapfile" | "secuploaddir" => return Err(statement.refused(FILES)),
            _ => return Err(statement.refused(UNKNOWN)),
        }
        Ok(true)
    }

    fn ignore(&mut self, statement: &Statement, why: &str) {
        self.ignored.push(format!("line {}: {} has no effect: {why}", statement.first_line, statement.text()));
    }
}

impl Statement {
    fn text(&self) -> String {
        std::iter::once(&self.name).chain(&self.arguments).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    fn refused(&self, why: &'static str) -> InvalidRules {
        InvalidRules::Refused { line: self.first_line, text: self.text(), why }
    }

    /// Refuses the actions that the engine reads and leaves out.
    fn check_actions(&self) -> Result<(), InvalidRules> {
        let actions = self.arguments.last().map_or("", String::as_str);
        for action in actions.split(',') {
            let action = action.trim().to_ascii_lowercase();
            let why = match action.split(':').next().unwrap_or_default() {
                "exec" | "proxy" => FILES,
                "append" | "prepend" => RESPONSES,
                "deprecatevar" | "pause" | "setsid" | "setuid" | "xmlns" => UNKNOWN,
                // The engine would let the request pass all rules.
                "allow" if action.contains(':') => UNKNOWN,
                _ => continue,
            };
            return Err(InvalidRules::Refused { line: self.first_line, text: format!("the action {action}"), why });
        }
        Ok(())
    }

    fn one_of<T: Copy>(&self, values: &[(&str, T)]) -> Result<T, InvalidRules> {
        let [argument] = self.arguments.as_slice() else { return Err(self.refused("must have one argument")) };
        let value = values.iter().find(|(name, _)| argument.eq_ignore_ascii_case(name));
        value.map(|(_, value)| *value).ok_or_else(|| self.refused("has a value that is not supported"))
    }

    fn switch(&self) -> Result<bool, InvalidRules> {
        self.one_of(&[("On", true), ("Off", false)])
    }

    fn bytes(&self) -> Result<usize, InvalidRules> {
        let bytes = self.arguments.first().and_then(|bytes| bytes.parse().ok());
        bytes.ok_or_else(|| self.refused("must have a number of bytes"))
    }
}

/// The directives of a text, as the engine's own lexer tells them apart.
fn statements(rules: &str) -> Result<Vec<Statement>, InvalidRules> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut is_open = false;
    let mut lexer = Lexer::new(rules);
    while let Some(token) = lexer.next_token() {
        match (token.kind, statements.last_mut().filter(|_| is_open)) {
            (TokenKind::Directive(name), _) => {
                let (first_line, last_line) = (token.line, token.line);
                statements.push(Statement { name, arguments: Vec::new(), first_line, last_line });
                is_open = true;
            }
            (TokenKind::Word(text) | TokenKind::QuotedString(text), Some(statement)) => {
                statement.last_line = token.line;
                statement.arguments.push(text);
            }
            (TokenKind::Word(text) | TokenKind::QuotedString(text), None) => {
                return Err(InvalidRules::Refused { line: token.line, text, why: "is not a directive of ModSecurity" });
            }
            (TokenKind::Comment | TokenKind::Newline | TokenKind::Eof, _) => is_open = false,
        }
    }
    Ok(statements)
}

/// Refuses what a rule may not do: read files, run programs, ask servers, keep state, or act on responses.
pub(super) fn check(directives: &[Directive]) -> Result<(), InvalidRules> {
    if directives.len() > MAX_RULES {
        return Err(InvalidRules::TooManyRules(directives.len()));
    }
    for directive in directives {
        let (actions, line) = match directive {
            Directive::SecRule(rule) => {
                check_operator(rule.operator.name, rule.location.line)?;
                check_condition(rule)?;
                (&rule.actions, rule.location.line)
            }
            Directive::SecAction(action) => (&action.actions, action.location.line),
            _ => continue,
        };
        check_controls(actions, line)?;
        for action in actions {
            check_action(action, line)?;
        }
    }
    Ok(())
}

/// Refuses a condition that never holds: the engine only logs that, and the rule would protect nobody.
fn check_condition(rule: &SecRule) -> Result<(), InvalidRules> {
    let refused = |text: String, why| Err(InvalidRules::Refused { line: rule.location.line, text, why });
    if let Some(variable) = rule.variables.iter().find(|variable| !variable.name.is_implemented()) {
        return refused(format!("the variable {:?}", variable.name), UNKNOWN);
    }
    let pattern = &rule.operator.argument;
    if rule.operator.name == OperatorName::Rx && (pattern.is_empty() || !is_pattern(pattern)) {
        return refused(
            format!("the pattern {pattern}"),
            "is not a regular expression, is too large, or looks around or refers back, which is not supported",
        );
    }
    Ok(())
}

fn is_pattern(text: &str) -> bool {
    RegexBuilder::new(text).size_limit(MAX_PATTERN).build().is_ok()
}

/// Refuses a `ctl` that has no effect, unless it is about logs.
fn check_controls(actions: &[Action], line: usize) -> Result<(), InvalidRules> {
    let has_effect = |name: &str| !name.starts_with("audit") && !name.starts_with("debug");
    match unsupported_controls(actions).into_iter().find(|(name, ..)| has_effect(name)) {
        Some((name, value, _)) => {
            Err(InvalidRules::Refused { line, text: format!("the action ctl:{name}={value}"), why: UNKNOWN })
        }
        None => Ok(()),
    }
}

fn check_operator(operator: OperatorName, line: usize) -> Result<(), InvalidRules> {
    let refused = |why| Err(InvalidRules::Refused { line, text: format!("the operator {operator:?}"), why });
    match operator {
        OperatorName::PmFromFile
        | OperatorName::Pmf
        | OperatorName::IpMatchFromFile
        | OperatorName::IpMatchF
        | OperatorName::InspectFile
        | OperatorName::ValidateDtd
        | OperatorName::ValidateSchema
        | OperatorName::Rbl
        | OperatorName::GeoLookup
        | OperatorName::GsbLookup => refused(FILES),
        OperatorName::FuzzyHash | OperatorName::ValidateHash | OperatorName::Rsub => refused(UNKNOWN),
        _ => Ok(()),
    }
}

fn check_action(action: &Action, line: usize) -> Result<(), InvalidRules> {
    let refused = |text: &str, why| Err(InvalidRules::Refused { line, text: format!("the action {text}"), why });
    match action {
        Action::Data(DataAction::InitCol { .. } | DataAction::ExpireVar { .. }) => {
            refused("initcol or expirevar", UNKNOWN)
        }
        Action::Metadata(MetadataAction::Phase(3 | 4)) => refused("phase", RESPONSES),
        Action::Metadata(MetadataAction::Phase(phase)) if !(1..=5).contains(phase) => {
            refused("phase", "must be 1, 2 or 5")
        }
        Action::Metadata(MetadataAction::Status(status)) if !(300..=599).contains(status) => {
            refused("status", "must be from 300 to 599")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn settings_are_taken_and_rules_left_where_they_were() {
        let rules = "SecRuleEngine On\nSecAuditEngine Off # quiet\nSecRequestBodyLimit \\\n  1000\nSecRequestBodyNoFilesLimit 10\n\
                     SecRequestBodyLimitAction ProcessPartial\nSecRequestBodyAccess off\nSecRuleRemoveByTag \"attack-sqli\"\n\
                     SecAuditLogRelevantStatus 5\nSecAction \"id:1,pass\"";
        let read = Directives::read(rules).expect("they are allowed");
        assert_eq!(read.body_limit, BodyLimit { with_files: 1000, without_files: 10, rejects: false });
        assert!(read.skips_body && read.audit == AuditEngine::Off);
        assert_eq!(read.removed_tags, ["attack-sqli"]);
        let lines: Vec<_> = read.text.lines().collect();
        assert_eq!((lines[0], lines[9]), ("SecRuleEngine On", "SecAction \"id:1,pass\""));
        assert!(lines[1..9].iter().all(|line| line.is_empty()), "{lines:?}");
    }

    #[test]
    fn what_reaches_beyond_the_request_is_refused() {
        let refused = [
            ("Include /etc/passwd", "names a file"),
            ("# a comment\ninclude \"/etc/*\"", "names a file"),
            ("Sec\\\nUploadDir /tmp", "names a file"),
            ("SecRemoteRules key https://rules.example.com", "names a file"),
            ("SecRuleScript /tmp/x.lua \"deny\"", "names a file"),
            ("SecRule ARGS \"@pmFromFile /etc/passwd\" \"id:1,deny\"", "names a file"),
            ("SecRule ARGS \"@ipMatchFromFile /etc/passwd\" \"id:1,deny\"", "names a file"),
            ("SecRule REMOTE_ADDR \"@rbl example.com\" \"id:1,deny\"", "names a file"),
            ("SecAction \"id:1,exec:/bin/sh\"", "names a file"),
            ("SecAction \"id:1,initcol:ip=%{REMOTE_ADDR}\"", "is not supported"),
            ("SecAction \"id:1,pass, setuid:x\"", "is not supported"),
            ("SecAction \"id:1,phase:1,allow:phase\"", "is not supported"),
            ("SecAction \"id:1,phase:1,deny,status:200\"", "must be from 300"),
            ("SecResponseBodyAccess On", "about responses"),
            ("SecRule RESPONSE_BODY \"@contains x\" \"id:1,phase:4,deny\"", "about responses"),
            ("SecConnEngine On", "is not supported"),
            ("SecRule ARGS \"@rx (\" \"id:1,deny\"", "is not a regular expression"),
            ("SecRule ARGS \"!@rx a(?=b)\" \"id:1,deny\"", "is not a regular expression"),
            ("SecRule UNIQUE_ID \"@rx a\" \"id:1,deny\"", "is not supported"),
            ("SecAction \"id:1,pass,ctl:ruleRemoveByTag=x\"", "is not supported"),
            ("SecRequestBodyLimit much", "a number of bytes"),
            ("deny all;", "is not a directive"),
        ];
        for (rules, why) in refused {
            let error = super::super::check(rules).expect_err(rules).to_string();
            assert!(error.contains(why) && error.starts_with("line "), "{rules}: {error}");
        }
    }

    /// As users of ingress-nginx have them.
    #[test]
    fn what_its_documentation_includes_is_known() {
        let checked = |rules: &str| super::super::check(rules).expect(rules);
        let rules = "SecRuleEngine On\nSecDebugLog /tmp/modsec_debug.log\nSecAuditLog /var/log/modsec_audit.log\n\
                     Include /etc/nginx/modsecurity/modsecurity.conf";
        let ignored = checked(rules).ignored;
        assert_eq!(ignored.len(), 2);
        assert_eq!(ignored[0], "line 2: SecDebugLog /tmp/modsec_debug.log has no effect: no file is written");
        assert!(!checked(rules).core_rules);
        assert!(checked("Include /etc/nginx/owasp-modsecurity-crs/nginx-modsecurity.conf").core_rules);
    }

    #[test]
    fn rules_have_a_bounded_size() {
        let longest = "#".repeat(MAX_BYTES);
        assert!(super::super::check(&longest).is_ok());
        let error = super::super::check(&format!("{longest}#")).expect_err("it is too long");
        assert_eq!(error, InvalidRules::TooLong(MAX_BYTES + 1));
        let many = "SecAction \"id:1,pass\"\n".repeat(MAX_RULES + 1);
        assert_eq!(super::super::check(&many).expect_err("too many"), InvalidRules::TooManyRules(MAX_RULES + 1));
    }

    #[test]
    fn the_line_is_named() {
        let error = super::super::check("SecRuleEngine On\n\nInclude /etc/passwd").expect_err("it names a file");
        assert_eq!(
            error.to_string(),
            "line 3: Include /etc/passwd names a file, a program or a server, which rules from the cluster may not"
        );
    }

    proptest! {
        /// Rules come from anybody who may write an Ingress.
        #[test]
        fn any_text_is_taken_or_refused(
            text in "(SecRule|SecAction|SecRuleEngine|SecMarker|ARGS|&?TX:a|@rx|@pm|!|id:1|chain|deny|t:none|setvar:|%\\{|[\"',:|/@\\\\ \n(]|\\PC){0,40}"
        ) {
            let _ = super::super::check(&text);
        }
    }
}
