//! Where objects come from. Every source sends [`crate::feed::SourceEvent`]s, so that nothing after it differs.

pub mod cluster;
pub mod directory;
pub mod manifest;
