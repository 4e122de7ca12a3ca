//! The table against a matcher that is too simple to be wrong, and parsers against arbitrary input. Each property is a
//! function of plain values, so that a fuzz target can call it.

use super::fixtures::{self, Outcome};
use super::{Anchor, Pattern, normalize};
use crate::config::PathKind::{self, Exact, Prefix, Regex};
use crate::config::PathMatching::{self, Nginx, Strict};
use proptest::prelude::*;
use std::cmp::Reverse;

type Rule = (PathKind, String);
type HostRules = (String, Vec<Rule>);

/// A request is answered as the naive matcher says.
fn answers_as_the_naive_matcher(mode: PathMatching, hosts: &[HostRules], host: &str, path: &str) {
    let borrowed: Vec<Vec<_>> =
        hosts.iter().map(|(_, rules)| rules.iter().map(|(kind, path)| (*kind, path.as_str())).collect()).collect();
    let named: Vec<_> = hosts.iter().zip(&borrowed).map(|((name, _), rules)| (name.as_str(), &rules[..])).collect();
    let table = fixtures::table(mode, &named);
    assert_eq!(fixtures::find(&table, host, path), naive(mode, hosts, host, path), "{mode:?} {hosts:?} {host} {path}");
}

fn naive(mode: PathMatching, hosts: &[HostRules], host: &str, path: &str) -> Outcome {
    let Some(path) = naive_normalize(path.as_bytes(), mode) else { return Outcome::BadRequest };
    let path = String::from_utf8(path).expect("the strategies make ASCII");
    let by_name = |wanted: &str| hosts.iter().find(|(name, _)| name == wanted);
    let wildcard = host.split_once('.').filter(|(label, _)| !label.is_empty()).map(|(_, suffix)| format!("*.{suffix}"));
    let found = by_name(host).filter(|_| !host.is_empty()).or_else(|| by_name(&wildcard?)).or_else(|| by_name(""));
    let Some((_, rules)) = found else { return Outcome::NoHost };
    match mode {
        Nginx => naive_nginx(rules, &path),
        Strict => naive_strict(rules, &path),
    }
}

fn naive_normalize(path: &[u8], mode: PathMatching) -> Option<Vec<u8>> {
    let path = path.split(|b| *b == b'#').next()?;
    let path = if path.is_empty() { b"/" } else { path };
    path.strip_prefix(b"/")?;
    let mut decoded: Vec<u8> = Vec::new();
    let mut bytes = path.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let escape = [bytes.next()?, bytes.next()?];
        let digits = std::str::from_utf8(&escape).ok().filter(|digits| !digits.starts_with('+'))?;
        match u8::from_str_radix(digits, 16).ok()? {
            0 => return None,
            b'/' if mode == Strict => decoded.extend([b'%', escape[0], escape[1]]),
            byte => decoded.push(byte),
        }
    }
    let mut stack: Vec<&[u8]> = Vec::new();
    let mut elements = decoded.strip_prefix(b"/")?.split(|b| *b == b'/').peekable();
    while let Some(element) = elements.next() {
        let last = elements.peek().is_none();
        match element {
            b"" if mode == Nginx && !last => {}
            b"." if !last => {}
            b"." => stack.push(b""),
            b".." => {
                stack.pop()?;
                if last {
                    stack.push(b"");
                }
            }
            _ => stack.push(element),
        }
    }
    Some([b"/".to_vec(), stack.join(&b'/')].concat())
}

/// The locations that ingress-nginx would write, searched as nginx does.
fn naive_nginx(rules: &[Rule], path: &str) -> Outcome {
    if let Some(hit) = rules.iter().find(|(kind, rule)| *kind == Exact && rule == path) {
        return route(hit);
    }
    if let Some(hit) = rules.iter().find(|(kind, rule)| *kind == Prefix && rule == path && !rule.ends_with('/')) {
        return route(hit);
    }
    if let Some((_, rule)) = rules.iter().find(|(kind, rule)| *kind != Regex && *rule == format!("{path}/")) {
        return Outcome::AddSlash(rule.clone());
    }
    let location = |rule: &str| format!("{}/", rule.strip_suffix('/').unwrap_or(rule));
    longest(rules.iter().filter(|(kind, rule)| match kind {
        Exact => false,
        Prefix => path.starts_with(&location(rule)),
        Regex => naive_regex(rule, path),
    }))
}

/// Ingress v1 by its words.
fn naive_strict(rules: &[Rule], path: &str) -> Outcome {
    fn elements(path: &str) -> Vec<&str> {
        path.strip_suffix('/').unwrap_or(path).split('/').collect()
    }
    if let Some(hit) = rules.iter().find(|(kind, rule)| *kind == Exact && rule == path) {
        return route(hit);
    }
    // The request's own trailing slash begins one more, empty element.
    let requested: Vec<_> = path.split('/').collect();
    longest(rules.iter().filter(|(kind, rule)| match kind {
        Exact => false,
        Prefix => requested.starts_with(&elements(rule)),
        Regex => naive_regex(rule, path),
    }))
}

