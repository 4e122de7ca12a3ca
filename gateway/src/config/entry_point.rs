use super::HostName;
use std::fmt;

/// Where clients connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryPoint {
    /// The ports for cleartext HTTP.
    Http,
    /// The ports for HTTPS.
    Https,
}

impl EntryPoint {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Http, Self::Https];

    /// That of clients who use TLS, or who do not.
    pub fn of(uses_tls: bool) -> Self {
        if uses_tls { Self::Https } else { Self::Http }
    }

    /// The name of a host for a person, with the entry point that has it alone, if one does.
    pub fn title(entry: Option<Self>, name: &HostName) -> String {
        entry.map_or_else(|| name.to_string(), |entry| format!("{name} ({entry})"))
    }
}

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        })
    }
}
