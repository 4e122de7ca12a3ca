use super::{PathKind, Route};

/// A `location` of a `server-snippet`: it stands among the paths of its host, and nginx's order decides which of all takes a
/// request.
///
/// One that is the path, byte for byte (`=`), comes first. Then, of all prefixes and paths, the longest is remembered: it takes
/// the request at once where it is `^~`. Then the regular expressions are asked in their order, those of locations before those
/// of paths. Where none matches, the prefix takes the request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// How it matches.
    pub kind: LocationKind,
    /// What it does. Its path is the location's text; it wants nothing else of a request.
    pub route: Route,
}

/// How a [`Location`] matches the decoded and normalised path of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocationKind {
    /// `= /path`: byte for byte.
    Exact,
    /// `/path`: the path begins with it, byte for byte.
    Prefix,
    /// `^~ /path`: the same, and no regular expression is asked.
    FinalPrefix,
    /// `~ PATTERN`: a regular expression of PCRE's syntax, which may match anywhere.
    Regex,
    /// `~* PATTERN`: the same without regard to case.
    RegexIgnoringCase,
    /// `@name`: it takes no request by its path. Errors lead there.
    Named,
}

impl LocationKind {
    /// The kind of its route's path.
    pub fn path_kind(self) -> PathKind {
        match self {
            // No path begins as a name does.
            Self::Exact | Self::Named => PathKind::Exact,
            Self::Prefix | Self::FinalPrefix => PathKind::Prefix,
            Self::Regex | Self::RegexIgnoringCase => PathKind::Regex,
        }
    }

    /// What stands before the path in nginx's configuration.
    pub fn modifier(self) -> &'static str {
        match self {
            Self::Exact => "=",
            Self::Prefix | Self::Named => "",
            Self::FinalPrefix => "^~",
            Self::Regex => "~",
            Self::RegexIgnoringCase => "~*",
        }
    }
}
