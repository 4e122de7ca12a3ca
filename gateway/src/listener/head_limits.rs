use crate::config::ClientSettings;

/// How large a head may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// The request line, and each header line.
    pub line: usize,
    /// All of it.
    pub head: usize,
}

impl From<&ClientSettings> for HeadLimits {
    fn from(client: &ClientSettings) -> Self {
        Self { line: client.large_header_size, head: client.head_limit() }
    }
}
