//! The bodies of responses to errors (`error-pages`).

use super::quality::{Quality, elements};
use crate::config::{self, Errors, PageKind};
use crate::headers::Headers;
use bytes::Bytes;
use http::HeaderValue;
use std::collections::BTreeMap;

/// The pages, by the errors that they are for.
#[derive(Debug)]
pub struct ErrorPages(BTreeMap<Errors, BTreeMap<PageKind, Bytes>>);

/// A page for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErrorPage {
    /// Its media type.
    pub(crate) media_type: HeaderValue,
    /// The body.
    pub(crate) body: Bytes,
    /// Another client may get another one, by its `Accept`.
    pub(crate) varies: bool,
}

impl ErrorPages {
    /// Compiles them. Their bytes are not copied.
    pub(crate) fn compile(configured: &config::ErrorPages) -> Self {
        let mut pages: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for page in configured.pages() {
            let body = Bytes::from_owner(SharedText(page.body.clone()));
            pages.entry(page.errors).or_default().insert(page.kind, body);
        }
        Self(pages)
    }

    /// Whether there is one for an error with this status.
    pub(crate) fn has(&self, status: u16) -> bool {
        Errors::of_status(status).any(|errors| self.0.contains_key(&errors))
    }

    /// The one for an error with this status of a request with these headers: of those for the fewest errors that the client
    /// likes most.
    pub(crate) fn find(&self, status: u16, request: &Headers) -> Option<ErrorPage> {
        let pages = Errors::of_status(status).find_map(|errors| self.0.get(&errors))?;
        let varies = pages.len() > 1;
        let liked = pages.iter().map(|(kind, body)| (if varies { liking(*kind, request) } else { 0 }, kind, body));
        // The first of those that it likes as much.
        let (_, kind, body) = liked.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        Some(ErrorPage { media_type: HeaderValue::from_static(kind.media_type()), body: body.clone(), varies })
    }
}

/// How much a client likes this kind of page: what its `Accept` says of the media type, or else of all with its first part, or
/// of all.
fn liking(kind: PageKind, request: &Headers) -> Quality {
    let essence = kind.media_type().split(';').next().unwrap_or_default();
    let main = essence.split('/').next().unwrap_or_default();
    let mut said = [None; 3];
    for (range, quality) in elements(request, "accept") {
        let range = std::str::from_utf8(range).unwrap_or_default();
        let precision = match range.strip_suffix("/*") {
            _ if range.eq_ignore_ascii_case(essence) => 0,
            Some(of_range) if of_range.eq_ignore_ascii_case(main) => 1,
            Some("*") => 2,
            _ => continue,
        };
        said[precision].get_or_insert(quality);
    }
    said.into_iter().flatten().next().unwrap_or(0)
}

/// A text as the owner of bytes.
struct SharedText(std::sync::Arc<str>);

impl AsRef<[u8]> for SharedText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Page;
    use http::HeaderMap;
    use http::header;

    fn pages(pages: &[(Errors, PageKind)]) -> ErrorPages {
        let page = |(errors, kind): &(Errors, PageKind)| {
            let body = format!("{errors:?} {kind:?}").into();
            Page { errors: *errors, kind: *kind, body }
        };
        ErrorPages::compile(&config::ErrorPages::new(pages.iter().map(page)))
    }

    fn found(pages: &ErrorPages, status: u16, accept: &'static str) -> String {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        let found = pages.find(status, &Headers::from(&headers));
        assert_eq!(found.is_some(), pages.has(status));
        found.map_or(String::new(), |page| String::from_utf8_lossy(&page.body).into_owned())
    }

    #[test]
    fn the_page_for_the_fewest_errors_counts() {
        let own = pages(&[
            (Errors::Status(404), PageKind::Html),
            (Errors::Class(5), PageKind::Html),
            (Errors::Class(5), PageKind::Json),
            (Errors::All, PageKind::Text),
        ]);
        for (status, accept, expected) in [
            (404, "application/json", "Status(404) Html"),
            (403, "text/html", "All Text"),
            (503, "application/json", "Class(5) Json"),
            (503, "text/html", "Class(5) Html"),
            (302, "text/html", ""),
        ] {
            assert_eq!(found(&own, status, accept), expected, "{status} {accept}");
        }
        assert!(!pages(&[(Errors::Class(5), PageKind::Html)]).has(404));
    }

    #[test]
    fn the_client_chooses_among_the_kinds() {
        let both = pages(&[(Errors::All, PageKind::Html), (Errors::All, PageKind::Json)]);
        for (accept, kind) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Html"),
            ("application/json", "Json"),
            ("APPLICATION/JSON;charset=utf-8, text/html;q=0.5", "Json"),
            ("text/*;q=0.1, application/*", "Json"),
            ("application/*;q=0.9, application/json;q=0.1, text/html;q=0.5", "Html"),
            ("*/*", "Html"),
            ("text/html;q=0, */*", "Json"),
            ("image/png", "Html"),
            ("", "Html"),
            ("a, /*, */ ,;q=1", "Html"),
        ] {
            assert_eq!(found(&both, 500, accept), format!("All {kind}"), "{accept}");
        }
        assert!(both.find(500, &Headers::default()).is_some_and(|page| page.varies));
        let one = pages(&[(Errors::All, PageKind::Json)]);
        assert!(one.find(500, &Headers::default()).is_some_and(|page| !page.varies));
    }
}
