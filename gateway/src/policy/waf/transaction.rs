use super::audit;
use super::directives::AuditEngine;
use super::mend::RESPONSE_STATUS;
use super::rule_set::RuleSet;
use http::HeaderMap;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;
use zentinel_modsec::engine::transaction::MatchedData;
use zentinel_modsec::variables::MutableCollection;

/// The status for a request that a rule refuses without naming one.
const FORBIDDEN: u16 = 403;

/// The head of a request, as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Its id in the audit log.
    pub id: &'a str,
    /// The client.
    pub client: SocketAddr,
    /// The address that the client came to.
    pub server: SocketAddr,
    /// The method.
    pub method: &'a str,
    /// Path and query, as the client sent them.
    pub target: &'a [u8],
    /// Such as `HTTP/1.1`.
    pub version: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// How a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// Where `redirect` sends the client.
    pub location: Option<String>,
}

/// One request before the rules, and its response. Its phases take up to some 100 ms of CPU for a large body: to be called on a thread that
/// may block.
pub struct Transaction {
    rules: Arc<RuleSet>,
    engine: zentinel_modsec::Transaction,
    request: audit::Request,
}

impl Transaction {
    /// A request whose head has arrived.
    pub fn new(rules: &Arc<RuleSet>, head: &Head<'_>) -> Self {
        let mut engine = rules.engine.new_transaction();
        let target = text(head.target).into_owned();
        engine.set_client_addr(&head.client.ip().to_string(), head.client.port());
        engine.set_server_addr(&head.server.ip().to_string(), head.server.port());
        // These three only store what they are given.
        let _ = engine.process_uri(&target, head.method, head.version);
        for (name, value) in head.headers {
            let _ = engine.add_request_header(name.as_str(), &text(value.as_bytes()));
        }
        if let Some(host) = head.headers.get(http::header::HOST) {
            engine.set_server_name(&text(host.as_bytes()));
        }
        let request = audit::Request {
            id: head.id.to_owned(),
            client: head.client,
            method: head.method.to_owned(),
            target,
            version: head.version.to_owned(),
        };
        Self { rules: Arc::clone(rules), engine, request }
    }

    /// The rules for heads (phase 1).
    ///
    /// # Errors
    /// They refuse the request, or cannot be evaluated.
    pub fn head(&mut self) -> Result<(), Refusal> {
        let evaluated = self.engine.process_request_headers();
        self.verdict(evaluated)
    }

    /// The rules for whole requests (phase 2), with the body as far as it is inspected.
    ///
    /// # Errors
    /// They refuse the request, or cannot be evaluated.
    pub fn body(&mut self, body: &[u8]) -> Result<(), Refusal> {
        if !self.rules.skips_body && !body.is_empty() {
            let _ = self.engine.append_request_body(body); // only stores it
        }
        let evaluated = self.engine.process_request_body();
        self.verdict(evaluated)
    }

    /// The rules for heads of responses (phase 3).
    ///
    /// # Errors
    /// They refuse the response, or cannot be evaluated.
    pub fn response_head(&mut self, status: u16, headers: &HeaderMap) -> Result<(), Refusal> {
        self.engine.tx_mut().set(RESPONSE_STATUS.to_owned(), status.to_string());
        for (name, value) in headers {
            let _ = self.engine.add_response_header(name.as_str(), &text(value.as_bytes())); // only stores it
        }
        let evaluated = self.engine.process_response_headers();
        self.verdict(evaluated)
    }

    /// The rules for bodies of responses (phase 4), with the body as far as it is inspected.
    ///
    /// # Errors
    /// As [`Self::response_head`].
    pub fn response_body(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let _ = self.engine.append_response_body(body); // only stores it
        let evaluated = self.engine.process_response_body();
        self.verdict(evaluated)
    }

