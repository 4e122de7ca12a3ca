use std::fmt;

/// How far a setting is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As in ingress-nginx.
    Full,
    /// With this difference.
    Partial(&'static str),
    /// It has no effect, for this reason. Requests are served without it; a warning says so.
    Ignored(&'static str),
}

impl Support {
    /// Whether values are applied.
    pub fn is_applied(self) -> bool {
        matches!(self, Self::Full | Self::Partial(_))
    }
}

impl fmt::Display for Support {
    /// As the documentation has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Partial(difference) => write!(f, "partial: {difference}"),
            Self::Ignored(why) => write!(f, "ignored: {why}"),
        }
    }
}
