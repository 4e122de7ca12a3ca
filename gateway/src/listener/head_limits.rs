use crate::config::ClientSettings;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// The request line, and each header line, in bytes.
    pub line: usize,
    /// All of it, in bytes.
    pub head: usize,
    /// How many headers it may have.
    pub headers: usize,
}

impl From<&ClientSettings> for HeadLimits {
    fn from(client: &ClientSettings) -> Self {
        Self { line: client.large_header_size, head: client.head_limit(), headers: client.headers }
    }
}