    fn verdict(&self, evaluated: zentinel_modsec::Result<()>) -> Result<(), Refusal> {
        if let Err(error) = evaluated {
            tracing::error!(%error, "the rules of the web application firewall cannot be evaluated");
            return if self.rules.blocks() { Err(Refusal { status: 500, location: None }) } else { Ok(()) };
        }
        match self.engine.intervention() {
            None => Ok(()),
            Some(intervention) => Err(match &intervention.url {
                Some(url) => Refusal { status: 302, location: Some(url.clone()) },
                None => Refusal { status: self.status(&intervention.rule_ids), location: None },
            }),
        }
    }

    /// The engine forgets the status that a rule names.
    fn status(&self, ids: &[String]) -> u16 {
        ids.iter().find_map(|id| self.rules.rules.get(id)?.status).unwrap_or(FORBIDDEN)
    }

    /// Ends it, answered with `status`: runs the rules for logging (phase 5) and returns the line for the audit log, if it
    /// has one.
    ///
    /// Phase 5 of the core rules only sums up what has matched, and takes 0.2 ms: it is left out where nothing has.
    pub fn finish(&mut self, status: u16, now: SystemTime) -> Option<Vec<u8>> {
        let is_of_interest = self.rules.logs_by_rule || !self.matches().is_empty();
        if is_of_interest && let Err(error) = self.engine.process_logging() {
            tracing::error!(%error, "the rules of the web application firewall for logging cannot be evaluated");
        }
        let matches = self.matches();
        let is_logged = match self.rules.audit {
            AuditEngine::On => true,
            AuditEngine::Off => false,
            AuditEngine::RelevantOnly => !matches.is_empty(),
        };
        is_logged.then(|| audit::line(&self.request, status, now, &matches))
    }
}

impl Transaction {
    /// The rules that have matched and are to be logged. The engine lists the first rule of a chain even if a later one does
    /// not match; those that do follow it, without an id.
    fn matches(&self) -> Vec<audit::Match<'_>> {
        let found = self.engine.matched_data();
        (0..found.len()).filter_map(|at| self.logged(&found[at], &found[at + 1..])).collect()
    }

    fn logged<'a>(&'a self, matched: &'a MatchedData, after: &[MatchedData]) -> Option<audit::Match<'a>> {
        let id = matched.rule_id.as_deref()?;
        let rule = self.rules.rules.get(id).filter(|rule| !rule.is_silent)?;
        let links = after.get(..rule.links)?;
        let is_whole = links.iter().all(|link| link.rule_id.is_none());
        let variable = match matched.variable.strip_prefix("TX:") {
            Some(RESPONSE_STATUS) => "RESPONSE_STATUS",
            _ => &matched.variable,
        };
        is_whole.then_some(audit::Match { id, rule, variable, value: &matched.value })
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("id", &self.request.id).finish_non_exhaustive()
    }
}

