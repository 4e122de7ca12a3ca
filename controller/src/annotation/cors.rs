//! Cross-origin requests. Without these headers a browser refuses them, so that nothing opens by their absence.

use super::entry::{Annotation, FALSE, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::planned(
        "enable-cors",
        Scope::Path,
        Risk::Low,
        "Adds the headers of CORS to responses, and answers preflight requests with 204. Boolean, default false.",
    )
    .unless(FALSE),
    Annotation::planned(
        "cors-allow-origin",
        Scope::Path,
        Risk::Medium,
        "Sets the origins that may read responses, separated by commas, such as `https://*.example.com`. Default `*`.",
    ),
    Annotation::planned(
        "cors-allow-methods",
        Scope::Path,
        Risk::Medium,
        "Sets the methods that other origins may use, separated by commas. Default `GET, PUT, POST, DELETE, PATCH, \
         OPTIONS`.",
    ),
    Annotation::planned(
        "cors-allow-headers",
        Scope::Path,
        Risk::Medium,
        "Sets the request headers that other origins may send, separated by commas. Default: `DNT`, `Keep-Alive`, \
         `User-Agent`, `X-Requested-With`, `If-Modified-Since`, `Cache-Control`, `Content-Type`, `Range`, \
         `Authorization`.",
    ),
    Annotation::planned(
        "cors-allow-credentials",
        Scope::Path,
        Risk::Low,
        "Sets whether other origins may send cookies and credentials. Boolean, default true.",
    ),
    Annotation::planned(
        "cors-expose-headers",
        Scope::Path,
        Risk::Medium,
        "Sets the response headers that other origins may read, separated by commas. Default: none.",
    ),
    Annotation::planned(
        "cors-max-age",
        Scope::Path,
        Risk::Low,
        "Sets how long browsers cache the response to a preflight request. Whole seconds, default 1728000.",
    ),
];
