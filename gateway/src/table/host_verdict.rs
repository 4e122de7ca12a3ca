//! What became of each virtual host in the look-up of a request's host, for a person who asks why.

use super::Table;
use super::host::Host;
use super::host_index::{suffix_after_one_label, suffixes};
use crate::config::{EntryPoint, HostName};
use crate::pattern::Pattern;
use crate::request::{HOST_LIMIT, canonical_host};
use std::cmp::Reverse;
use std::sync::Arc;

/// What became of a virtual host in the look-up of a request's host.
#[derive(Clone, Copy, Debug)]
pub enum HostVerdict<'t> {
    /// It takes the request.
    Taken,
    /// It would take the request, but this host comes first.
    After(&'t Arc<Host>),
    /// It would take the request, but this pattern comes first and takes too long.
    AfterLimit(&'t Pattern),
    /// It does not take the request.
    NotTaken(HostMismatch<'t>),
}

/// Why a virtual host does not take a request, whatever other hosts there are.
#[derive(Clone, Copy, Debug)]
pub enum HostMismatch<'t> {
    /// It is a wildcard of one label, and the host has its suffix, but not exactly one label before it.
    NotOneLabel,
    /// It is a wildcard of any depth, and the host is its suffix without a label before it.
    NoLabel,
    /// Its pattern does not match.
    PatternDiffers,
    /// Its pattern takes too long.
    PatternLimit(&'t Pattern),
}

impl Table {
    /// The virtual hosts that one may expect to take a request with this raw `Host` header, in the order in which they
    /// are asked, with what became of each: all but those of another name or suffix.
    pub fn host_verdicts(&self, at: EntryPoint, header: &str) -> Vec<(&Arc<Host>, HostVerdict<'_>)> {
        let mut buffer = [0; HOST_LIMIT];
        let name = canonical_host(header, &mut buffer);
        let hosts = self.hosts_at(at);
        let found = hosts.find(name);
        let judge = |host| Some((host, verdict(host, host_fit(host, name)?, found)));
        let mut verdicts: Vec<_> = hosts.iter().filter_map(judge).collect();
        verdicts.sort_by(|(a, _), (b, _)| precedence(&a.name).cmp(&precedence(&b.name)));
        verdicts
    }
}

/// What becomes of a host, by whether it takes the request when it is alone and by what the look-up found.
fn verdict<'t>(
    host: &Arc<Host>,
    fit: Result<(), HostMismatch<'t>>,
    found: Result<Option<&'t Arc<Host>>, &'t Pattern>,
) -> HostVerdict<'t> {
    match (fit, found) {
        (Err(mismatch), _) => HostVerdict::NotTaken(mismatch),
        (Ok(()), Ok(Some(first))) if !Arc::ptr_eq(first, host) => HostVerdict::After(first),
        (Ok(()), Err(pattern)) => HostVerdict::AfterLimit(pattern),
        (Ok(()), Ok(_)) => HostVerdict::Taken,
    }
}

/// Whether a virtual host takes a canonical host when it is alone; `None` if that has another name or suffix.
fn host_fit<'t>(host: &'t Host, name: &str) -> Option<Result<(), HostMismatch<'t>>> {
    match &host.name {
        HostName::Any => Some(Ok(())),
        HostName::Exact(exact) => (**exact == *name).then_some(Ok(())),
        HostName::Wildcard(suffix) if suffix_after_one_label(name) == Some(suffix) => Some(Ok(())),
        HostName::Wildcard(suffix) => has_suffix(name, suffix).then_some(Err(HostMismatch::NotOneLabel)),
        HostName::Subdomains(suffix) if suffixes(name).any(|other| *other == **suffix) => Some(Ok(())),
        HostName::Subdomains(suffix) => has_suffix(name, suffix).then_some(Err(HostMismatch::NoLabel)),
        HostName::Pattern(_) => Some(match host.matches_pattern(name) {
            Ok(true) => Ok(()),
            Ok(false) => Err(HostMismatch::PatternDiffers),
            Err(pattern) => Err(HostMismatch::PatternLimit(pattern)),
        }),
    }
}

/// Whether a host is the suffix of a wildcard, or anything before a dot and it.
fn has_suffix(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Sorts by the order in which the hosts that take a name are asked.
fn precedence(name: &HostName) -> (u8, Reverse<usize>, &HostName) {
    let (rank, suffix) = match name {
        HostName::Exact(_) => (0, 0),
        HostName::Wildcard(_) => (1, 0),
        HostName::Subdomains(suffix) => (2, suffix.len()),
        HostName::Pattern(_) => (3, 0),
        HostName::Any => (4, 0),
    };
    (rank, Reverse(suffix), name)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::config::PathMatching;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    const NAMES: [&str; 9] = ["", "a.b", "x.a.b", "*.b", "*.a.b", "**.b", "**.a.b", "~^x", r"~(?=(.+))\1b$"];
    const HEADERS: [&str; 10] = ["a.b", "x.a.b", "y.a.b", "y.x.a.b", "b", ".b", "..b", "", "X.c", "c"];

    proptest! {
        /// A host takes alone what its verdict says, and a host without a verdict takes nothing; the one that takes the
        /// request is the first of those that would.
        #[test]
        fn verdicts_agree_with_the_lookup(
            names in subsequence(NAMES.to_vec(), 1..NAMES.len()),
            header in select(HEADERS.to_vec()),
        ) {
            let serving = |names: &[&str]| {
                let hosts: Vec<_> = names.iter().map(|name| (*name, &[][..])).collect();
                fixtures::table(PathMatching::Nginx, &hosts)
            };
            let table = serving(&names);
            let winner = table.host(EntryPoint::Http, header).expect("quick");
            let verdicts = table.host_verdicts(EntryPoint::Http, header);
            let would = |verdict: &HostVerdict<'_>| matches!(verdict, HostVerdict::Taken | HostVerdict::After(_));
            let first = verdicts.iter().find(|(_, verdict)| would(verdict));
            prop_assert_eq!(first.map(|(host, _)| host.name()), winner.map(|host| host.name()));
            for (number, (host, verdict)) in verdicts.iter().enumerate() {
                let is_first = first.is_some_and(|(first, _)| Arc::ptr_eq(first, host));
                prop_assert_eq!(matches!(verdict, HostVerdict::Taken), is_first, "{} {:?}", number, verdict);
            }
            for name in &names {
                let parsed = table.hosts().find(|host| fixtures::host_of(name, Vec::new()).name == *host.name());
                let verdict = verdicts.iter().find(|(host, _)| parsed.is_some_and(|parsed| Arc::ptr_eq(parsed, host)));
                let alone = serving(&[*name]).host(EntryPoint::Http, header).expect("quick").is_some();
                prop_assert_eq!(verdict.is_some_and(|(_, verdict)| would(verdict)), alone, "{}", name);
            }
        }
    }

    #[test]
    fn a_host_says_why_it_does_not_take_a_request() {
        let table = fixtures::table(PathMatching::Nginx, &[("*.b", &[]), ("**.a.b", &[]), ("~^x", &[]), ("c", &[])]);
        let verdicts = table.host_verdicts(EntryPoint::Http, "a.b.");
        let shown: Vec<_> = verdicts.iter().map(|(host, verdict)| (host.name().to_string(), verdict)).collect();
        assert!(
            matches!(
                &shown[..],
                [
                    (_, HostVerdict::Taken),
                    (_, HostVerdict::NotTaken(HostMismatch::NoLabel)),
                    (_, HostVerdict::NotTaken(HostMismatch::PatternDiffers)),
                ]
            ),
            "{shown:?}"
        );
    }
}
