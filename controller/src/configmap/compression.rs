//! Compression of responses, which is not supported yet.

use super::entry::Key;

pub(super) const KEYS: &[Key] = &[
    Key::planned("use-gzip", "false", "Compresses responses with gzip, for clients that accept it. Boolean."),
    Key::planned(
        "gzip-level",
        "1",
        "Sets how much gzip compresses. Whole number; a higher level compresses more and takes longer.",
    ),
    Key::planned("gzip-min-length", "256", "Sets the smallest response that gzip compresses. Bytes."),
    Key::planned("gzip-types", "", "Names the media types of responses that gzip compresses, separated by spaces."),
    Key::planned(
        "gzip-disable",
        "",
        "Names the clients that get no response compressed with gzip, by a regular expression for their `User-Agent`.",
    ),
    Key::planned("enable-brotli", "false", "Compresses responses with Brotli, for clients that accept it. Boolean."),
    Key::planned(
        "brotli-level",
        "4",
        "Sets how much Brotli compresses. Whole number; a higher level compresses more and takes longer.",
    ),
    Key::planned("brotli-min-length", "20", "Sets the smallest response that Brotli compresses. Bytes."),
    Key::planned("brotli-types", "", "Names the media types of responses that Brotli compresses, separated by spaces."),
];
