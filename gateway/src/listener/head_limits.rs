use crate::config::ClientSettings;
use crate::request::NameRules;

/// The largest head, in bytes, whatever the settings are.
const HEAD_LIMIT: usize = 960 << 10;

/// How large a head may be, and which of its headers are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// The request line, and each header line, in bytes.
    pub line: usize,
    /// All of it, in bytes.
    pub head: usize,
    /// How many headers it may have.
    pub headers: usize,
    /// Which headers are dropped for their names.
    pub names: NameRules,
}

impl From<&ClientSettings> for HeadLimits {
    fn from(client: &ClientSettings) -> Self {
        Self {
            line: client.large_header_size,
            head: client.head_limit().min(HEAD_LIMIT),
            headers: client.headers,
            names: client.into(),
        }
    }
}
