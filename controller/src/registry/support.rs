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
    /// Not supported yet. Requests are served without it; a warning says so.
    Planned,
    /// Not supported yet, and requests are not safe without it: the routes that it applies to answer 503.
    Denied,
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
            Self::Planned => f.write_str("not yet"),
            Self::Denied => f.write_str("refused"),
        }
    }
}
