//! Host names as Gateway API has them: a `*.` stands for one label or more.

use gateway::config::{HostName, HostNameError};
use std::cmp::Reverse;

/// The host of a listener or a route; none is any.
pub(super) fn parse(text: Option<&str>) -> Result<HostName, HostNameError> {
    match HostName::parse(text.unwrap_or_default())? {
        HostName::Wildcard(suffix) => Ok(HostName::Subdomains(suffix)),
        HostName::Pattern(_) => Err(HostNameError::NotDns),
        name => Ok(name),
    }
}

/// The hosts that both names take, if there are any.
pub(super) fn intersection(a: &HostName, b: &HostName) -> Option<HostName> {
    let narrower = if covers(a, b) {
        b
    } else if covers(b, a) {
        a
    } else {
        return None;
    };
    Some(narrower.clone())
}

/// Whether a name takes all hosts that the other one takes.
pub(super) fn covers(wide: &HostName, narrow: &HostName) -> bool {
    match (wide, narrow) {
        (HostName::Any, _) => true,
        (HostName::Subdomains(suffix), HostName::Exact(host)) => is_below(host, suffix),
        (HostName::Subdomains(suffix), HostName::Subdomains(other)) => other == suffix || is_below(other, suffix),
        _ => wide == narrow,
    }
}

fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|before| before.len() > 1 && before.ends_with('.'))
}

/// A name, and those that cover it: the most specific first.
pub(super) fn and_wider(name: &HostName) -> Vec<HostName> {
    let mut names = vec![name.clone()];
    if let HostName::Exact(text) | HostName::Subdomains(text) = name {
        let dots = text.match_indices('.').filter(|(at, _)| *at > 0);
        names.extend(dots.map(|(at, _)| HostName::Subdomains(text[at + 1..].into())));
        names.push(HostName::Any);
    }
    names
}

/// Sorts names by how specific they are, the most specific first: those without a wildcard, then by length.
pub(super) fn specificity(name: &HostName) -> (u8, Reverse<usize>) {
    match name {
        HostName::Exact(text) => (0, Reverse(text.len())),
        HostName::Wildcard(text) | HostName::Subdomains(text) => (1, Reverse(text.len())),
        HostName::Pattern(_) => (2, Reverse(0)),
        HostName::Any => (3, Reverse(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        parse(Some(text)).expect("a host name")
    }

    #[test]
    fn names_intersect_where_one_takes_what_the_other_takes() {
        for (a, b, both) in [
            ("", "", Some("")),
            ("", "a.b", Some("a.b")),
            ("*.b", "a.b", Some("a.b")),
            ("*.b", "c.a.b", Some("c.a.b")),
            ("*.b", "*.a.b", Some("*.a.b")),
            ("*.b", "*.b", Some("*.b")),
            ("*.b", "b", None),
            ("*.b", "ab", None),
            ("*.b", "*.ab", None),
            ("a.b", "c.b", None),
        ] {
            let both = both.map(name);
            assert_eq!(intersection(&name(a), &name(b)), both, "{a} {b}");
            assert_eq!(intersection(&name(b), &name(a)), both, "{b} {a}");
        }
    }

    #[test]
    fn wider_names_come_later() {
        let shown = |text| and_wider(&name(text)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown("a.b.c"), ["a.b.c", "**.b.c", "**.c", "*"]);
        assert_eq!(shown("*.b.c"), ["**.b.c", "**.c", "*"]);
        assert_eq!(shown(""), ["*"]);
        let names = and_wider(&name("a.b.c"));
        assert!(names.is_sorted_by_key(specificity));
        assert!(names.iter().all(|wide| covers(wide, &names[0])));
    }

    #[test]
    fn what_is_no_host_name_is_refused() {
        for text in ["10.0.0.1", "~^a", "a.*.b", "a:80"] {
            assert!(parse(Some(text)).is_err(), "{text}");
        }
    }
}
