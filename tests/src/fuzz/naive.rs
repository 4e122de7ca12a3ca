//! Normalisation and routing, too simple to be wrong and too slow to be used.

use gateway::config::PathKind::{self, Exact, Prefix, Regex};
use gateway::config::PathMatching::{self, Nginx, Strict};
use gateway::pattern::{Anchor, Pattern};
use std::cmp::Reverse;

/// A path and how it matches.
pub type Rule = (PathKind, String);

/// A host as a rule has it (empty: any), and its paths.
pub type HostRules = (String, Vec<Rule>);

/// What a table says of a request, by the declared path of the route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Outcome {
    Route(PathKind, String),
    AddSlash(String),
    NoPath,
    NoHost,
    BadRequest,
    PatternLimit,
}

/// What becomes of a request for a canonical host and a raw path.
pub fn find(mode: PathMatching, hosts: &[HostRules], host: &str, path: &[u8]) -> Outcome {
    let Some(path) = normalize(path, mode) else { return Outcome::BadRequest };
    let by_name = |wanted: &str| hosts.iter().find(|(name, _)| name == wanted);
    let wildcard = host.split_once('.').filter(|(label, _)| !label.is_empty()).map(|(_, suffix)| format!("*.{suffix}"));
    let found = by_name(host).filter(|_| !host.is_empty()).or_else(|| by_name(&wildcard?)).or_else(|| by_name(""));
    match (found, mode) {
        (None, _) => Outcome::NoHost,
        (Some((_, rules)), Nginx) => nginx(rules, &path),
        (Some((_, rules)), Strict) => strict(rules, &path),
    }
}

/// The normal form of a path, if it has one.
pub fn normalize(path: &[u8], mode: PathMatching) -> Option<Vec<u8>> {
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
fn nginx(rules: &[Rule], path: &[u8]) -> Outcome {
    if let Some(hit) = rules.iter().find(|(kind, rule)| *kind == Exact && rule.as_bytes() == path) {
        return route(hit);
    }
    let named_by_itself = |(kind, rule): &&Rule| *kind == Prefix && rule.as_bytes() == path && !rule.ends_with('/');
    if let Some(hit) = rules.iter().find(named_by_itself) {
        return route(hit);
    }
    let with_slash = [path, b"/"].concat();
    if let Some((_, rule)) = rules.iter().find(|(kind, rule)| *kind != Regex && rule.as_bytes() == with_slash) {
        return Outcome::AddSlash(rule.clone());
    }
    let location = |rule: &str| format!("{}/", rule.strip_suffix('/').unwrap_or(rule));
    longest(rules, path, |rule| path.starts_with(location(rule).as_bytes()))
}

/// Ingress v1 by its words.
fn strict(rules: &[Rule], path: &[u8]) -> Outcome {
    fn elements(path: &str) -> Vec<&[u8]> {
        path.strip_suffix('/').unwrap_or(path).split('/').map(str::as_bytes).collect()
    }
    if let Some(hit) = rules.iter().find(|(kind, rule)| *kind == Exact && rule.as_bytes() == path) {
        return route(hit);
    }
    // The request's own trailing slash begins one more, empty element.
    let requested: Vec<_> = path.split(|b| *b == b'/').collect();
    longest(rules, path, |rule| requested.starts_with(&elements(rule)))
}

/// The longest path of those that match. A pattern that takes too long ends the search.
fn longest(rules: &[Rule], path: &[u8], is_below: impl Fn(&str) -> bool) -> Outcome {
    let mut rules: Vec<_> = rules.iter().collect();
    rules.sort_by_key(|(kind, rule)| (Reverse(rule.len()), *kind, Reverse(rule.clone())));
    for rule in rules {
        match rule.0 {
            Exact => {}
            Prefix if is_below(&rule.1) => return route(rule),
            Prefix => {}
            Regex => match matches(&rule.1, path) {
                Some(true) => return route(rule),
                Some(false) => {}
                None => return Outcome::PatternLimit,
            },
        }
    }
    Outcome::NoPath
}

/// Whether a pattern matches; `None` if that takes too long. One that does not compile is not served.
fn matches(pattern: &str, path: &[u8]) -> Option<bool> {
    Pattern::new(&pattern.into(), Anchor::Start).map_or(Some(false), |pattern| pattern.is_match(path).ok())
}

fn route((kind, path): &Rule) -> Outcome {
    Outcome::Route(*kind, path.clone())
}
