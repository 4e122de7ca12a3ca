use crate::diagnostic::{Diagnostic, Statement};
use crate::translate::Translator;
use gateway::config::HostName;
use gateway::request::{HOST_LIMIT, canonical_host};
use gateway::table::Table;
use serde::{Deserialize, Serialize};

/// A virtual host that could have taken the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostCandidate {
    /// Its name; `*` takes any host.
    pub name: String,
    /// Whether it took the request.
    pub won: bool,
    /// Why, or why not.
    pub why: String,
}

/// The virtual hosts that a person may have expected to take a request for `header`, the most specific first.
pub(super) fn candidates(table: &Table, translator: &Translator, header: &str) -> Vec<HostCandidate> {
    let mut buffer = [0; HOST_LIMIT];
    let host = canonical_host(header, &mut buffer);
    let winner = table.host(header).ok().flatten().map(|winner| winner.name());
    let mut names: Vec<&HostName> =
        table.hosts().map(|host| host.name()).filter(|name| is_related(name, host)).collect();
    names.sort_by_key(|name| (rank(name), *name));
    let exact = HostName::Exact(host.into());
    let absent = if host.is_empty() || names.contains(&&exact) { Vec::new() } else { why_absent(translator, host) };
    let absent = absent.into_iter().map(|why| HostCandidate { name: host.to_owned(), won: false, why });
    absent.chain(names.iter().map(|name| candidate(name, host, winner))).collect()
}

/// Why there is no virtual host of this name: mostly for want of the right class.
fn why_absent(translator: &Translator, host: &str) -> Vec<String> {
    let shown = |why: &Diagnostic| format!("{}: {}", why.object, Statement(why));
    let whys: Vec<_> = translator.not_selected(host).map(shown).collect();
    if whys.is_empty() { vec!["no rule names this host".to_owned()] } else { whys }
}

/// From the most specific to the least, as a table asks.
fn rank(name: &HostName) -> u8 {
    match name {
        HostName::Exact(_) => 0,
        HostName::Wildcard(_) => 1,
        HostName::Subdomains(_) => 2,
        HostName::Pattern(_) => 3,
        HostName::Any => 4,
    }
}

fn is_related(name: &HostName, host: &str) -> bool {
    match name {
        HostName::Exact(name) => **name == *host,
        HostName::Wildcard(suffix) | HostName::Subdomains(suffix) => {
            labels_before(host, suffix).is_some() || **suffix == *host
        }
        HostName::Pattern(_) | HostName::Any => true,
    }
}

/// `a.b` for `a.b.example.com` and `example.com`.
fn labels_before<'h>(host: &'h str, suffix: &str) -> Option<&'h str> {
    host.strip_suffix(suffix)?.strip_suffix('.')
}

fn candidate(name: &HostName, host: &str, winner: Option<&HostName>) -> HostCandidate {
    let won = winner == Some(name);
    let outranked = winner.is_some_and(|winner| rank(winner) < rank(name));
    let why = match name {
        HostName::Exact(_) => "is exactly this host",
        HostName::Wildcard(_) if won => "its * matches one label",
        HostName::Wildcard(suffix) if labels_before(host, suffix).is_none_or(|labels| labels.contains('.')) => {
            "its * matches exactly one label"
        }
        HostName::Subdomains(_) if won => "its * stands for one label or more",
        HostName::Subdomains(suffix) if labels_before(host, suffix).is_none() => "its * stands for at least one label",
        HostName::Pattern(_) if won => "its pattern matches",
        HostName::Any if won => "takes any host",
        _ if outranked => "a more specific host comes first",
        HostName::Pattern(_) => "its pattern does not match, or another one comes first",
        _ => "matching a pattern takes too long",
    };
    HostCandidate { name: name.to_string(), won, why: why.to_owned() }
}
