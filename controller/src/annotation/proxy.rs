//! What is changed in the answers of a backend.

use super::entry::{Annotation, Scope};
use crate::object::Kind;
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::planned(
        "proxy-cookie-domain",
        Scope::Path,
        Risk::Medium,
        "Replaces the domain in the backend's `Set-Cookie` headers: `off`, or the domain to replace and the new one, \
         separated by a space. Default: the ConfigMap's `proxy-cookie-domain` (`off`).",
    )
    .unless(&["off"]),
    Annotation::planned(
        "proxy-cookie-path",
        Scope::Path,
        Risk::Medium,
        "Replaces the path in the backend's `Set-Cookie` headers: `off`, or the path to replace and the new one, \
         separated by a space. Default: the ConfigMap's `proxy-cookie-path` (`off`).",
    )
    .unless(&["off"]),
    Annotation::planned(
        "proxy-redirect-from",
        Scope::Path,
        Risk::Medium,
        "Sets the beginning of the backend's `Location` and `Refresh` headers that `proxy-redirect-to` replaces. A \
         URL, or `off`. Default: the ConfigMap's `proxy-redirect-from` (`off`).",
    )
    .unless(&["off"]),
    Annotation::planned(
        "proxy-redirect-to",
        Scope::Path,
        Risk::Medium,
        "Sets the text that replaces `proxy-redirect-from`. A URL, or `off`. Default: the ConfigMap's \
         `proxy-redirect-to` (`off`).",
    )
    .unless(&["off"]),
    Annotation::denied(
        "custom-headers",
        Scope::Path,
        Risk::Medium,
        "Names a ConfigMap, as `namespace/name`, with headers that are set on responses. They are often headers that \
         protect browsers. Default: none.",
    )
    .refers_to(Kind::ConfigMap),
];
