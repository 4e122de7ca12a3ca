//! Bodies, and the buffers that they pass through. Adit streams responses, and chooses the sizes of its buffers for them.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::ValueError;
use crate::route_defaults::Risk;

const STREAMED: &str = "responses are streamed, and Adit chooses the sizes of its buffers";
const ON_OR_OFF: &str = "\"on\" or \"off\"";

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
        Scope::Ingress,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether responses are buffered before the client gets them: `on` or `off`. Default: the ConfigMap's \
         `proxy-buffering` (`off`).",
        |value, _| match value.one_of(&["on", "off"], ON_OR_OFF)? {
            "on" => Err(ValueError::Unsupported("is not supported: responses are streamed, as with \"off\"")),
            _ => Ok(()),
        },
    )
    .but("Responses are always streamed, as with `off`."),
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
    Annotation::ignored(
        "proxy-buffer-size",
        STREAMED,
        "Sets the size of the buffer for a response head, and so the largest head. Bytes, or a number with `k` or \
         `m`. Default: the ConfigMap's `proxy-buffer-size` (4k).",
    ),
    Annotation::ignored(
        "proxy-buffers-number",
        STREAMED,
        "Sets how many buffers one response may use. Whole number. Default: the ConfigMap's `proxy-buffers-number` \
         (4).",
    ),
    Annotation::ignored(
        "proxy-busy-buffers-size",
        STREAMED,
        "Sets how many bytes of a response may wait for a slow client. Bytes, or a number with `k` or `m`. Default: \
         the ConfigMap's `proxy-busy-buffers-size` (8k).",
    ),
    Annotation::ignored(
        "proxy-max-temp-file-size",
        STREAMED,
        "Sets how much of a response may be written to a temporary file. Bytes, or a number with `k` or `m`. \
         Default: the ConfigMap's `proxy-max-temp-file-size` (1024m).",
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
