//! `block-cidrs`, `block-user-agents` and `block-referers`: 403 before anything else.

use super::map_values::MapValues;
use super::networks::Networks;
use crate::config;
use crate::headers::{Fields, Headers};
use crate::pattern::{MatchBudget, PatternLimit};
use crate::request::{Reason, Reply, RequestView};
use std::net::IpAddr;
use std::ops::ControlFlow;

/// The compiled lists.
#[derive(Debug)]
pub struct Blocked {
    networks: Networks,
    user_agents: MapValues,
    referers: MapValues,
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
            user_agents: MapValues::compile(user_agents),
            referers: MapValues::compile(referers),
        })
    }

    fn blocks(&self, request: &RequestView<'_>, client: IpAddr) -> Result<bool, PatternLimit> {
        let mut budget = MatchBudget::default();
        Ok(self.networks.contain(client)
            || holds(&self.user_agents, request.headers, "user-agent", &mut budget)?
            || holds(&self.referers, request.headers, "referer", &mut budget)?)
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

/// Whether a header has such a value; where it is there more than once, whether one of them is. What a value that cannot be
/// compiled might have blocked is blocked.
fn holds(values: &MapValues, headers: &Headers, name: &str, budget: &mut MatchBudget) -> Result<bool, PatternLimit> {
    let mut lines = headers.values(name);
    let first = lines.next().unwrap_or_default();
    for line in std::iter::once(first).chain(lines) {
        if values.has_invalid() || values.hold(line, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MapValue;
    use http::HeaderMap;
    use http::HeaderName;
    use http::header;
    use http::{HeaderValue, Method, Version};

    fn blocked(networks: &[&str], user_agents: &[&str], referers: &[&str]) -> Option<Blocked> {
        let values = |texts: &[&str]| texts.iter().map(|text| MapValue::from(*text)).collect();
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
        let map = Headers::from(&map);
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
        let broken = MapValue::from("~*(");
        let blocked = Blocked::compile(&config::Blocked { referers: [broken].into(), ..config::Blocked::default() });
        assert_eq!(status(blocked.as_ref(), "192.0.2.1", &[]), Some(403));
    }
}
