//! Compression of responses.

use super::entry::{ALSO_IN_IF, Call, Entry, HTTP_SERVER_LOCATION, set_once};
use crate::registry::{Value, compressed_types};
use crate::route_defaults::CodingDirectives;
use gateway::config::{DisabledClients, Proxied, ProxiedCondition};
use gateway::pattern::Pattern;

const BUFFERS: &str = "Adit chooses the sizes of its buffers and windows";
const NO_FILES: &str = "Adit serves no files";
const AS_GZIP: &str = "As `gzip` and its like, for Brotli.";
const OWN: &str = "The same for Zstandard, as in the module `zstd-nginx-module`.";

/// Brotli's levels above this one take too much memory: they count as this one.
const BROTLI_LEVEL: u8 = 6;

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "gzip",
        ALSO_IN_IF,
        1..=1,
        "`on` or `off`, in place of the ConfigMap's `use-gzip`. Where that is off, the defaults of the others are nginx's: level 1, from \
         20 bytes on, only `text/html`, and not for requests with `Via`.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.compression.gzip.enabled, is_on)
        },
    ),
    Entry::works("gzip_types", HTTP_SERVER_LOCATION, 1..=usize::MAX, "As the ConfigMap's `gzip-types`.", |call| {
        types(call, |block| &mut block.compression.gzip)
    }),
    Entry::works("gzip_min_length", HTTP_SERVER_LOCATION, 1..=1, "As the ConfigMap's `gzip-min-length`.", |call| {
        min_length(call, |block| &mut block.compression.gzip)
    }),
    Entry::works("gzip_comp_level", HTTP_SERVER_LOCATION, 1..=1, "As the ConfigMap's `gzip-level`.", |call| {
        let level = Value::from(call.argument(0)).number(1..=9, "a number from 1 to 9, such as \"5\"");
        set_once(&mut call.block.compression.gzip.level, level.map_err(|error| error.to_string())?)
    }),
    Entry::works(
        "gzip_proxied",
        HTTP_SERVER_LOCATION,
        1..=9,
        "Sets which responses to requests with `Via` gzip compresses: `off`, `any`, or some of `expired`, `no-cache`, `no-store`, \
         `private`, `no_last_modified`, `no_etag` and `auth`. With `use-gzip`, `any`.",
        |call| {
            let proxied = proxied(call.arguments)?;
            set_once(&mut call.block.compression.gzip_proxied, proxied)
        },
    ),
    Entry::works(
        "gzip_vary",
        HTTP_SERVER_LOCATION,
        1..=1,
        "`off` leaves out `Vary: Accept-Encoding`, for each coding. Caches may then give clients what these cannot read.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.compression.vary, is_on)
        },
    ),
    Entry::works(
        "gzip_disable",
        HTTP_SERVER_LOCATION,
        1..=usize::MAX,
        "As the ConfigMap's `gzip-disable`, with several expressions.",
        |call| {
            let clients = call.arguments.iter().map(|text| disabled(text)).collect::<Result<_, _>>()?;
            set_once(&mut call.block.compression.gzip_disable, clients)
        },
    ),
    Entry::works(
        "gzip_http_version",
        HTTP_SERVER_LOCATION,
        1..=1,
        "Only `1.1`: a client of HTTP/1.0 gets no compressed response, and with `1.0` a warning says so.",
        |call| match call.argument(0) {
            "1.1" => Ok(()),
            "1.0" => {
                call.warnings.push("has no effect: clients of HTTP/1.0 get no compressed response".into());
                Ok(())
            }
            _ => Err("is not valid: expected \"1.1\"".into()),
        },
    ),
    Entry::idle("gzip_static", HTTP_SERVER_LOCATION, NO_FILES),
    Entry::idle("gzip_*", HTTP_SERVER_LOCATION, BUFFERS),
    Entry::works("brotli", ALSO_IN_IF, 1..=1, AS_GZIP, |call| {
        let is_on = call.switch()?;
        set_once(&mut call.block.compression.brotli.enabled, is_on)
    }),
    Entry::works("brotli_types", HTTP_SERVER_LOCATION, 1..=usize::MAX, AS_GZIP, |call| {
        types(call, |block| &mut block.compression.brotli)
    }),
    Entry::works("brotli_min_length", HTTP_SERVER_LOCATION, 1..=1, AS_GZIP, |call| {
        min_length(call, |block| &mut block.compression.brotli)
    }),
    Entry::works(
        "brotli_comp_level",
        HTTP_SERVER_LOCATION,
        1..=1,
        "As the ConfigMap's `brotli-level`: levels above 6 are as 6.",
        |call| {
            let level = Value::from(call.argument(0)).number(0..=11, "a number from 0 to 11, such as \"4\"");
            let level: u8 = level.map_err(|error| error.to_string())?;
            set_once(&mut call.block.compression.brotli.level, level.min(BROTLI_LEVEL))
        },
    ),
    Entry::idle("brotli_static", HTTP_SERVER_LOCATION, NO_FILES),
    Entry::idle("brotli_*", HTTP_SERVER_LOCATION, BUFFERS),
    Entry::works("zstd", ALSO_IN_IF, 1..=1, OWN, |call| {
        let is_on = call.switch()?;
        set_once(&mut call.block.compression.zstd.enabled, is_on)
    }),
    Entry::works("zstd_types", HTTP_SERVER_LOCATION, 1..=usize::MAX, OWN, |call| {
        types(call, |block| &mut block.compression.zstd)
    }),
    Entry::works("zstd_min_length", HTTP_SERVER_LOCATION, 1..=1, OWN, |call| {
        min_length(call, |block| &mut block.compression.zstd)
    }),
    Entry::works("zstd_comp_level", HTTP_SERVER_LOCATION, 1..=1, "As the ConfigMap's `zstd-level`.", |call| {
        let level = Value::from(call.argument(0)).number(1..=6, "a number from 1 to 6, such as \"3\"");
        set_once(&mut call.block.compression.zstd.level, level.map_err(|error| error.to_string())?)
    }),
];

