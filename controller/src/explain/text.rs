use super::source::Source;
use super::{
    Action, AuthServer, Draft, Explanation, MirrorServer, Outcome, Policy, Reach, RouteCandidate, ShownCertificate,
};
use std::fmt;

/// Routes that do not match and are still listed; the rest is counted.
const MISSES_SHOWN: usize = 20;

impl fmt::Display for Explanation {
    /// For a person: one fact a line, the answer last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.request)?;
        if let Some(path) = &self.path {
            writeln!(f, "  matched as {path}")?;
        }
        self.draft.iter().try_for_each(|draft| writeln!(f, "\n{draft}"))?;
        writeln!(f, "\nlistener\n    {}\n\nhosts", self.listener)?;
        for host in &self.hosts {
            writeln!(f, "  {} {}: {}", mark(host.won), host.name, host.why)?;
        }
        self.fmt_routes(f)?;
        if !self.policies.is_empty() {
            writeln!(f, "\npolicies, in the order in which they run")?;
        }
        self.policies.iter().try_for_each(|policy| writeln!(f, "  {policy}"))?;
        if !self.settings.is_empty() {
            writeln!(f, "\nsettings")?;
        }
        for setting in &self.settings {
            writeln!(f, "    {}: {:?}", setting.name, setting.value)?;
            writeln!(f, "      {}", setting.effect)?;
            writeln!(f, "      {}", setting.source)?;
        }
        if !self.certificates.is_empty() {
            writeln!(f, "\ncertificate")?;
        }
        for certificate in &self.certificates {
            writeln!(f, "    {certificate}")?;
        }
        writeln!(f, "\nanswer\n  {}", self.action)
    }
}

impl Explanation {
    /// The routes to list for a person, and how many are left out: of those that do not match, the first are enough.
    pub fn listed_routes(&self) -> (Vec<&RouteCandidate>, usize) {
        let mut misses = 0;
        let is_listed = |route: &&RouteCandidate| {
            misses += usize::from(!route.matches);
            route.matches || misses <= MISSES_SHOWN
        };
        (self.routes.iter().filter(is_listed).collect(), misses.saturating_sub(MISSES_SHOWN))
    }

    fn fmt_routes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.routes.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nroutes, in order of precedence")?;
        let (listed, left_out) = self.listed_routes();
        for route in listed {
            writeln!(f, "  {} {route}", mark(route.won))?;
        }
        if left_out > 0 {
            writeln!(f, "    and {left_out} more that do not match")?;
        }
        if let Some(next) = &self.next {
            writeln!(f, "    without it, the winner would be {next}")?;
        }
        Ok(())
    }
}

fn mark(won: bool) -> char {
    if won { '>' } else { '-' }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "as it would be with {}", self.objects.join(", "))?;
        self.diagnostics.iter().try_for_each(|diagnostic| write!(f, "\n    {diagnostic}"))?;
        write!(f, "\n  now\n  {}", self.now)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, what, outcome } = self;
        match outcome {
            Outcome::Passes => write!(f, "  {name}: {what}"),
            Outcome::Answers => write!(f, "> {name}: {what}"),
            Outcome::NotReached => write!(f, "  {name} ({}): {what}", outcome.words()),
        }
    }
}

impl fmt::Display for RouteCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}\n      {}", self.kind, self.path, self.why, self.source)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.field)
    }
}

impl fmt::Display for ShownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(secret) = &self.secret else {
            return f.write_str("the default certificate, which is self-signed");
        };
        f.write_str(secret)?;
        if self.is_default {
            f.write_str(", the default certificate")?;
        }
        self.not_after.iter().try_for_each(|not_after| write!(f, ", not after {not_after}"))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward {
                backend,
                at,
                ejected,
                tls,
                target,
                canary,
                session,
                auth,
                mirrors,
                certificate,
                limits,
                error_page,
            } => {
                write!(f, "forwarded to {backend} as {target}\n  {at}")?;
                ejected
                    .iter()
                    .try_for_each(|endpoint| write!(f, "\n  but not at {endpoint}, which has failed too often"))?;
                tls.iter().try_for_each(|tls| write!(f, "\n  {tls}"))?;
                canary.iter().chain(session).chain(error_page).try_for_each(|sentence| write!(f, "\n  {sentence}"))?;
                certificate.iter().try_for_each(|certificate| write!(f, "\n  {certificate}"))?;
                auth.iter().try_for_each(|AuthServer { url, at }| write!(f, "\n  if {url} allows it, {at}"))?;
                mirrors.iter().try_for_each(|mirror| write!(f, "\n  {mirror}"))?;
                limits.iter().try_for_each(|limit| write!(f, "\n  {limit}"))
            }
            Self::PassThrough { terminates, backend, share, at, tls, source } => {
                f.write_str(if *terminates { "what comes over TLS goes as it is" } else { "TLS is passed through" })?;
                write!(f, " to {backend}")?;
                share.iter().try_for_each(|share| write!(f, " ({share} connections)"))?;
                writeln!(f, "; the routes and settings above do not apply")?;
                match at {
                    Some(at) => writeln!(f, "  {at}")?,
                    None => writeln!(f, "  which has no endpoint: connections are closed")?,
                }
                tls.iter().try_for_each(|tls| writeln!(f, "  {tls}"))?;
                write!(f, "  {source}")
            }
            Self::Reply { status, why, location: None } => write!(f, "{status}: {why}"),
            Self::Reply { status, why, location: Some(location) } => write!(f, "{status} to {location}: {why}"),
        }
    }
}

impl fmt::Display for MirrorServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.at, &self.share) {
            (Some(at), None) => write!(f, "with a copy to {}, {at}", self.url),
            (Some(at), Some(share)) => write!(f, "with copies of {share} such requests to {}, {at}", self.url),
            (None, _) => write!(f, "without a copy to {}, which has no endpoint", self.url),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "at the addresses of {name}"),
            Self::Addresses(addresses) => {
                f.write_str(if addresses.len() == 1 { "at " } else { "at one of " })?;
                let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                f.write_str(&shown.join(", "))
            }
        }
    }
}
