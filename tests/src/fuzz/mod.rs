//! Properties of everything that reads what strangers wrote.
//!
//! Each module has its properties as functions of plain values, and a `fuzz` function that makes those values of bytes:
//! libFuzzer calls it without end (`tests/fuzz`), `tests/suite/fuzzed.rs` with the seeds, and the properties themselves
//! with generated values. A property panics where it does not hold.

pub mod auth_key;
pub mod chunks;
pub mod cors;
pub mod fastcgi;
pub mod htpasswd;
pub mod manifest;
pub mod naive;
pub mod networks;
pub mod normalize;
pub mod pattern;
pub mod proxy_protocol;
pub mod request_head;
pub mod response_head;
pub mod rewrite;
pub mod routing;
pub mod snippet;

/// A fuzz target: its name, and what it does with its input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    ("auth_key", auth_key::fuzz),
    ("chunks", chunks::fuzz),
    ("cors", cors::fuzz),
    ("fastcgi", fastcgi::fuzz),
    ("htpasswd", htpasswd::fuzz),
    ("manifest", manifest::fuzz),
    ("networks", networks::fuzz),
    ("normalize", normalize::fuzz),
    ("pattern", pattern::fuzz),
    ("proxy_protocol", proxy_protocol::fuzz),
    ("request_head", request_head::fuzz),
    ("response_head", response_head::fuzz),
    ("rewrite", rewrite::fuzz),
    ("routing", routing::fuzz),
    ("snippet", snippet::fuzz),
];

/// The lines of an input, without their line feeds. Inputs are lines so that people can read and write seeds.
fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.strip_suffix(b"\n").unwrap_or(input).split(|byte| *byte == b'\n')
}

/// The next line, if it is text.
fn text<'a>(lines: &mut impl Iterator<Item = &'a [u8]>) -> Option<&'a str> {
    std::str::from_utf8(lines.next()?).ok()
}
