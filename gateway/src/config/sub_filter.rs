use super::{MediaTypes, Template};
use std::sync::Arc;

/// `sub_filter` and what goes with it: texts in bodies of responses that others take the place of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubFilter {
    /// Texts, which are found without regard to the case of ASCII letters, and what takes their place. Of several that begin at one
    /// place the first counts. One that is empty is not found.
    pub replaced: Arc<[(Template, Template)]>,
    /// `sub_filter_types`: the responses that are changed. Default `text/html`.
    pub types: MediaTypes,
    /// `sub_filter_once`: each text is replaced once. Default true.
    pub once: bool,
    /// `sub_filter_last_modified`: changed responses keep `Last-Modified`, and a weak `ETag`. Default false: they have neither.
    pub keeps_last_modified: bool,
}

impl SubFilter {
    /// Texts of one block.
    pub const MAX_TEXTS: usize = 100;
    /// Bytes of one text, variables included.
    pub const MAX_TEXT: usize = 512;
    /// Bytes of all texts of a block in which one has variables.
    pub const MAX_VARIABLE: usize = 4096;
}
