//! `proxy_redirect`, `proxy_cookie_domain` and `proxy_cookie_path`, in snippets and as the values of annotations and keys.

use super::context::Context;
use super::entry::{Entry, LOCATION};
use super::field::value;
use super::pattern::pattern;
use super::template::{Variables, group_names};
use crate::nginx_syntax::{self, Directive};
use crate::registry::ValueError;
use crate::route_defaults::RedirectFrom;
use gateway::config::{ResponseRewrite, ResponseRewrites, RewriteFrom, Template};
use std::collections::BTreeSet;
use std::sync::Arc;

const ELSEWHERE: &[Context] = &[Context::Http, Context::Server, Context::Auth];
const WHY: &str = "every location has its own value, as in ingress-nginx, and the client does not get the response of an auth server; \
                   expected it in a location, or the annotation, or the key of the ConfigMap";

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "proxy_redirect",
        LOCATION,
        1..=2,
        "Rewrites `Location`, and the URL in `Refresh`, of backends' responses: a text that they begin with, or `~` (or `~*`, without \
         regard to case) and a regular expression that fits; and what takes its place. Of several the first that fits counts. Or \
         `off`. Counts in place of the annotations `proxy-redirect-from` and `-to` (nginx refuses it as a duplicate). Without effect \
         for backends of gRPC. `default` is refused, as in nginx before `proxy_pass`.",
        |call| {
            let rule = rule(Address::Redirect, call.arguments, call.variables)?;
            add(&mut call.block.redirects, rule)
        },
    )
    .but_idle_in(ELSEWHERE, WHY),
    Entry::works(
        "proxy_cookie_domain",
        LOCATION,
        1..=2,
        "The same of the `Domain` in `Set-Cookie`: all of it, without regard to case and to a dot before it, or `~` and a regular \
         expression, without regard to case. Counts in place of the annotation `proxy-cookie-domain`.",
        |call| {
            let rule = rule(Address::CookieDomain, call.arguments, call.variables)?;
            add(&mut call.block.cookie_domains, rule)
        },
    )
    .but_idle_in(ELSEWHERE, WHY),
    Entry::works(
        "proxy_cookie_path",
        LOCATION,
        1..=2,
        "As `proxy_redirect`, of the `Path` in `Set-Cookie`. Counts in place of the annotation `proxy-cookie-path`.",
        |call| {
            let rule = rule(Address::CookiePath, call.arguments, call.variables)?;
            add(&mut call.block.cookie_paths, rule)
        },
    )
    .but_idle_in(ELSEWHERE, WHY),
];

/// What of a response is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `proxy_redirect`.
    Redirect,
    /// `proxy_cookie_domain`.
    CookieDomain,
    /// `proxy_cookie_path`.
    CookiePath,
}

/// The arguments of `proxy_cookie_domain` or `proxy_cookie_path`, as a key or an annotation has them.
///
/// # Errors
/// They are neither `off` nor what is rewritten and what takes its place.
pub(crate) fn cookie_rewrites(address: Address, text: &str) -> Result<Arc<[ResponseRewrite]>, ValueError> {
    let none = BTreeSet::new();
    Ok(rule(address, &words(text)?, without_snippets(&none))?.into_iter().collect())
}

/// The first argument of `proxy_redirect`, as a key or an annotation has it.
///
/// # Errors
/// It is more than one word, or not a regular expression after its `~`.
pub(crate) fn redirect_from(text: &str) -> Result<RedirectFrom, ValueError> {
    let none = BTreeSet::new();
    Ok(match &*word(text)? {
        "off" => RedirectFrom::Off,
        "default" => RedirectFrom::Default,
        text => RedirectFrom::Given(from(Address::Redirect, text, without_snippets(&none))?),
    })
}

/// The second argument of `proxy_redirect`, as a key or an annotation has it; `None` for `off`.
///
/// # Errors
/// It is more than one word, or has a variable that does not exist.
pub(crate) fn redirect_to(text: &str) -> Result<Option<Template>, ValueError> {
    let none = BTreeSet::new();
    Ok(match &*word(text)? {
        "off" => None,
        text => Some(value(text, without_snippets(&none))?),
    })
}

/// Variables where no snippet sets any.
fn without_snippets(none: &BTreeSet<Arc<str>>) -> Variables<'_> {
    Variables { own: none, outer: none, is_of_auth: false }
}

/// The words of a value, as nginx would read it in its place.
fn words(text: &str) -> Result<Vec<String>, String> {
    match nginx_syntax::parse(&format!("value {text};")).map(<[Directive; 1]>::try_from) {
        Ok(Ok([Directive { arguments, block: None, .. }])) => Ok(arguments),
        _ => Err("is not valid: expected words of nginx's syntax, without \";\"".into()),
    }
}

fn word(text: &str) -> Result<String, String> {
    match <[String; 1]>::try_from(words(text)?) {
        Ok([word]) => Ok(word),
        Err(_) => Err("is not valid: expected one word".into()),
    }
}