/// Bytes as the engine takes them. What is not UTF-8 is read as Latin-1, so that no byte is lost.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    const NO_REFUSAL: Result<(), Refusal> = Ok(());

    fn transaction(rules: &str, method: &str, target: &[u8], headers: &[(&str, &[u8])]) -> Transaction {
        let rules = Arc::new(RuleSet::compile(rules, None).expect(rules));
        let value = |value: &[u8]| HeaderValue::from_bytes(value).expect("a value");
        let headers: HeaderMap =
            headers.iter().map(|(name, bytes)| (name.parse::<HeaderName>().expect("a name"), value(bytes))).collect();
        let address = |text: &str| text.parse().expect("an address");
        Transaction::new(
            &rules,
            &Head {
                id: "7f",
                client: address("192.0.2.1:4711"),
                server: address("198.51.100.1:443"),
                method,
                target,
                version: "HTTP/1.1",
                headers: &headers,
            },
        )
    }

    fn refused(status: u16) -> Result<(), Refusal> {
        Err(Refusal { status, location: None })
    }

    fn log_of(transaction: &mut Transaction) -> serde_json::Value {
        let line = transaction.finish(403, SystemTime::UNIX_EPOCH).expect("a line");
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
        serde_json::from_slice(&line).expect("JSON")
    }

    #[test]
    fn a_rule_refuses_with_its_status() {
        let rules =
            |action: &str| format!("SecRuleEngine On\nSecRule ARGS:q \"@contains evil\" \"id:7,phase:1,{action}\"");
        let verdict = |action: &str| transaction(&rules(action), "GET", b"/?q=evil", &[]).head();
        assert_eq!(verdict("deny"), refused(403));
        assert_eq!(verdict("deny,status:406"), refused(406));
        assert_eq!(verdict("drop"), refused(403));
        assert_eq!(verdict("pass"), NO_REFUSAL);
        let location = Some("https://a.example/".to_owned());
        assert_eq!(verdict("redirect:https://a.example/"), Err(Refusal { status: 302, location }));
    }

    #[test]
    fn detection_logs_and_lets_pass() {
        let mut transaction = transaction(
            "SecRule ARGS:q \"@contains evil\" \"id:7,phase:2,deny,msg:'No evil',tag:'x',severity:CRITICAL\"",
            "GET",
            b"/?q=so-evil",
            &[],
        );
        assert_eq!((transaction.head(), transaction.body(b"")), (NO_REFUSAL, NO_REFUSAL));
        let log = log_of(&mut transaction);
        let message = &log["transaction"]["messages"][0];
        assert_eq!(message["message"], "No evil");
        assert_eq!(message["details"]["ruleId"], "7");
        assert_eq!(message["details"]["data"], "so-evil");
        assert_eq!(log["transaction"]["unique_id"], "7f");
        assert_eq!(log["transaction"]["client_ip"], "192.0.2.1");
        assert_eq!(log["transaction"]["response"]["http_code"], 403);
    }

    #[test]
    fn silent_rules_and_clean_requests_are_not_logged() {
        let log = |rules: &str, target: &[u8]| {
            let mut transaction = transaction(rules, "GET", target, &[]);
            let _ = (transaction.head(), transaction.body(b""));
            transaction.finish(200, SystemTime::UNIX_EPOCH)
        };
        let rule = "SecRule ARGS:q \"@contains evil\" \"id:7,phase:1,deny,nolog\"\n";
        assert_eq!(log(rule, b"/?q=evil"), None);
        assert_eq!(log(&rule.replace(",nolog", ""), b"/?q=good"), None);
        assert_eq!(log(&rule.replace(",nolog", "\"\nSecAuditEngine Off #"), b"/?q=evil"), None);
        assert!(log(&format!("{rule}SecAuditEngine On"), b"/?q=good").is_some());
    }

    #[test]
    fn bodies_are_read_by_their_type() {
        let rules = "SecRuleEngine On\nSecRule ARGS \"@contains evil\" \"id:7,phase:2,deny\"";
        let verdict = |kind: &str, body: &[u8]| {
            let mut transaction = transaction(rules, "POST", b"/", &[("content-type", kind.as_bytes())]);
            transaction.head().and_then(|()| transaction.body(body))
        };
        let part = b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nevil\r\n--X--\r\n";
        for (kind, body) in [
            ("application/x-www-form-urlencoded", &b"a=%65vil"[..]),
            ("application/json", br#"{"a": ["b", {"c": "evil"}]}"#),
            ("multipart/form-data; boundary=X", part),
        ] {
            assert_eq!(verdict(kind, body), refused(403), "{kind}");
        }
        assert_eq!(verdict("application/json", b"{\"a\": "), refused(400), "it cannot be read");
        assert_eq!(verdict("application/json", b"{\"a\": 1}"), NO_REFUSAL);
    }

    #[test]
    fn a_chain_runs_the_actions_of_all_its_rules() {
        let rules = "SecRuleEngine On\n\
                     SecRule ARGS:a \"@contains x\" \"id:1,phase:1,pass,nolog,chain\"\n\
                     SecRule ARGS:b \"@contains y\" \"setvar:'tx.score=+5'\"\n\
                     SecRule TX:score \"@ge 5\" \"id:2,phase:1,deny\"";
        assert_eq!(transaction(rules, "GET", b"/?a=x&b=y", &[]).head(), refused(403));
        assert_eq!(transaction(rules, "GET", b"/?a=x&b=z", &[]).head(), NO_REFUSAL);
    }

    #[test]
    fn a_chain_is_logged_only_if_it_matches_as_a_whole() {
        let rules = "SecRule ARGS:a \"@contains x\" \"id:1,phase:1,pass,chain\"\nSecRule ARGS:b \"@contains y\"\n\
                     SecRule ARGS:a \"@contains x\" \"id:2,phase:1,pass,nolog\"";
        let is_logged = |target: &[u8]| {
            let mut transaction = transaction(rules, "GET", target, &[]);
            transaction.head().expect("it is let pass");
            transaction.finish(200, SystemTime::UNIX_EPOCH).is_some()
        };
        assert!(is_logged(b"/?a=x&b=y"));
        assert!(!is_logged(b"/?a=x&b=z"));
    }

    #[test]
    fn paths_are_normalized_with_slashes() {
        let rules = "SecRuleEngine On\nSecRule REQUEST_FILENAME \"@contains .git/config\" \
                     \"id:1,phase:1,t:normalizePathWin,deny\"";
        for target in [&b"/x/../.git/config"[..], b"/.git\\config"] {
            assert_eq!(transaction(rules, "GET", target, &[]).head(), refused(403));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_inspected() {
        let rules = "SecRuleEngine On\nSecRule REQUEST_HEADERS:x \"@rx \\xff.*evil\" \"id:1,phase:1,deny\"";
        assert_eq!(transaction(rules, "GET", b"/\xff", &[("x", b"\xff evil")]).head(), refused(403));
    }

    #[test]
    fn responses_are_inspected() {
        let verdict = |rule: &str| {
            let rule = format!("SecRuleEngine On\nSecRule {rule}");
            let mut transaction = transaction(&rule, "GET", b"/", &[]);
            transaction.head().and_then(|()| transaction.body(b"")).expect("the request is let pass");
            let headers = HeaderMap::from_iter([(http::header::SERVER, HeaderValue::from_static("PHP/5"))]);
            let verdict = transaction.response_head(502, &headers);
            verdict.and_then(|()| transaction.response_body(b"SQL syntax error"))
        };
        assert_eq!(verdict("RESPONSE_STATUS \"@rx ^5\" \"id:1,phase:3,deny\""), refused(403));
        assert_eq!(verdict("RESPONSE_STATUS \"@rx ^4\" \"id:1,phase:3,deny\""), NO_REFUSAL);
        assert_eq!(
            verdict("RESPONSE_HEADERS:Server \"@contains php/5\" \"id:1,phase:3,deny,t:lowercase\""),
            refused(403)
        );
        assert_eq!(verdict("RESPONSE_BODY \"@contains syntax\" \"id:1,phase:4,deny,status:500\""), refused(500));
        assert_eq!(verdict("RESPONSE_BODY \"@contains nothing\" \"id:1,phase:4,deny\""), NO_REFUSAL);
    }

    #[test]
    fn the_status_is_logged_under_its_name() {
        let mut transaction = transaction("SecRule RESPONSE_STATUS \"@rx ^5\" \"id:1,phase:3,pass\"", "GET", b"/", &[]);
        transaction.response_head(502, &HeaderMap::new()).expect("it is let pass");
        let details = log_of(&mut transaction)["transaction"]["messages"][0]["details"].clone();
        assert_eq!((&details["match"], &details["data"]), (&"RESPONSE_STATUS".into(), &"502".into()));
    }

    #[test]
    fn a_body_that_is_not_to_be_read_is_not() {
        let rules = "SecRuleEngine On\nSecRequestBodyAccess Off\nSecRule REQUEST_BODY|ARGS \"@contains evil\" \"id:7,phase:2,deny\"";
        assert_eq!(transaction(rules, "POST", b"/", &[]).body(b"a=evil"), NO_REFUSAL);
    }
}
