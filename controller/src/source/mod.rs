//! Where objects come from. Every source speaks [`SourceEvent`](crate::feed::SourceEvent), so that nothing after it differs.

pub mod cluster;
pub mod directory;
pub mod manifest;
