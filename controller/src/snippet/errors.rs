//! What answers in place of errors.

use super::entry::{ALSO_IN_IF, Call, Entry, HTTP_SERVER_LOCATION, set_once};
use super::rewrite::one_line;
use gateway::config::{PageStatus, SnippetErrorPage};

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "error_page",
        ALSO_IN_IF,
        2..=usize::MAX,
        "Has something else answer in place of errors with these statuses: a path of the host, perhaps with arguments, to which the \
         request goes with GET; a named location of its `server-snippet`; or the URL of a redirect (302, or what stands after `=`). \
         The answer has the status of the error, or with `=STATUS` that one, or with `=` its own. The request goes through all rules \
         of where it is led, without its body; once only, and into a location with auth or limits of its own as any other. Errors are \
         Adit's own, such as of `return 403` without a text, `deny`, passwords, limits and backends that do not respond. Those of \
         backends are with `proxy_intercept_errors on`. As in nginx a block with one of its own inherits none, of \
         `custom-http-errors` neither, but those of the same Ingress, which come behind. What denies a route for a fault stays, and \
         so does what a backend of gRPC answers.",
        error_page,
    ),
    Entry::works(
        "proxy_intercept_errors",
        HTTP_SERVER_LOCATION,
        1..=1,
        "Whether `error_page` is for the responses of backends, too: `on` or `off`. Default, as in ingress-nginx, `on` where there are \
         `custom-http-errors`. What answers in place of a \
         401 has the backend's challenges (`WWW-Authenticate`).",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.intercepts_errors, is_on)
        },
    ),
    Entry::works(
        "recursive_error_pages",
        ALSO_IN_IF,
        1..=1,
        "Only `off`, which is so: an error of what answers in place of an error is answered by Adit.",
        |call| match call.switch()? {
            true => Err("is refused: only one error of a request is answered elsewhere; expected \"off\"".into()),
            false => Ok(()),
        },
    ),
];

/// As nginx: ngx_http_core_error_page.
fn error_page(call: &mut Call<'_>) -> Result<(), String> {
    let Some((target, before)) = call.arguments.split_last() else { return Err("has no target".into()) };
    let (status, statuses) = match before.split_last() {
        Some((last, statuses)) if last.starts_with('=') => (page_status(last)?, statuses),
        _ => (PageStatus::Error, before),
    };
    let statuses = statuses.iter().map(|text| error_status(text)).collect::<Result<Vec<_>, _>>()?;
    if statuses.is_empty() {
        return Err("names no error: expected statuses from 300 to 599 before the target".into());
    }
    if target.starts_with("@custom_") {
        return Err(
            "names a location that ingress-nginx writes for custom-http-errors: expected that annotation".into()
        );
    }
    if statuses.iter().any(|status| (494..=497).contains(status)) {
        call.warnings.push("has no effect for 494 to 497: no request gets one of these from Adit".into());
    }
    let target = call.variables.template(target)?;
    one_line(&target)?;
    let origin = call.origin.clone();
    call.block.error_pages.push(SnippetErrorPage { origin, statuses: statuses.into(), status, target });
    Ok(())
}

fn page_status(text: &str) -> Result<PageStatus, String> {
    match &text[1..] {
        "" => Ok(PageStatus::Page),
        status => match status.parse() {
            Ok(status @ (200..=203 | 206..=303 | 305..=599)) => Ok(PageStatus::Fixed(status)),
            _ => {
                Err(format!("has the status {text:?}: expected = and one from 200 to 599 whose responses have a body"))
            }
        },
    }
}

fn error_status(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(status @ (300..=303 | 305..=498 | 500..=599)) => Ok(status),
        _ => Err(format!("has the status {text:?}: expected 300 to 599, but for 304 and 499")),
    }
}
