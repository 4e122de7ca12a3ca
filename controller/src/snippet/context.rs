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
    /// In an `if` in a `location`.
    LocationIf,
}

impl Context {
    /// What an `if` in it is.
    pub(super) fn of_if(self) -> Self {
        match self {
            Self::Server | Self::ServerIf => Self::ServerIf,
            _ => Self::LocationIf,
        }
    }

    /// Its name in nginx's documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Http => "http",
            Self::Stream => "stream",
            Self::Server => "server",
            Self::ServerIf => "if in server",
            Self::Location => "location",
            Self::LocationIf => "if in location",
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
            Self::LocationIf => "an if in a location",
        })
    }
}
