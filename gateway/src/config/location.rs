use super::PathKind;

/// How a [`Location`](super::Location) matches the decoded and normalised path of a request.
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
