use gateway::config::{RequestBuffering, ResponseBuffering};

/// What a block says of how bodies are held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferingDirectives {
    /// `proxy_request_buffering`.
    pub request: Option<bool>,
    /// `client_body_buffer_size`.
    pub request_memory: Option<u64>,
    /// `proxy_buffering`.
    pub response: Option<bool>,
    /// `proxy_buffer_size`.
    pub head: Option<u64>,
    /// `proxy_buffers`: how many, and the size of each.
    pub buffers: Option<(u32, u64)>,
    /// `proxy_max_temp_file_size`.
    pub file: Option<u64>,
    /// `proxy_ignore_headers`: whether `X-Accel-Buffering` is one of them.
    pub ignores_header: Option<bool>,
}

impl BufferingDirectives {
    /// Those of `self`, else those of `other`.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            request: self.request.or(other.request),
            request_memory: self.request_memory.or(other.request_memory),
            response: self.response.or(other.response),
            head: self.head.or(other.head),
            buffers: self.buffers.or(other.buffers),
            file: self.file.or(other.file),
            ignores_header: self.ignores_header.or(other.ignores_header),
        }
    }

    /// Puts them in the place of what the annotations say.
    pub(crate) fn set(self, requests: &mut RequestBuffering, responses: &mut ResponseBuffering) {
        requests.on = self.request.unwrap_or(requests.on);
        requests.memory = self.request_memory.unwrap_or(requests.memory);
        responses.on = self.response.unwrap_or(responses.on);
        responses.head = self.head.unwrap_or(responses.head);
        (responses.buffers, responses.buffer) = self.buffers.unwrap_or((responses.buffers, responses.buffer));
        responses.file = self.file.unwrap_or(responses.file);
        responses.ignores_header = self.ignores_header.unwrap_or(responses.ignores_header);
    }
}