fn naive_regex(rule: &str, path: &str) -> bool {
    regex::bytes::Regex::new(&format!("(?i-u)^{rule}"))
        .expect("the strategies make good patterns")
        .is_match(path.as_bytes())
}

fn longest<'r>(matching: impl Iterator<Item = &'r Rule>) -> Outcome {
    let best = matching.min_by_key(|(kind, rule)| (Reverse(rule.len()), *kind, Reverse(rule.clone())));
    best.map_or(Outcome::NoPath, route)
}

fn route((kind, path): &Rule) -> Outcome {
    Outcome::Route(*kind, path.clone())
}

/// Whatever the bytes, a normal path begins with a slash, has nothing left to resolve, and is what the naive
/// normaliser says.
fn normal_paths_are_normal(mode: PathMatching, path: &[u8]) {
    let normal = normalize(path, mode).ok().map(|path| path.into_owned());
    assert_eq!(normal, naive_normalize(path, mode));
    if let Some(normal) = normal {
        let mut elements = normal.strip_prefix(b"/").expect("absolute").split(|b| *b == b'/').collect::<Vec<_>>();
        assert!(!elements.iter().any(|element| [&b"."[..], b".."].contains(element)));
        elements.pop();
        assert!(mode == Strict || !elements.contains(&&b""[..]));
    }
}

/// Whatever the text, checking it and matching with it end without a panic.
fn patterns_are_total(text: &str, haystack: &[u8]) {
    for anchor in [Anchor::Start, Anchor::Anywhere] {
        if let Ok(pattern) = Pattern::new(&text.into(), anchor) {
            let groups = pattern.groups(haystack);
            assert_eq!(pattern.is_match(haystack), groups.map(|groups| groups.is_some()));
        }
    }
}

/// Text without metacharacters matches as the regex engine would match it.
fn literals_match_as_patterns(text: &str, haystack: &str) {
    for (anchor, start) in [(Anchor::Start, "^"), (Anchor::Anywhere, "")] {
        let pattern = Pattern::new(&text.into(), anchor).expect("a literal");
        let regex = regex::bytes::Regex::new(&format!("(?i-u){start}{}", regex::escape(text))).expect("escaped");
        let groups = pattern.groups(haystack.as_bytes()).expect("literals are quick");
        assert_eq!(groups.map(|groups| groups[0]), regex.find(haystack.as_bytes()).map(|found| found.as_bytes()));
    }
}

fn mode() -> impl Strategy<Value = PathMatching> {
    prop_oneof![Just(Nginx), Just(Strict)]
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        3 => (Just(Exact), "(/(a|b|A|ab|a-|a!))*/?"),
        5 => (Just(Prefix), "(/(a|b|A|ab|a-|a!))*/?"),
        1 => (Just(Regex), r"(/(a|b|A|ab|\[ab\]|a\.\*|\(a\|b\)))*[/$]?"),
    ]
    .prop_map(|(kind, path)| (kind, if path.is_empty() { "/".to_owned() } else { path }))
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    proptest::collection::vec(rule(), 0..12)
}

fn host_name() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), r"(\*\.)?[ab](\.[ab]){0,2}"]
}

proptest! {
    #[test]
    fn table_and_naive_matcher_agree(
        mode in mode(),
        hosts in proptest::collection::btree_map(host_name(), rules(), 1..5),
        host in "|[ab](\\.[ab]){0,3}",
        path in "(/(a|b|A|ab|a-|\\.|\\.\\.|%61|%2e|)){0,6}/?",
    ) {
        let hosts: Vec<HostRules> = hosts.into_iter().collect();
        answers_as_the_naive_matcher(mode, &hosts, &host, &path);
    }

    #[test]
    fn one_host_and_naive_matcher_agree(mode in mode(), rules in rules(), path in "(/(a|b|A|ab|a-|a!)){1,5}/?") {
        answers_as_the_naive_matcher(mode, &[("h".to_owned(), rules)], "h", &path);
    }

    #[test]
    fn arbitrary_bytes_normalize(mode in mode(), path in proptest::collection::vec(any::<u8>(), 0..64)) {
        normal_paths_are_normal(mode, &path);
    }

    #[test]
    fn hostile_paths_normalize(mode in mode(), path in "/?(/|\\.|a|%2e|%2F|%2f|%|%0|%00|%25|#){0,12}") {
        normal_paths_are_normal(mode, path.as_bytes());
    }

    #[test]
    fn arbitrary_patterns(text in ".*", haystack in proptest::collection::vec(any::<u8>(), 0..64)) {
        patterns_are_total(&text, &haystack);
    }

    #[test]
    fn hostile_patterns(text in r"[ab/|()\[\]{}*+?.^$\\1dwQEk<>=!:&~,0-]{0,24}", haystack in "[ab/]{0,24}") {
        patterns_are_total(&text, haystack.as_bytes());
    }

    #[test]
    fn literals(text in "[a-cA-C/_~ -]{0,6}", haystack in "[a-cA-C/]{0,24}") {
        literals_match_as_patterns(&text, &haystack);
    }
}
