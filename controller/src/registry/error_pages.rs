//! How a ConfigMap with pages for errors is read.

use super::error::ValueError;
use gateway::config::{ErrorPages, Errors, Page, PageKind};
use k8s_openapi::api::core::v1::ConfigMap;
use std::collections::BTreeSet;

/// Bytes of all pages together. As much as the API server takes of annotations on one object, so that an Ingress can hold no
/// more memory by the pages that it names than by those.
const MAX_BYTES: usize = 256 << 10;
/// What the keys of pages are.
const EXPECTED: &str = "expected a status from 400 to 599, \"4xx\", \"5xx\" or \"default\", with \".html\", \".json\", \
                        \".xml\", \".txt\" or nothing behind it";

/// The pages of a ConfigMap, and what is wrong with keys of it, which are left out.
///
/// # Errors
/// There is no page, or they are too long together.
pub(crate) fn error_pages(map: &ConfigMap) -> Result<(ErrorPages, Vec<String>), ValueError> {
    let data = || map.data.iter().flatten();
    if data().map(|(_, body)| body.len()).sum::<usize>() > MAX_BYTES {
        return Err("names a ConfigMap with more than 256 KiB of pages".into());
    }
    let (mut pages, mut known, mut complaints) = (Vec::new(), BTreeSet::new(), Vec::new());
    for (key, body) in data() {
        match page(key) {
            Some((errors, kind)) if known.insert((errors, kind)) => {
                pages.push(Page { errors, kind, body: body.as_str().into() });
            }
            Some(_) => complaints
                .push(format!("names a ConfigMap with {key:?}, for which there is another page: it is left out")),
            None => complaints.push(format!("names a ConfigMap with {key:?}, which is left out: {EXPECTED}")),
        }
    }
    for key in map.binary_data.iter().flatten().map(|(key, _)| key) {
        complaints.push(format!("names a ConfigMap with {key:?}, which is left out: it is not text"));
    }
    if pages.is_empty() {
        return Err(format!("names a ConfigMap without a page: {EXPECTED}").into());
    }
    Ok((ErrorPages::new(pages), complaints))
}

/// The errors that a key names, and what the page is.
fn page(key: &str) -> Option<(Errors, PageKind)> {
    let (errors, kind) = key.split_once('.').unwrap_or((key, "html"));
    let errors = match errors {
        "default" => Errors::All,
        "4xx" => Errors::Class(4),
        "5xx" => Errors::Class(5),
        status if status.bytes().all(|byte| byte.is_ascii_digit()) => {
            Errors::Status(status.parse().ok().filter(|status| (400..=599).contains(status))?)
        }
        _ => return None,
    };
    let kind = match kind {
        "html" | "htm" => PageKind::Html,
        "json" => PageKind::Json,
        "xml" => PageKind::Xml,
        "txt" => PageKind::Text,
        _ => return None,
    };
    Some((errors, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(data: &[(&str, &str)]) -> ConfigMap {
        let data = data.iter().map(|(key, body)| ((*key).to_owned(), (*body).to_owned()));
        ConfigMap { data: Some(data.collect()), ..ConfigMap::default() }
    }

    #[test]
    fn keys_say_status_and_kind() {
        for (key, expected) in [
            ("404.html", Some((Errors::Status(404), PageKind::Html))),
            ("503", Some((Errors::Status(503), PageKind::Html))),
            ("5xx.json", Some((Errors::Class(5), PageKind::Json))),
            ("4xx.txt", Some((Errors::Class(4), PageKind::Text))),
            ("default.xml", Some((Errors::All, PageKind::Xml))),
            ("200.html", None),
            ("600", None),
            ("6xx", None),
            ("404.php", None),
            ("404.html.bak", None),
            ("+404", None),
            ("", None),
            (".html", None),
        ] {
            assert_eq!(page(key), expected, "{key}");
        }
    }

    #[test]
    fn what_names_no_page_is_left_out() {
        let (pages, complaints) =
            error_pages(&map(&[("404", "a"), ("404.html", "b"), ("index.html", "c")])).expect("one");
        assert_eq!(pages.pages().iter().map(|page| &*page.body).collect::<Vec<_>>(), ["a"]);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(error_pages(&map(&[("index.html", "c")])).is_err() && error_pages(&ConfigMap::default()).is_err());
    }

    #[test]
    fn pages_have_a_bound() {
        let half = "x".repeat(MAX_BYTES / 2);
        assert!(error_pages(&map(&[("404", &half), ("500", &half)])).is_ok());
        assert!(error_pages(&map(&[("404", &half), ("500", &half), ("501", "x")])).is_err());
    }
}
