//! The directives that a user may write. Each is known here: what is not is refused, since a rule that is silently left
//! out protects nobody.

use super::invalid::{FILES, InvalidRules, MAX_BYTES, UNKNOWN};
use super::response_rules::ResponseBodies;
use zentinel_modsec::parser::{Lexer, TokenKind};

/// Bytes of a response's body that are inspected at most, whatever the rules say.
const MAX_RESPONSE_BODY: usize = 8 << 20;

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
    pub(super) response_bodies: ResponseBodies,
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
            "secrequestbodylimitaction" => self.body_limit.rejects = statement.limit_action()?,
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
            "secresponsebodyaccess" => self.response_bodies.are_inspected = statement.switch()?,
            "secresponsebodymimetype" => self.response_bodies.types.extend_from_slice(&statement.arguments),
            "secresponsebodymimetypesclear" => self.response_bodies.types.clear(),
            "secresponsebodylimit" => self.response_bodies.limit = statement.bytes()?.min(MAX_RESPONSE_BODY),
            "secresponsebodylimitaction" => self.response_bodies.rejects_larger = statement.limit_action()?,
            "secauditlogrelevantstatus"
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
                "append" | "prepend" | "deprecatevar" | "pause" | "setsid" | "setuid" | "xmlns" => UNKNOWN,
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

    /// Whether what is larger is refused.
    fn limit_action(&self) -> Result<bool, InvalidRules> {
        self.one_of(&[("Reject", true), ("ProcessPartial", false)])
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

#[cfg(test)]
mod tests {
    use super::super::invalid::MAX_RULES;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn settings_are_taken_and_rules_left_where_they_were() {
        let rules = "SecRuleEngine On\nSecAuditEngine Off # quiet\nSecRequestBodyLimit \\\n  1000\nSecRequestBodyNoFilesLimit 10\n\
                     SecRequestBodyLimitAction ProcessPartial\nSecRequestBodyAccess off\nSecRuleRemoveByTag \"attack-sqli\"\n\
                     SecAuditLogRelevantStatus 5\nSecAction \"id:1,pass\"\nSecResponseBodyMimeTypesClear\n\
                     SecResponseBodyMimeType application/json text/csv\nSecResponseBodyLimit 99\n\
                     SecResponseBodyLimitAction Reject";
        let read = Directives::read(rules).expect("they are allowed");
        assert_eq!(read.body_limit, BodyLimit { with_files: 1000, without_files: 10, rejects: false });
        let responses = ResponseBodies {
            are_inspected: true,
            types: ["application/json", "text/csv"].map(str::to_owned).into(),
            limit: 99,
            rejects_larger: true,
        };
        assert_eq!(read.response_bodies, responses);
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
            ("SecResponseBodyAccess Perhaps", "is not supported"),
            ("SecRule RESPONSE_PROTOCOL \"@contains x\" \"id:1,phase:3,deny\"", "is not supported"),
            ("SecAction \"id:1,phase:4,append:x\"", "is not supported"),
            ("SecAction \"id:1,phase:6\"", "must be from 1 to 5"),
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
