//! Expectation against observation: the one place that judges, whatever the driver.

use crate::case::{AuthRequest, Copy, Expect, Spread, Text};
use crate::echo::Received;
use crate::wire::{Headers, header};
use anyhow::{Context, Result};
use regex::Regex;
use std::collections::BTreeMap;
use std::fmt;

/// What a driver saw of one request. Parts that it cannot see are `None`, and nothing is checked of them.
#[derive(Debug)]
pub struct Observation {
    /// The response's status.
    pub status: Option<u16>,
    /// Who answered.
    pub answered_by: Answerer,
    /// The response's `Location`.
    pub location: Option<String>,
    /// The request target towards the backend.
    pub path: Option<String>,
    /// The alert that ended the handshake, as rustls spells it.
    pub alert: Option<String>,
    /// What went over the wire.
    pub wire: Option<Wire>,
}

/// What went over the wire for one request.
#[derive(Debug)]
pub struct Wire {
    /// The response's headers.
    pub headers: Headers,
    /// The response's body, without its coding.
    pub body: Vec<u8>,
    /// The gateway said that it would close the connection, and did.
    pub closed: bool,
    /// What backends received, in order.
    pub received: Vec<Received>,
    /// The lines that the request left in the access log.
    pub log: Vec<String>,
    /// What came of the handshake; `None` without TLS.
    pub tls: Option<Tls>,
}

/// What came of a handshake.
#[derive(Debug)]
pub struct Tls {
    /// `TLSv1_2` or `TLSv1_3`.
    pub version: String,
    /// The cipher suite, by IANA's name.
    pub cipher: String,
    /// The Secret that has the certificate, as `namespace/name`.
    pub secret: Option<String>,
    /// The common name of the certificate's issuer.
    pub issuer: Option<String>,
}

/// Who answered a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// The gateway itself.
    Gateway,
    /// A backend.
    Backend {
        /// The Service.
        service: String,
        /// The pod, where the driver sees it.
        pod: Option<String>,
    },
}

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    subject: String,
    expected: String,
    observed: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, observed {}", self.subject, self.expected, self.observed)
    }
}

/// All that is not as expected in one observation.
///
/// # Errors
/// If the expectation holds a regular expression that does not compile.
pub fn check(expect: &Expect, observed: &Observation) -> Result<Vec<Mismatch>> {
    let mut mismatches = Mismatches::default();
    if let Some(status) = observed.status {
        mismatches.note(expect.status().includes(status), "status", expect.status(), status);
    }
    let backend = match &observed.answered_by {
        Answerer::Gateway => None,
        Answerer::Backend { service, .. } => Some(service),
    };
    mismatches.equal("alert", &expect.alert, &observed.alert);
    mismatches.equal("answering backend", &expect.backend.as_ref(), &backend);
    mismatches.equal("location", &expect.location, &observed.location);
    if let (Some(expected), Some(path)) = (&expect.path, &observed.path) {
        mismatches.equal("path at the backend", expected, path);
    }
    if let Some(wire) = &observed.wire {
        check_wire(expect, wire, &mut mismatches)?;
    }
    Ok(mismatches.0)
}

fn check_wire(expect: &Expect, wire: &Wire, mismatches: &mut Mismatches) -> Result<()> {
    check_tls(expect, wire.tls.as_ref(), mismatches);
    check_headers("response header", &expect.response, &wire.headers, mismatches)?;
    if let Some(text) = &expect.body_contains {
        let body = String::from_utf8_lossy(&wire.body);
        mismatches.note(body.contains(text), "body", text, &body);
    }
    if expect.closes {
        mismatches.equal("connection closed", &true, &wire.closed);
    }
    let is_auth = |received: &&Received| expect.auth.as_ref().is_some_and(|auth| auth.service == received.service);
    let is_copy = |received: &&Received| expect.mirror.as_ref().is_some_and(|copy| copy.service == received.service);
    let (copies, others): (Vec<_>, Vec<_>) = wire.received.iter().partition(is_copy);
    let (auth, forwarded): (Vec<_>, Vec<_>) = others.into_iter().partition(is_auth);
    if let Some(expected) = expect.received {
        mismatches.equal("requests at backends and auth server", &expected, &wire.received.len());
    }
    if let Some(expected) = &expect.auth {
        check_auth(expected, &auth, mismatches)?;
    }
    if let Some(expected) = &expect.mirror {
        check_copy(expected, &copies, mismatches)?;
    }
    match (&expect.backend, forwarded.last()) {
        (Some(_), Some(received)) => {
            check_headers("header at the backend", &expect.headers, &received.headers, mismatches)?;
            if let Some(length) = expect.body_length {
                mismatches.equal("body length at the backend", &length, &received.body_length);
            }
        }
        (Some(_), None) => mismatches.note(false, "request at the backend", "one", "none"),
        (None, Some(received)) => {
            mismatches.note(expect.may_reach_backend, "request at the backend", "none", received);
        }
        (None, None) => {}
    }
    if let Some(logged) = &expect.log {
        let patterns = logged.patterns().iter().map(|pattern| whole(pattern)).collect::<Result<Vec<_>>>()?;
        let mut pairs = wire.log.iter().zip(&patterns);
        let matches = wire.log.len() == patterns.len() && pairs.all(|(line, pattern)| pattern.is_match(line));
        mismatches.note(matches, "access log", format_args!("lines like {:?}", logged.patterns()), &wire.log);
    }
    Ok(())
}

