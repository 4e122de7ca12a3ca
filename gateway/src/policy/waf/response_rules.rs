//! Which responses the rules look at, and how much of them.

/// Which bodies of responses are inspected. By default as ingress-nginx has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResponseBodies {
    /// `SecResponseBodyAccess`. Default true.
    pub(super) are_inspected: bool,
    /// `SecResponseBodyMimeType`: their media types. Default `text/plain`, `text/html` and `text/xml`.
    pub(super) types: Vec<String>,
    /// `SecResponseBodyLimit`: so many bytes at most. Default 512 KiB.
    pub(super) limit: usize,
    /// `SecResponseBodyLimitAction Reject`: a larger response is refused, where the rules block. Default false: what comes
    /// behind the limit is not inspected.
    pub(super) rejects_larger: bool,
}

impl Default for ResponseBodies {
    fn default() -> Self {
        let types = ["text/plain", "text/html", "text/xml"].map(str::to_owned).into();
        Self { are_inspected: true, types, limit: 512 << 10, rejects_larger: false }
    }
}

impl ResponseBodies {
    /// Whether a body with this `Content-Type` is inspected.
    pub(super) fn includes(&self, content_type: &[u8]) -> bool {
        let kind = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        self.are_inspected && self.types.iter().any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_inspected_by_their_media_type() {
        let bodies = ResponseBodies::default();
        for kind in ["text/html", "Text/HTML; charset=utf-8", "text/plain ;x"] {
            assert!(bodies.includes(kind.as_bytes()), "{kind}");
        }
        for kind in ["", "application/json", "text/htmlx", "text/event-stream"] {
            assert!(!bodies.includes(kind.as_bytes()), "{kind}");
        }
        assert!(!ResponseBodies { are_inspected: false, ..bodies }.includes(b"text/html"));
    }
}
