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
}

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        })
    }
}