fn check_auth(expect: &AuthRequest, received: &[&Received], mismatches: &mut Mismatches) -> Result<()> {
    let [received] = received else {
        mismatches.note(false, "requests at the auth server", "one", received);
        return Ok(());
    };
    mismatches.equal("method at the auth server", &expect.method, &received.method);
    mismatches.equal("path at the auth server", &expect.path, &received.target);
    mismatches.equal("body length at the auth server", &expect.body_length, &received.body_length);
    check_headers("header at the auth server", &expect.headers, &received.headers, mismatches)
}

fn check_copy(expect: &Copy, received: &[&Received], mismatches: &mut Mismatches) -> Result<()> {
    let [received] = received else {
        mismatches.note(false, "requests at the mirror", "one", received);
        return Ok(());
    };
    mismatches.equal("method at the mirror", &expect.method, &received.method);
    mismatches.equal("path at the mirror", &expect.path, &received.target);
    mismatches.equal("body length at the mirror", &expect.body_length, &received.body_length);
    check_headers("header at the mirror", &expect.headers, &received.headers, mismatches)
}

fn check_tls(expect: &Expect, tls: Option<&Tls>, mismatches: &mut Mismatches) {
    let mut equal = |subject, expected: Option<&String>, observed: Option<&String>| {
        if expected.is_some() {
            mismatches.equal(subject, &expected, &observed);
        }
    };
    equal("version of TLS", expect.tls.as_ref(), tls.map(|tls| &tls.version));
    equal("cipher suite", expect.cipher.as_ref(), tls.map(|tls| &tls.cipher));
    if let Some(expected) = &expect.certificate {
        equal("certificate of Secret", expected.secret.as_ref(), tls.and_then(|tls| tls.secret.as_ref()));
        equal("issuer of the certificate", expected.issuer.as_ref(), tls.and_then(|tls| tls.issuer.as_ref()));
    }
}

fn check_headers(
    subject: &str,
    expected: &BTreeMap<String, Option<Text>>,
    observed: &Headers,
    mismatches: &mut Mismatches,
) -> Result<()> {
    for (name, expected) in expected {
        let observed = header(observed, name);
        let fits = match (expected, &observed) {
            (None, observed) => observed.is_none(),
            (Some(_), None) => false,
            (Some(Text::Exactly(text)), Some(observed)) => text == observed,
            (Some(Text::Like { matches }), Some(observed)) => whole(matches)?.is_match(observed),
        };
        mismatches.note(fits, &format!("{subject} {name}"), expected, observed);
    }
    Ok(())
}

/// All that is not as expected in the pods that answered a repeated request.
pub fn check_spread(spread: &Spread, observed: &[Observation]) -> Vec<Mismatch> {
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for observation in observed {
        match &observation.answered_by {
            Answerer::Backend { pod: Some(pod), .. } => *answers.entry(pod).or_default() += 1,
            Answerer::Backend { pod: None, .. } => return Vec::new(),
            Answerer::Gateway => {}
        }
    }
    let mut mismatches = Mismatches::default();
    if let Some(expected) = &spread.pods {
        let mut pods: Vec<&str> = expected.iter().map(String::as_str).collect();
        pods.sort_unstable();
        mismatches.note(answers.keys().copied().eq(pods.iter().copied()), "answering pods", expected, &answers);
    }
    if let Some(count) = spread.count {
        mismatches.note(answers.len() == count, "number of answering pods", count, &answers);
    }
    if let Some(within) = spread.within {
        let share = observed.len() / answers.len().max(1);
        let even = answers.values().all(|count| count.abs_diff(share) <= within);
        mismatches.note(even, "answers of each pod", format_args!("{share} ± {within}"), &answers);
    }
    mismatches.0
}

fn whole(pattern: &str) -> Result<Regex> {
    Regex::new(&format!("^(?s:{pattern})$")).with_context(|| format!("{pattern:?} is not a regular expression"))
}