fn types(call: &mut Call<'_>, of: CodingOf) -> Result<(), String> {
    let types = compressed_types(call.arguments.iter().map(String::as_str)).map_err(|error| error.to_string())?;
    set_once(&mut of(call.block).types, types)
}

fn min_length(call: &mut Call<'_>, of: CodingOf) -> Result<(), String> {
    let bytes = Value::from(call.argument(0)).size().map_err(|error| error.to_string())?;
    set_once(&mut of(call.block).min_length, bytes)
}

/// The part of a block that is about one coding.
type CodingOf = fn(&mut crate::route_defaults::SnippetBlock) -> &mut CodingDirectives;

fn disabled(text: &str) -> Result<DisabledClients, String> {
    if text == "msie6" {
        return Ok(DisabledClients::Msie6);
    }
    Pattern::check(text).map_err(|error| error.to_string())?;
    Ok(DisabledClients::Pattern(text.into()))
}

fn proxied(arguments: &[String]) -> Result<Proxied, String> {
    const EXPECTED: &str = "is not valid: expected \"off\", \"any\", or some of \"expired\", \"no-cache\", \"no-store\", \"private\", \
                            \"no_last_modified\", \"no_etag\" and \"auth\"";
    let condition = |text: &String| match text.as_str() {
        "expired" => Ok(ProxiedCondition::Expired),
        "no-cache" => Ok(ProxiedCondition::NoCache),
        "no-store" => Ok(ProxiedCondition::NoStore),
        "private" => Ok(ProxiedCondition::Private),
        "no_last_modified" => Ok(ProxiedCondition::NoLastModified),
        "no_etag" => Ok(ProxiedCondition::NoEtag),
        "auth" => Ok(ProxiedCondition::Auth),
        _ => Err(EXPECTED.to_owned()),
    };
    match arguments {
        [off] if off == "off" => Ok(Proxied::Only([].into())),
        // As in nginx, `any` takes all whatever stands beside it.
        some if some.iter().any(|text| text == "any") => Ok(Proxied::Any),
        some => some.iter().map(condition).collect::<Result<_, _>>().map(Proxied::Only),
    }
}
