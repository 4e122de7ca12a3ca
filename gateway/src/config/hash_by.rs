use super::Template;
use std::num::NonZero;

/// How an endpoint is chosen by a key of the request (`upstream-hash-by`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HashBy {
    /// The key: requests for which it is the same text go to the same endpoint, as long as the endpoints stay. An empty one is
    /// a key like any other. Only the first 64 KiB of a text count.
    pub key: Template,
    /// With `upstream-hash-by-subset`, how many endpoints share the requests of a key (`upstream-hash-by-subset-size`).
    /// Default none: one endpoint.
    pub subset: Option<NonZero<u32>>,
}
