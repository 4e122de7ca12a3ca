//! Compression of responses.

use super::entry::Key;
use crate::registry::{Value, ValueError, compressed_types};
use gateway::config::{Coding, DisabledClients};
use gateway::pattern::Pattern;

/// Brotli's levels above this one take 8 MiB and more for each response.
const BROTLI_LEVEL: u8 = 6;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "use-gzip",
        "false",
        "Compresses responses with gzip, for clients whose `Accept-Encoding` gives gzip at least as much weight as no \
         compression. Boolean. Compressed are responses with the status 200, 403 or 404 and a type of `gzip-types` that have no \
         `Content-Encoding`, and whose `Content-Length`, if they have one, is at least `gzip-min-length`. Never compressed are \
         streams of events (`text/event-stream`), calls of gRPC, responses to clients of HTTP/1.0, and where the request or the \
         response says `no-transform`. Compressed responses get `Vary: Accept-Encoding` and a weak `ETag`, and lose \
         `Content-Length` and `Accept-Ranges`. Nothing waits for more of the response: what the backend has sent goes out at \
         once.",
        |value, draft| {
            draft.config.gateway.compression.gzip.enabled = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "gzip-level",
        "1",
        "Sets how much gzip compresses: from 1 to 9. A higher level compresses more and takes longer.",
        |value, draft| {
            draft.config.gateway.compression.gzip.level = value.number(1..=9, "a number from 1 to 9, such as \"5\"")?;
            Ok(())
        },
    ),
    Key::full(
        "gzip-min-length",
        "256",
        "Sets how long a response has to be for gzip, where it has a `Content-Length`. Bytes. One without is compressed, \
         however short it is.",
        |value, draft| {
            draft.config.gateway.compression.gzip.min_length = length(value)?;
            Ok(())
        },
    ),
    Key::full(
        "gzip-types",
        "",
        "Names the media types of responses that gzip compresses beside `text/html`, separated by spaces; `*` is all. By default \
         the types of text that ingress-nginx has, such as `application/json`, `text/css` and `image/svg+xml`.",
        |value, draft| set_types(&mut draft.config.gateway.compression.gzip, value),
    ),
    Key::full(
        "gzip-disable",
        "",
        "Names the clients that get no response compressed with gzip, by a regular expression for their `User-Agent`; case does \
         not count. `msie6` stands for Internet Explorer 4 to 6, but for its service pack `SV1`.",
        |value, draft| {
            draft.config.gateway.compression.gzip_disable = match value.text() {
                "" => [].into(),
                "msie6" => [DisabledClients::Msie6].into(),
                pattern => {
                    Pattern::check(pattern).map_err(|error| error.to_string())?;
                    [DisabledClients::Pattern(pattern.into())].into()
                }
            };
            Ok(())
        },
    ),
    Key::full(
        "enable-brotli",
        "false",
        "Compresses responses with Brotli, as `use-gzip` does with gzip, but by the keys that begin with `brotli-`. Boolean. A \
         client that gives gzip and Brotli the same weight gets Brotli.",
        |value, draft| {
            draft.config.gateway.compression.brotli.enabled = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "brotli-level",
        "4",
        "Sets how much Brotli compresses: from 0 to 11. A higher level compresses more and takes longer.",
        |value, draft| {
            let level: u8 = value.number(0..=11, "a number from 0 to 11, such as \"4\"")?;
            draft.config.gateway.compression.brotli.level = level.min(BROTLI_LEVEL);
            Ok(())
        },
    )
    .but("Levels above 6 are as 6, since they take 8 MiB and more of memory for each response."),
    Key::full("brotli-min-length", "20", "As `gzip-min-length`, for Brotli.", |value, draft| {
        draft.config.gateway.compression.brotli.min_length = length(value)?;
        Ok(())
    }),
    Key::full(
        "brotli-types",
        "",
        "As `gzip-types`, for Brotli. By default those of `gzip-types`, and `application/xml+rss`.",
        |value, draft| set_types(&mut draft.config.gateway.compression.brotli, value),
    ),
    Key::full(
        "enable-zstd",
        "false",
        "Compresses responses with Zstandard, as `use-gzip` does with gzip, but by the keys that begin with `zstd-`. Boolean. A \
         client that gives several codings the same weight gets Zstandard. Adit's own.",
        |value, draft| {
            draft.config.gateway.compression.zstd.enabled = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "zstd-level",
        "3",
        "Sets how much Zstandard compresses: from 1 to 6. A higher level compresses more and takes longer. Adit's own.",
        |value, draft| {
            draft.config.gateway.compression.zstd.level = value.number(1..=6, "a number from 1 to 6, such as \"3\"")?;
            Ok(())
        },
    ),
    Key::full("zstd-min-length", "256", "As `gzip-min-length`, for Zstandard. Adit's own.", |value, draft| {
        draft.config.gateway.compression.zstd.min_length = length(value)?;
        Ok(())
    }),
    Key::full("zstd-types", "", "As `gzip-types`, for Zstandard. Adit's own.", |value, draft| {
        set_types(&mut draft.config.gateway.compression.zstd, value)
    }),
];

/// Without a value they stay the default ones.
fn set_types(coding: &mut Coding, value: Value<'_>) -> Result<(), ValueError> {
    if !value.text().is_empty() {
        coding.types = compressed_types(value.text().split_ascii_whitespace())?;
    }
    Ok(())
}

fn length(value: Value<'_>) -> Result<u64, ValueError> {
    value.number(0..=u64::from(u32::MAX), "a number of bytes, such as \"256\"")
}
