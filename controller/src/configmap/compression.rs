//! Compression of answers. There is none yet.

use super::entry::Key;

pub(super) const KEYS: &[Key] = &[
    Key::planned("use-gzip", "false", "Answers are compressed with gzip. Boolean."),
    Key::planned("gzip-level", "1", "How much."),
    Key::planned("gzip-min-length", "256", "From how many bytes."),
    Key::planned("gzip-types", "", "Which types."),
    Key::planned("gzip-disable", "", "For which clients not."),
    Key::planned("enable-brotli", "false", "Answers are compressed with Brotli. Boolean."),
    Key::planned("brotli-level", "4", "How much."),
    Key::planned("brotli-min-length", "20", "From how many bytes."),
    Key::planned("brotli-types", "", "Which types."),
];
