//! `block-cidrs`, `block-user-agents` and `block-referers`: 403 before anything else.

use super::networks::Networks;
use crate::config::{self, BlockedValue};
use crate::pattern::{Anchor, Case, MatchBudget, Pattern, PatternLimit};
use crate::request::{Reason, Reply, RequestView};
use http::{HeaderMap, HeaderName, header};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The compiled lists.
#[derive(Debug)]
pub struct Blocked {
    networks: Networks,
    user_agents: Values,
    referers: Values,
}

#[derive(Debug, Default)]
struct Values {
    texts: Vec<Arc<str>>,
    patterns: Vec<Pattern>,
    /// There is a pattern that cannot be compiled. Nothing is let through that it might have blocked.
    all: bool,
}

impl Blocked {
    /// Compiles the lists; `None` if they block nothing.
    pub fn compile(configured: &config::Blocked) -> Option<Self> {
        let config::Blocked { networks, user_agents, referers } = configured;
        if *configured == config::Blocked::default() {
            return None;
        }
        Some(Self {
            networks: Networks::new(networks),
            user_agents: Values::compile(user_agents),
            referers: Values::compile(referers),
        })
    }

    fn blocks(&self, request: &RequestView<'_>, client: IpAddr) -> Result<bool, PatternLimit> {
        let mut budget = MatchBudget::default();
        Ok(self.networks.contain(client)
            || self.user_agents.hold(request.headers, &header::USER_AGENT, &mut budget)?
            || self.referers.hold(request.headers, &header::REFERER, &mut budget)?)
    }
}

/// Refuses requests that are blocked, and those of which that would take too long to find out.
pub(crate) fn check(blocked: Option<&Blocked>, request: &RequestView<'_>, client: IpAddr) -> ControlFlow<Reply> {
    let Some(blocked) = blocked else { return ControlFlow::Continue(()) };
    match blocked.blocks(request, client) {
        Ok(false) => ControlFlow::Continue(()),
        Ok(true) => ControlFlow::Break(Reply::new(403, Reason::Blocked)),
        Err(PatternLimit) => ControlFlow::Break(Reply::new(500, Reason::PatternLimit)),
    }
}

impl Values {
    fn compile(values: &[BlockedValue]) -> Self {
        let mut compiled = Self::default();
        for value in values {
            match value {
                BlockedValue::Text(text) => compiled.texts.push(text.clone()),
                BlockedValue::Pattern { text, ignores_case } => {
                    let case = if *ignores_case { Case::Insensitive } else { Case::Sensitive };
                    match Pattern::compile(text, Anchor::Anywhere, case) {
                        Ok(pattern) => compiled.patterns.push(pattern),
                        Err(_) => compiled.all = true,
                    }
                }
            }
        }
        compiled
    }

    /// Whether a header has such a value; where it is there more than once, whether one of them is.
    fn hold(&self, headers: &HeaderMap, name: &HeaderName, budget: &mut MatchBudget) -> Result<bool, PatternLimit> {
        let mut values = headers.get_all(name).iter().map(|value| value.as_bytes());
        let first = values.next().unwrap_or_default();
        for value in std::iter::once(first).chain(values) {
            if self.holds(value, budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn holds(&self, value: &[u8], budget: &mut MatchBudget) -> Result<bool, PatternLimit> {
        if self.all || self.texts.iter().any(|text| value.eq_ignore_ascii_case(text.as_bytes())) {
            return Ok(true);
        }
        for pattern in &self.patterns {
            if pattern.is_match_within(value, budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method, Version};

    fn blocked(networks: &[&str], user_agents: &[&str], referers: &[&str]) -> Option<Blocked> {
        let values = |texts: &[&str]| texts.iter().map(|text| BlockedValue::from(*text)).collect();
        Blocked::compile(&config::Blocked {
            networks: networks.iter().map(|network| network.parse().expect("a network")).collect(),
            user_agents: values(user_agents),
            referers: values(referers),
        })
    }

    fn status(blocked: Option<&Blocked>, client: &str, headers: &[(HeaderName, &str)]) -> Option<u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let request = RequestView::new(&Method::GET, b"/", &map, Version::HTTP_11);
        match check(blocked, &request, client.parse().expect("an address")) {
            ControlFlow::Continue(()) => None,
            ControlFlow::Break(reply) => Some(reply.status),
        }
    }

    #[test]
    fn addresses_are_blocked_by_network() {
        let blocked = blocked(&["10.0.0.0/8", "2001:db8::/32"], &[], &[]);
        assert_eq!(status(blocked.as_ref(), "10.1.2.3", &[]), Some(403));
        assert_eq!(status(blocked.as_ref(), "2001:db8::1", &[]), Some(403));
        assert_eq!(status(blocked.as_ref(), "11.0.0.1", &[]), None);
        assert!(Blocked::compile(&config::Blocked::default()).is_none());
    }

    #[test]
    fn values_are_those_of_a_map_of_nginx() {
        let blocked = blocked(&[], &["~*bad.*bot", "~^Case", "\"two words\"", "exact"], &["~*example\\.com", "qwerty"]);
        let agent = |value| status(blocked.as_ref(), "192.0.2.1", &[(header::USER_AGENT, value)]);
        for value in ["a BAD x bot", "Case", "Two Words", "EXACT"] {
            assert_eq!(agent(value), Some(403), "{value}");
        }
        for value in ["case", "exactly", "an exact", "good"] {
            assert_eq!(agent(value), None, "{value}");
        }
        let referer = |value| status(blocked.as_ref(), "192.0.2.1", &[(header::REFERER, value)]);
        assert_eq!(["https://EXAMPLE.com/", "qwerty", "qwerty123"].map(referer), [Some(403), Some(403), None]);
        let second = [(header::USER_AGENT, "good"), (header::USER_AGENT, "exact")];
        assert_eq!(status(blocked.as_ref(), "192.0.2.1", &second), Some(403));
        assert_eq!(status(blocked.as_ref(), "192.0.2.1", &[]), None);
    }

    #[test]
    fn a_header_that_is_not_there_is_empty() {
        let blocked = blocked(&[], &["\"\""], &[]);
        assert_eq!(status(blocked.as_ref(), "192.0.2.1", &[]), Some(403));
        assert_eq!(status(blocked.as_ref(), "192.0.2.1", &[(header::USER_AGENT, "x")]), None);
    }

    #[test]
    fn what_cannot_be_compiled_lets_nothing_through() {
        let broken = BlockedValue::from("~*(");
        let blocked = Blocked::compile(&config::Blocked { referers: [broken].into(), ..config::Blocked::default() });
        assert_eq!(status(blocked.as_ref(), "192.0.2.1", &[]), Some(403));
    }
}
