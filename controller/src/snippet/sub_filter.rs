//! Texts in bodies of responses.

use super::entry::{Call, Entry, OUTSIDE_IF, set_once};
use crate::registry::compressed_types;
use gateway::config::SubFilter;

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "sub_filter",
        OUTSIDE_IF,
        2..=2,
        "Replaces a text in the bodies of responses, without regard to the case of ASCII letters; variables are for the replacement \
         alone. Of several that begin at one place the first counts. Bodies with a coding stay, as what is in them cannot be found: \
         `proxy_set_header Accept-Encoding \"\"` keeps backends from that, and Adit compresses what has been changed. A changed \
         response has no `Content-Length`, no `Last-Modified` and no `ETag`. A block may have 100, with texts of 512 bytes.",
        replace,
    ),
    Entry::works(
        "sub_filter_types",
        OUTSIDE_IF,
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
        OUTSIDE_IF,
        1..=1,
        "`off` replaces a text wherever it is found. Default `on`: once.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.sub_filter.once, is_on)
        },
    ),
    Entry::works(
        "sub_filter_last_modified",
        OUTSIDE_IF,
        1..=1,
        "`on` keeps `Last-Modified`, and `ETag` as a weak one. Default `off`.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.sub_filter.keeps_last_modified, is_on)
        },
    ),
];

fn replace(call: &mut Call<'_>) -> Result<(), String> {
    let text = call.argument(0);
    if text.is_empty() || text.len() > SubFilter::MAX_TEXT {
        return Err("looks for a text of a wrong length: expected 1 to 512 bytes".into());
    }
    if text.contains('$') {
        return Err("has a variable in the text that it looks for, which is not supported: expected it in the replacement alone".into());
    }
    let replacement = call.variables.template(call.argument(1))?;
    let replaced = &mut call.block.sub_filter.replaced;
    replaced.push((text.into(), replacement));
    if replaced.len() > SubFilter::MAX_TEXTS { Err("is one too many: expected at most 100".into()) } else { Ok(()) }
}
