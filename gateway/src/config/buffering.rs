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

/// Whether a backend's response is read faster than its client takes it, and where it waits until then. Responses over HTTP/2 never
/// are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResponseBuffering {
    /// `proxy-buffering`: it is. Default false. The header `X-Accel-Buffering` of a response goes before it.
    pub on: bool,
    /// `proxy_ignore_headers` of a snippet: that header does not count. Default false.
    pub ignores_header: bool,
    /// `proxy-buffer-size` in bytes: the largest head over HTTP/1, if more than 64 KiB; up to 256 KiB. Default 4 KiB.
    pub head: u64,
    /// `proxy-buffers-number`: as many buffers of a response may wait in memory, at least 1. Default 4.
    pub buffers: u32,
    /// `proxy-buffer-size`: bytes of one of them, at least 1. Default 4 KiB.
    pub buffer: u64,
    /// `proxy-max-temp-file-size`: bytes of a response that may wait in a temporary file; 0 makes none. Default 1 GiB.
    pub file: u64,
}

impl Default for ResponseBuffering {
    fn default() -> Self {
        Self { on: false, ignores_header: false, head: 4 << 10, buffers: 4, buffer: 4 << 10, file: 1 << 30 }
    }
}
