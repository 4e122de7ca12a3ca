use std::fmt;
use std::sync::Arc;

/// The name of a virtual host, in lower case and without a trailing dot.
///
/// Precedence at look-up: exact, then the wildcard of one label, then those of any depth (the longest suffix first), then
/// patterns in the order of their text, then [`HostName::Any`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostName {
    /// Every host that no other virtual host takes (a rule without a host).
    Any,
    /// One host: `shop.example.com`.
    Exact(Arc<str>),
    /// One label before a suffix: `*.example.com` is `Wildcard("example.com")`.
    Wildcard(Arc<str>),
    /// One or more labels before a suffix, as a Gateway's `*.example.com` has it, and that of a `server-alias`:
    /// `Subdomains("example.com")`.
    Subdomains(Arc<str>),
    /// A regular expression over the whole host, as `server-alias` allows: `~^www\d+\.example\.com$` is
    /// `Pattern("^www\d+\.example\.com$")`. Matched without regard to case.
    Pattern(Arc<str>),
}

/// Why a text is not a host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// A label is empty, too long, or has a character that no DNS name has.
    #[error("is not a DNS name: expected labels of a-z, 0-9 and '-' separated by dots, such as shop.example.com")]
    NotDns,
    /// A `*` elsewhere than as the whole first label.
    #[error("has a '*' in the wrong place: expected it as the whole first label, such as *.example.com")]
    Wildcard,
    /// An IP address.
    #[error("is an IP address: expected a DNS name")]
    Address,
}

impl HostName {
    /// Parses the host of a rule or an alias: empty is [`HostName::Any`], a leading `~` makes a pattern. The pattern
    /// itself is checked when it is compiled.
    ///
    /// # Errors
    /// The text is an IP address, is not a DNS name, or has a `*` elsewhere than as its whole first label.
    pub fn parse(text: &str) -> Result<Self, HostNameError> {
        if let Some(pattern) = text.strip_prefix('~') {
            return Ok(Self::Pattern(pattern.into()));
        }
        if text.is_empty() {
            return Ok(Self::Any);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.parse::<std::net::IpAddr>().is_ok() {
            return Err(HostNameError::Address);
        }
        let (wildcard, rest) = match name.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, name.as_str()),
        };
        if rest.contains('*') {
            return Err(HostNameError::Wildcard);
        }
        if rest.len() > 253 || !rest.split('.').all(is_label) {
            return Err(HostNameError::NotDns);
        }
        Ok(if wildcard { Self::Wildcard(rest.into()) } else { Self::Exact(rest.into()) })
    }

    /// As it is written, where only one of the two wildcards is allowed: `*.example.com` for both.
    pub fn as_written(&self) -> String {
        match self {
            Self::Subdomains(suffix) => format!("*.{suffix}"),
            name => name.to_string(),
        }
    }

    /// The same host with `www.`, or without it. Only exact names have one.
    pub fn www_counterpart(&self) -> Option<Self> {
        let Self::Exact(name) = self else { return None };
        let counterpart = name.strip_prefix("www.").map_or_else(|| format!("www.{name}"), str::to_owned);
        Self::parse(&counterpart).ok()
    }
}

/// A DNS label as Kubernetes takes it, and `_`, which some internal names have.
fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(suffix) => write!(f, "*.{suffix}"),
            Self::Subdomains(suffix) => write!(f, "**.{suffix}"),
            Self::Pattern(pattern) => write!(f, "~{pattern}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_kubernetes_takes() {
        assert_eq!(HostName::parse(""), Ok(HostName::Any));
        assert_eq!(HostName::parse("Shop.Example.com."), Ok(HostName::Exact("shop.example.com".into())));
        assert_eq!(HostName::parse("*.example.com"), Ok(HostName::Wildcard("example.com".into())));
        assert_eq!(HostName::parse("~^a$"), Ok(HostName::Pattern("^a$".into())));
    }

    #[test]
    fn a_name_is_shown_as_it_is_written() {
        for text in ["a.b", "*.a.b", "~^a"] {
            assert_eq!(HostName::parse(text).expect("a host name").as_written(), text);
        }
        assert_eq!(HostName::Any.as_written(), "*");
        assert_eq!(HostName::Subdomains("a.b".into()).as_written(), "*.a.b");
    }

    #[test]
    fn exact_names_have_a_www_counterpart() {
        let counterpart = |text| {
            let host = HostName::parse(text).expect("a host name");
            host.www_counterpart().map(|host| host.to_string())
        };
        assert_eq!(counterpart("x.com").as_deref(), Some("www.x.com"));
        assert_eq!(counterpart("www.x.com").as_deref(), Some("x.com"));
        assert_eq!(counterpart("*.x.com"), None);
        assert_eq!(counterpart(""), None);
    }

    #[test]
    fn refuses_the_rest() {
        assert_eq!(HostName::parse("10.0.0.1"), Err(HostNameError::Address));
        assert_eq!(HostName::parse("a.*.com"), Err(HostNameError::Wildcard));
        for text in ["*", "*foo.com", "a..b", "-a.com", "a b", "a:80"] {
            assert!(HostName::parse(text).is_err(), "{text}");
        }
    }
}