/// `None` for `off`.
fn rule(address: Address, arguments: &[String], variables: Variables<'_>) -> Result<Option<ResponseRewrite>, String> {
    match arguments {
        [off] if off == "off" => Ok(None),
        [default] if default == "default" && address == Address::Redirect => {
            Err("has \"default\", which nginx takes only after \
             proxy_pass: expected the annotation proxy-redirect-from: \"default\""
                .into())
        }
        [text, to] => {
            let from = from(address, text, variables)?;
            let mut own = BTreeSet::new();
            if let RewriteFrom::Pattern { pattern, .. } = &from {
                own = group_names(pattern).map(Into::into).chain(variables.own.iter().cloned()).collect();
            }
            let own = if own.is_empty() { variables.own } else { &own };
            let to = if address == Address::CookieDomain { without_dot(&from, to) } else { to };
            Ok(Some(ResponseRewrite { from, to: value(to, Variables { own, ..variables })? }))
        }
        _ => Err("is not valid: expected \"off\", or what is rewritten and what takes its place".into()),
    }
}

fn from(address: Address, text: &str, variables: Variables<'_>) -> Result<RewriteFrom, String> {
    let Some(expression) = text.strip_prefix('~') else {
        let text = text.strip_prefix('.').filter(|_| address == Address::CookieDomain).unwrap_or(text);
        return Ok(RewriteFrom::Text(value(text, variables)?));
    };
    let (expression, ignores_case) = match expression.strip_prefix('*') {
        _ if address == Address::CookieDomain => (expression, true),
        Some(expression) => (expression, true),
        None => (expression, false),
    };
    Ok(RewriteFrom::Pattern { pattern: pattern(expression)?, ignores_case })
}

/// A domain without the dot before it: the cookie keeps its own, which a pattern replaces.
fn without_dot<'a>(from: &RewriteFrom, to: &'a str) -> &'a str {
    match from {
        RewriteFrom::Text(_) => to.strip_prefix('.').unwrap_or(to),
        RewriteFrom::Pattern { .. } => to,
    }
}

/// Adds a rule of a block, or `off`, which stands alone.
fn add(rules: &mut Option<Vec<ResponseRewrite>>, rule: Option<ResponseRewrite>) -> Result<(), String> {
    match (&mut *rules, rule) {
        (None, rule) => *rules = Some(Vec::from_iter(rule)),
        (Some(rules), Some(rule)) if !rules.is_empty() => rules.push(rule),
        (Some(_), _) => return Err("stands here twice, once with \"off\": nginx takes that only alone".into()),
    }
    match rules {
        Some(rules) if rules.len() > ResponseRewrites::MAX_RULES => Err("is one too many: expected at most 100".into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::config::Piece;

    fn text(text: &str) -> RewriteFrom {
        RewriteFrom::Text(Template([Piece::Literal(text.into())].into()))
    }

    #[test]
    fn values_are_nginxs_arguments() {
        let rewrites = cookie_rewrites(Address::CookiePath, "/one/ \"/; Secure\"").expect("valid");
        assert_eq!(rewrites[0].from, text("/one/"));
        assert_eq!(rewrites[0].to.literal(), Some("/; Secure"));
        assert_eq!(cookie_rewrites(Address::CookiePath, "off").expect("valid").len(), 0);
        let rewrites = cookie_rewrites(Address::CookieDomain, ".backend .shop").expect("valid");
        assert_eq!((&rewrites[0].from, rewrites[0].to.literal()), (&text("backend"), Some("shop")));
        let rewrites = cookie_rewrites(Address::CookieDomain, "~\\.(?<zone>[a-z]+)$ .$zone").expect("valid");
        let pattern = RewriteFrom::Pattern { pattern: "\\.(?<zone>[a-z]+)$".into(), ignores_case: true };
        assert_eq!((&rewrites[0].from, rewrites[0].to.0.len()), (&pattern, 2));
        for bad in ["/one", "a b c", "a b; c d", "a { b c; }", "~( /", "a $nope", "default"] {
            assert!(cookie_rewrites(Address::CookiePath, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirects_have_two_values() {
        assert_eq!(redirect_from("default"), Ok(RedirectFrom::Default));
        assert_eq!(redirect_from("off"), Ok(RedirectFrom::Off));
        assert_eq!(redirect_from("http://a/"), Ok(RedirectFrom::Given(text("http://a/"))));
        let pattern = RewriteFrom::Pattern { pattern: "^http".into(), ignores_case: true };
        assert_eq!(redirect_from("~*^http"), Ok(RedirectFrom::Given(pattern)));
        assert_eq!(redirect_to("off"), Ok(None));
        assert_eq!(redirect_to("https://$host/").expect("valid").map(|to| to.0.len()), Some(3));
        assert!(redirect_from("a b").is_err() && redirect_to("a b").is_err() && redirect_to("$nope").is_err());
    }
}
