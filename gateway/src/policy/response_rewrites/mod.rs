//! `proxy_redirect`, `proxy_cookie_domain` and `proxy_cookie_path`: a backend's own addresses in its responses are
//! replaced by those that clients know. Each rule names the function of nginx that it follows.

mod cookie;
mod rule;

use crate::config;
use crate::pattern::MatchBudget;
use crate::policy::Invalid;
use crate::variables::Values;
use rule::{Rule, rewrite, rules};

/// The compiled rules of a route.
#[derive(Debug)]
pub struct ResponseRewrites {
    redirects: Box<[Rule]>,
    cookie_domains: Box<[Rule]>,
    cookie_paths: Box<[Rule]>,
}

impl ResponseRewrites {
    /// Compiles the rules; `None` where there are none.
    ///
    /// # Errors
    /// A regular expression is not one that Adit supports, or there is more of something than there may be.
    pub fn compile(configured: &config::ResponseRewrites) -> Result<Option<Self>, Invalid> {
        let config::ResponseRewrites { redirects, cookie_domains, cookie_paths } = configured;
        if redirects.is_empty() && cookie_domains.is_empty() && cookie_paths.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            redirects: rules(redirects, rule::begins_with)?,
            cookie_domains: rules(cookie_domains, rule::is_domain)?,
            cookie_paths: rules(cookie_paths, rule::begins_with)?,
        }))
    }

    /// What becomes of a `Location`; `None` where it stays. As nginx: ngx_http_proxy_rewrite_redirect.
    pub fn location(&self, value: &[u8], values: &impl Values, budget: &mut MatchBudget) -> Option<Vec<u8>> {
        rewrite(&self.redirects, value, values, budget)
    }

    /// What becomes of a `Refresh`, of which the URL is rewritten. As nginx: ngx_http_upstream_rewrite_refresh.
    pub fn refresh(&self, value: &[u8], values: &impl Values, budget: &mut MatchBudget) -> Option<Vec<u8>> {
        const URL: &[u8] = b"url=";
        let start = value.windows(URL.len()).position(|part| part.eq_ignore_ascii_case(URL))? + URL.len();
        let (before, url) = value.split_at(start);
        Some([before, &rewrite(&self.redirects, url, values, budget)?].concat())
    }

    /// What becomes of a `Set-Cookie`. As nginx: ngx_http_proxy_rewrite_cookie.
    pub fn cookie(&self, value: &[u8], values: &impl Values, budget: &mut MatchBudget) -> Option<Vec<u8>> {
        cookie::with_attributes(value, |name, value| {
            let rules = match name {
                _ if name.eq_ignore_ascii_case(b"domain") => &self.cookie_domains,
                _ if name.eq_ignore_ascii_case(b"path") => &self.cookie_paths,
                _ => return None,
            };
            rewrite(rules, value, values, budget)
        })
    }

    /// Whether `Location` and `Refresh` have rules.
    pub fn has_redirects(&self) -> bool {
        !self.redirects.is_empty()
    }

    /// Whether `Set-Cookie` has rules.
    pub fn has_cookies(&self) -> bool {
        !(self.cookie_domains.is_empty() && self.cookie_paths.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ResponseRewrite, RewriteFrom, Template, Variable};
    use crate::variables::append;
    use std::sync::Arc;

    struct Shop;

    impl Values for Shop {
        fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
            *variable == Variable::Host && append(Some(b"shop"), out)
        }
    }

    /// `~PATTERN` and `~*PATTERN` are patterns; `$1` in what takes their place is a group.
    fn rule(from: &str, to: &str) -> ResponseRewrite {
        let pattern = |pattern: &str, ignores_case| RewriteFrom::Pattern { pattern: pattern.into(), ignores_case };
        let from = match (from.strip_prefix("~*"), from.strip_prefix('~')) {
            (Some(text), _) => pattern(text, true),
            (None, Some(text)) => pattern(text, false),
            (None, None) => RewriteFrom::Text(Template::parse(from).expect(from)),
        };
        let group = |text: &str| match text {
            "$1" => config::Piece::Variable(Variable::Group(1)),
            "$rest" => config::Piece::Variable(Variable::Named("rest".into())),
            text => Template::parse(text).expect(text).0[0].clone(),
        };
        let to = to.split_inclusive(' ').map(|part| group(part.trim())).collect();
        ResponseRewrite { from, to: Template(to) }
    }

    fn rules(rules: &[(&str, &str)]) -> Arc<[ResponseRewrite]> {
        rules.iter().map(|(from, to)| rule(from, to)).collect()
    }

    fn redirects(given: &[(&str, &str)]) -> ResponseRewrites {
        let configured = config::ResponseRewrites { redirects: rules(given), ..config::ResponseRewrites::default() };
        ResponseRewrites::compile(&configured).expect("valid").expect("rules")
    }

    fn text(bytes: Option<Vec<u8>>) -> Option<String> {
        bytes.map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn locations_are_rewritten_by_their_beginning_or_by_a_pattern() {
        let rewrites = redirects(&[
            ("http://backend/", "/"),
            ("http://$host/", "https://shop/"),
            ("~^http://[^/]+:80(/.*)$", "$1"),
            ("~*^HTTPS://old/(?<rest>.*)", "/new/ $rest"),
        ]);
        let location = |value: &str| text(rewrites.location(value.as_bytes(), &Shop, &mut MatchBudget::default()));
        for (value, expected) in [
            ("http://backend/a?b", Some("/a?b")),
            ("HTTP://backend/a", None),
            ("http://shop/a", Some("https://shop/a")),
            ("http://other:80/a", Some("/a")),
            ("https://OLD/x", Some("/new/x")),
            ("/a", None),
            ("", None),
        ] {
            assert_eq!(location(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn of_a_refresh_the_url_is_rewritten() {
        let rewrites = redirects(&[("http://backend/", "/")]);
        let refresh = |value: &str| text(rewrites.refresh(value.as_bytes(), &Shop, &mut MatchBudget::default()));
        assert_eq!(refresh("5; URL=http://backend/a").as_deref(), Some("5; URL=/a"));
        assert_eq!(refresh("5; url=/a"), None);
        assert_eq!(refresh("5"), None);
    }

    #[test]
    fn cookies_lose_the_domain_and_the_path_of_the_backend() {
        let configured = config::ResponseRewrites {
            cookie_domains: rules(&[("backend", "shop"), ("~*^(.*)\\.old$", "$1")]),
            cookie_paths: rules(&[("/one/", "/"), ("~*^/TWO(/.*)$", "$1")]),
            ..config::ResponseRewrites::default()
        };
        let rewrites = ResponseRewrites::compile(&configured).expect("valid").expect("rules");
        let cookie = |value: &str| text(rewrites.cookie(value.as_bytes(), &Shop, &mut MatchBudget::default()));
        for (value, expected) in [
            ("a=b; Domain=BackEnd;path = /one/two ;Secure", Some("a=b; Domain=shop; path=/two; Secure")),
            ("a=b; domain=.backend", Some("a=b; domain=.shop")),
            ("a=b; Domain=sub.backend", None),
            ("a=b; Domain=a.OLD", Some("a=b; Domain=a")),
            ("a=b; Path=/two/x", Some("a=b; Path=/x")),
            ("a=b; Path=/one; Domain", None),
            ("Domain=backend", None),
            ("Domain=backend; Domain=backend", Some("Domain=backend; Domain=shop")),
            ("a; Domain=backend", None),
        ] {
            assert_eq!(cookie(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn rules_and_patterns_are_bounded() {
        let many = |count, from: &str| {
            let redirects = std::iter::repeat_n(rule(from, "/"), count).collect();
            ResponseRewrites::compile(&config::ResponseRewrites { redirects, ..Default::default() })
        };
        assert!(many(100, "/a").is_ok());
        assert!(many(101, "/a").is_err());
        assert!(many(2, "~[a-z]{4500}").is_ok());
        assert!(many(3, "~[a-z]{4500}").is_err());
        assert!(many(1, "~(").is_err());
        assert!(many(0, "").expect("valid").is_none());
    }
}
