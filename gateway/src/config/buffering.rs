/// Whether a request's body is read to its end before a backend gets it, and where it is held until then. gRPC is never held
/// back; for FastCGI and HTTP/1.0 a body without a length always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestBuffering {
    /// `proxy-request-buffering`: it is read to its end first. Default true.
    pub on: bool,
    /// `client-body-buffer-size`: bytes of it that stay in memory; a larger body goes to a temporary file. Default 8 KiB.
    pub memory: u64,
}

impl Default for RequestBuffering {
    fn default() -> Self {
        Self { on: true, memory: 8 << 10 }
    }
}
