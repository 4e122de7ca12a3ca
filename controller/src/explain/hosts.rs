use crate::diagnostic::{Diagnostic, Statement};
use crate::translate::Translator;
use gateway::config::{EntryPoint, HostName};
use gateway::request::{HOST_LIMIT, canonical_host};
use gateway::table::{Host, HostMismatch, HostVerdict, Table};
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
pub(super) fn candidates(table: &Table, translator: &Translator, at: EntryPoint, header: &str) -> Vec<HostCandidate> {
    let mut buffer = [0; HOST_LIMIT];
    let host = canonical_host(header, &mut buffer);
    let verdicts = table.host_verdicts(at, header);
    let is_served = verdicts.iter().any(|(host, _)| matches!(host.name(), HostName::Exact(_)));
    let absent = if host.is_empty() || is_served { Vec::new() } else { why_absent(translator, host) };
    let absent = absent.into_iter().map(|why| HostCandidate { name: host.to_owned(), won: false, why });
    absent.chain(verdicts.iter().map(|(host, verdict)| judged(host, *verdict))).collect()
}

/// Why there is no virtual host of this name: mostly for want of the right class.
fn why_absent(translator: &Translator, host: &str) -> Vec<String> {
    let shown = |why: &Diagnostic| format!("{}: {}", why.object, Statement(why));
    let whys: Vec<_> = translator.not_served(host).map(shown).collect();
    if whys.is_empty() { vec!["no rule names this host".to_owned()] } else { whys }
}

fn judged(host: &Host, verdict: HostVerdict<'_>) -> HostCandidate {
    HostCandidate {
        name: host.name().to_string(),
        won: matches!(verdict, HostVerdict::Taken),
        why: why(host.name(), verdict).to_owned(),
    }
}

fn why(name: &HostName, verdict: HostVerdict<'_>) -> &'static str {
    match verdict {
        HostVerdict::Taken => why_taken(name),
        HostVerdict::NotTaken(mismatch) => why_not(mismatch),
        HostVerdict::After(first) => match (name, first.name()) {
            (HostName::Pattern(_), HostName::Pattern(_)) => "another pattern comes first",
            _ => "a more specific host comes first",
        },
        HostVerdict::AfterLimit(_) => "matching a pattern takes too long",
    }
}

fn why_taken(name: &HostName) -> &'static str {
    match name {
        HostName::Exact(_) => "is exactly this host",
        HostName::Wildcard(_) => "its * matches one label",
        HostName::Subdomains(_) => "its * stands for one label or more",
        HostName::Pattern(_) => "its pattern matches",
        HostName::Any => "takes any host",
    }
}

fn why_not(mismatch: HostMismatch<'_>) -> &'static str {
    match mismatch {
        HostMismatch::NotOneLabel => "its * matches exactly one label",
        HostMismatch::NoLabel => "its * stands for at least one label",
        HostMismatch::PatternDiffers => "its pattern does not match",
        HostMismatch::PatternLimit(_) => "matching its pattern takes too long",
    }
}
