//! Bodies, and the buffers that they pass through.

use super::entry::{Annotation, Invalid, Scope};
use super::read::Reader;
use crate::diagnostic::Reason;
use crate::registry::{BUSY_BUFFERS, LARGEST_HEAD};
use crate::route_defaults::Risk;
use gateway::config::BackendProtocol;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "proxy-body-size",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the largest request body. Bytes, or a number with `k`, `m` or `g` for multiples of 1024; 0 is no \
         limit. Default: the ConfigMap's `proxy-body-size` (1m). A larger body is answered with 413.",
        |value, draft| {
            draft.policies.body_limit = match value.size_or_nothing()? {
                Some(0) => None,
                Some(bytes) => Some(bytes),
                None => Some(1 << 20),
            };
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-buffering",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether a response is read as fast as the backend sends it, however slow the client is: `on` or `off`. What the \
         client has not taken waits in memory (`proxy-buffer-size`, `proxy-buffers-number`), more in a temporary file \
         (`proxy-max-temp-file-size`). The client gets each piece at once, as with `off`. Default: the ConfigMap's \
         `proxy-buffering` (`off`). The header `X-Accel-Buffering` of a response, `yes` or `no`, goes before it. It does not \
         apply to gRPC.",
        |value, draft| {
            draft.policies.response_buffering.on = value.on_or_off()?;
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-request-buffering",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether a request body is read to its end before a backend is connected and gets it, with its length: `on` or \
         `off`. Default: the ConfigMap's `proxy-request-buffering` (`on`). A body that is held back can be sent to another \
         endpoint, whatever its size; a client that goes away in the middle reaches no backend. It does not apply to gRPC. \
         `off` passes a body on as it comes, except one without a length for FastCGI or HTTP/1.0.",
        |value, draft| {
            draft.policies.request_buffering.on = value.on_or_off()?;
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-buffer-size",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets the size of the buffers for a response (`proxy-buffering`), and the largest head of one. Bytes above 0, or a \
         number with `k`, `m` or `g` for multiples of 1024. Default: the ConfigMap's `proxy-buffer-size` (4k).",
        |value, draft| {
            if value.size_or_nothing()?.is_some() {
                let (buffering, bytes) = (&mut draft.policies.response_buffering, value.buffer_size()?);
                (buffering.head, buffering.buffer) = (bytes, bytes);
            }
            Ok(())
        },
    )
    .but(LARGEST_HEAD),
    Annotation::full(
        "proxy-buffers-number",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how many buffers of a response may wait in memory for a slow client (`proxy-buffering`). Whole number from 1 to \
         65536. Default: the ConfigMap's `proxy-buffers-number` (4).",
        |value, draft| {
            draft.policies.response_buffering.buffers = value.buffers()?;
            Ok(())
        },
    ),
    Annotation::ignored(
        "proxy-busy-buffers-size",
        BUSY_BUFFERS,
        "Sets how many bytes of a response are on their way to a slow client. Bytes, or a number with `k` or `m`. Default: \
         the ConfigMap's `proxy-busy-buffers-size` (8k).",
    ),
    Annotation::full(
        "proxy-max-temp-file-size",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how much of a response may wait for a slow client in a temporary file (`proxy-buffering`). Bytes, or a number \
         with `k`, `m` or `g`; 0 makes no file. Default: the ConfigMap's `proxy-max-temp-file-size` (1024m). Beyond it, or \
         beyond `max-temp-files-size`, the backend waits.",
        |value, draft| {
            if let Some(bytes) = value.size_or_nothing()? {
                draft.policies.response_buffering.file = bytes;
            }
            Ok(())
        },
    ),
    Annotation::full(
        "client-body-buffer-size",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets how much of a request body that is held back stays in memory. Bytes, or a number with `k`, `m` or `g` for \
         multiples of 1024. Default: the ConfigMap's `client-body-buffer-size` (8k). A larger body goes to a temporary file, \
         see `--temp-path`.",
        |value, draft| {
            if let Some(bytes) = value.size_or_nothing()? {
                draft.policies.request_buffering.memory = bytes;
            }
            Ok(())
        },
    ),
];

impl Reader<'_> {
    /// Says it where bodies may be larger than what can be held back of them. Who asks for neither is told by the ConfigMap.
    pub(super) fn large_bodies(&mut self) {
        let settings = &self.reading.settings;
        if settings.redirect.is_some()
            || matches!(settings.backend.protocol, BackendProtocol::Grpc | BackendProtocol::Grpcs)
        {
            return;
        }
        let asked = ["proxy-body-size", "proxy-request-buffering"].into_iter().find(|key| !self.value(key).is_empty());
        if let Some(key) = asked
            && let Some(complaint) = self.context.defaults.too_large_to_hold(&settings.policies)
        {
            self.warn(key, self.value(key), Reason::Limited, &complaint);
        }
    }
}
