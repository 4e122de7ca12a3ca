use super::HostName;
use std::fmt;

/// Where clients connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryPoint {
    /// The ports for cleartext HTTP.
    Http,
    /// The ports for HTTPS.
    Https,
    /// Another port ([`super::HttpPort`]). It has no hosts but its own.
    Port {
        /// The port that is opened.
        port: u16,
        /// For HTTPS, and not for cleartext HTTP.
        tls: bool,
    },
}

impl EntryPoint {
    /// Those that have the hosts of [`super::Update::hosts`].
    pub const SHARED: [Self; 2] = [Self::Http, Self::Https];

    /// Whether it is one of those.
    pub fn is_shared(self) -> bool {
        Self::SHARED.contains(&self)
    }

    /// That of clients who use TLS, or who do not, at a port of its own or at the usual ones.
    pub fn of(uses_tls: bool, own_port: Option<u16>) -> Self {
        match own_port {
            Some(port) => Self::Port { port, tls: uses_tls },
            None if uses_tls => Self::Https,
            None => Self::Http,
        }
    }

    /// Whether its clients use TLS.
    pub fn uses_tls(self) -> bool {
        matches!(self, Self::Https | Self::Port { tls: true, .. })
    }

    /// The port, where it is another one than those for all hosts.
    pub fn own_port(self) -> Option<u16> {
        match self {
            Self::Http | Self::Https => None,
            Self::Port { port, .. } => Some(port),
        }
    }

    /// The URL of a host there, without a path: `https://shop.example.com:8443`.
    pub fn url(self, host: &str) -> String {
        let scheme = if self.uses_tls() { "https" } else { "http" };
        let port = self.own_port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port}")
    }

    /// The name of a host for a person, with the entry point that has it alone, if one does.
    pub fn title(entry: Option<Self>, name: &HostName) -> String {
        entry.map_or_else(|| name.to_string(), |entry| format!("{name} ({entry})"))
    }
}

impl fmt::Display for EntryPoint {
    /// `HTTP`, or `HTTPS port 8443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.uses_tls() { "HTTPS" } else { "HTTP" })?;
        self.own_port().map_or(Ok(()), |port| write!(f, " port {port}"))
    }
}
