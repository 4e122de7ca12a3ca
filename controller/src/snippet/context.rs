use std::fmt;

/// Where a directive stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// At the top level: `main-snippet`.
    Main,
    /// In `http`: `http-snippet`.
    Http,
    /// In `stream`: `stream-snippet`.
    Stream,
    /// In a `server`: `server-snippet`.
    Server,
    /// In an `if` in a `server`.
    ServerIf,
    /// In a `location`: `configuration-snippet`, `location-snippet`.
    Location,
    /// In a `location` that stands in a snippet. What may stand in a `location` may stand here.
    InnerLocation,
    /// In an `if` in a `location`.
    LocationIf,
    /// In the `location` of auth requests: `auth-snippet`, `global-auth-snippet`.
    Auth,
    /// In an `if` there.
    AuthIf,
}

impl Context {
    /// What an `if` in it is.
    pub(super) fn of_if(self) -> Self {
        match self {
            Self::Server | Self::ServerIf => Self::ServerIf,
            Self::Auth | Self::AuthIf => Self::AuthIf,
            _ => Self::LocationIf,
        }
    }

    /// Whether it is one of these.
    pub(super) fn is_in(self, contexts: &[Self]) -> bool {
        contexts.contains(&self) || (self == Self::InnerLocation && contexts.contains(&Self::Location))
    }

    /// Whether a directive there is about auth requests.
    pub(super) fn is_of_auth(self) -> bool {
        matches!(self, Self::Auth | Self::AuthIf)
    }

    /// Its name in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Http => "http",
            Self::Stream => "stream",
            Self::Server => "server",
            Self::ServerIf => "if in server",
            Self::Location => "location",
            Self::InnerLocation => "location in snippet",
            Self::LocationIf => "if in location",
            Self::Auth => "auth request",
            Self::AuthIf => "if in auth request",
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "the top level",
            Self::Http => "http",
            Self::Stream => "stream",
            Self::Server => "a server",
            Self::ServerIf => "an if in a server",
            Self::Location => "a location",
            Self::InnerLocation => "a location of a snippet",
            Self::LocationIf => "an if in a location",
            Self::Auth => "an auth request",
            Self::AuthIf => "an if in an auth request",
        })
    }
}