#[derive(Default)]
struct Mismatches(Vec<Mismatch>);

impl Mismatches {
    fn equal<T: PartialEq + fmt::Debug>(&mut self, subject: &str, expected: &T, observed: &T) {
        self.note(expected == observed, subject, expected, observed);
    }

    fn note(&mut self, fits: bool, subject: &str, expected: impl fmt::Debug, observed: impl fmt::Debug) {
        if !fits {
            self.0.push(Mismatch {
                subject: subject.to_owned(),
                expected: format!("{expected:?}"),
                observed: format!("{observed:?}"),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Logged, Status};

    fn reply(status: u16) -> Observation {
        let wire = Wire { headers: vec![], body: vec![], closed: false, received: vec![], log: vec![], tls: None };
        let (location, path, alert) = (None, None, None);
        Observation { status: Some(status), answered_by: Answerer::Gateway, location, path, alert, wire: Some(wire) }
    }

    fn expect(status: Status) -> Expect {
        Expect { status: Some(status), ..Expect::default() }
    }

    fn subjects(expect: &Expect, observed: &Observation) -> Vec<String> {
        check(expect, observed).expect("valid").into_iter().map(|mismatch| mismatch.subject).collect()
    }

    #[test]
    fn statuses_and_their_classes() {
        assert!(subjects(&expect(Status::Exactly(404)), &reply(404)).is_empty());
        assert!(subjects(&expect(Status::Class(5)), &reply(502)).is_empty());
        assert_eq!(subjects(&expect(Status::Exactly(404)), &reply(503)), ["status"]);
        assert_eq!(subjects(&expect(Status::Class(5)), &reply(404)), ["status"]);
    }

    #[test]
    fn a_backend_must_answer_where_one_is_named_and_only_there() {
        let answered_by = Answerer::Backend { service: "b".to_owned(), pod: None };
        let forwarded = Observation { answered_by, status: None, wire: None, ..reply(200) };
        assert_eq!(subjects(&expect(Status::Exactly(404)), &forwarded), ["answering backend"]);
        let named = Expect { backend: Some("b".to_owned()), ..Expect::default() };
        assert!(subjects(&named, &forwarded).is_empty());
        assert_eq!(subjects(&named, &reply(503)), ["status", "answering backend", "request at the backend"]);
    }

    #[test]
    fn headers_may_be_absent_exact_or_alike() {
        let headers = vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())];
        let judge = |expected: Option<Text>| {
            let mut mismatches = Mismatches::default();
            let expected = BTreeMap::from([("a".to_owned(), expected)]);
            check_headers("header", &expected, &headers, &mut mismatches).expect("valid");
            mismatches.0.is_empty()
        };
        assert!(judge(Some(Text::Exactly("1, 2".to_owned()))));
        assert!(!judge(Some(Text::Exactly("1".to_owned()))));
        assert!(judge(Some(Text::Like { matches: "[0-9, ]+".to_owned() })));
        assert!(!judge(Some(Text::Like { matches: "[0-9]".to_owned() })));
        assert!(!judge(None));
    }

    #[test]
    fn the_log_has_one_line() {
        let expected = Expect { log: Some(Logged::Line("a+".to_owned())), ..expect(Status::Exactly(404)) };
        let logged = |lines: &[&str]| {
            let mut observed = reply(404);
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            observed.wire.as_mut().expect("present").log = lines;
            subjects(&expected, &observed).is_empty()
        };
        assert!(logged(&["aa"]));
        assert!(!logged(&[]));
        assert!(!logged(&["aa", "aa"]));
        assert!(!logged(&["aab"]));
    }

    #[test]
    fn pods_share_the_answers() {
        let from = |pod: &str| {
            let answered_by = Answerer::Backend { service: "b".to_owned(), pod: Some(pod.to_owned()) };
            Observation { answered_by, ..reply(200) }
        };
        let pods = || Some(vec!["b-0".to_owned(), "b-1".to_owned()]);
        let spread = |within| Spread { pods: pods(), count: None, within };
        let even = [from("b-0"), from("b-1"), from("b-0"), from("b-1")];
        assert!(check_spread(&spread(Some(0)), &even).is_empty());
        let odd = [from("b-0"), from("b-0"), from("b-0"), from("b-1")];
        assert!(check_spread(&spread(None), &odd).is_empty());
        assert_eq!(check_spread(&spread(Some(0)), &odd).len(), 1);
        assert_eq!(check_spread(&spread(None), &[from("b-0")]).len(), 1);
        let count = |count| Spread { pods: None, count: Some(count), within: None };
        assert!(check_spread(&count(2), &odd).is_empty());
        assert_eq!(check_spread(&count(1), &odd).len(), 1);
    }
}
