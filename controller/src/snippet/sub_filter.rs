//! Texts in bodies of responses.

use super::entry::{Call, Entry, HTTP_SERVER_LOCATION, set_once};
use super::template::literals;
use crate::registry::compressed_types;
use gateway::config::SubFilter;

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "sub_filter",
        HTTP_SERVER_LOCATION,
        2..=2,
        "Replaces a text in the bodies of responses, without regard to the case of ASCII letters. Both may have variables; a text \
         that these make empty, or longer than 512 bytes, is not replaced, nor what comes after 4 KiB of texts in such a block. Of \
         several that begin at one place the first counts. Bodies with a coding stay, as what is in them cannot be found: \
         `proxy_set_header Accept-Encoding \"\"` keeps backends from that, and Adit compresses what has been changed. A changed \
         response has no `Content-Length`, no `Last-Modified` and no `ETag`. A block may have 100, with texts of 512 bytes.",
        replace,
    ),
    Entry::works(
        "sub_filter_types",
        HTTP_SERVER_LOCATION,
        1..=usize::MAX,
        "The media types of these responses beside `text/html`; `*` is all but streams of events and gRPC.",
        |call| {
            let types =
                compressed_types(call.arguments.iter().map(String::as_str)).map_err(|error| error.to_string())?;
            set_once(&mut call.block.sub_filter.types, types)
        },
    ),
    Entry::works(
        "sub_filter_once",
        HTTP_SERVER_LOCATION,
        1..=1,
        "`off` replaces a text wherever it is found. Default `on`: once.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.sub_filter.once, is_on)
        },
    ),
    Entry::works(
        "sub_filter_last_modified",
        HTTP_SERVER_LOCATION,
        1..=1,
        "`on` keeps `Last-Modified`, and `ETag` as a weak one. Default `off`.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.sub_filter.keeps_last_modified, is_on)
        },
    ),
];

fn replace(call: &mut Call<'_>) -> Result<(), String> {
    let text = call.variables.template(call.argument(0))?;
    let length: usize = literals(&text).map(str::len).sum();
    if text.0.is_empty() || length > SubFilter::MAX_TEXT {
        return Err("looks for a text of a wrong length: expected 1 to 512 bytes".into());
    }
    let replacement = call.variables.template(call.argument(1))?;
    let replaced = &mut call.block.sub_filter.replaced;
    replaced.push((text, replacement));
    if replaced.len() > SubFilter::MAX_TEXTS { Err("is one too many: expected at most 100".into()) } else { Ok(()) }
}
