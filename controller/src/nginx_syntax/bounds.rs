/// The longest text, in bytes: as much as all annotations of an object may take together.
pub const MAX_LENGTH: usize = 256 << 10;
/// How deep blocks may stand within each other.
pub const MAX_DEPTH: usize = 8;
/// How many directives a text may have, those in blocks included.
pub const MAX_DIRECTIVES: usize = 1000;
