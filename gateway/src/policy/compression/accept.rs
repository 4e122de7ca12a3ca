//! `Accept-Encoding` (RFC 9110, section 12.5.3).

use crate::headers::Headers;
use crate::policy::quality::{Quality, elements};

/// How much a client likes each coding; `None` where it says nothing of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    gzip: Option<Quality>,
    pub(super) brotli: Option<Quality>,
    pub(super) zstd: Option<Quality>,
    pub(super) identity: Option<Quality>,
    /// `*`: all that are not named.
    others: Option<Quality>,
}

impl Accepted {
    /// What the headers of a request say. Of a coding that is named twice, the first counts.
    pub(super) fn of(headers: &Headers) -> Self {
        let mut accepted = Self::default();
        for (name, quality) in elements(headers, "accept-encoding") {
            if let Some(slot) = accepted.slot(name) {
                slot.get_or_insert(quality);
            }
        }
        accepted
    }

    fn slot(&mut self, name: &[u8]) -> Option<&mut Option<Quality>> {
        let is = |text: &[u8]| name.eq_ignore_ascii_case(text);
        Some(match name {
            _ if is(b"gzip") || is(b"x-gzip") => &mut self.gzip,
            _ if is(b"br") => &mut self.brotli,
            _ if is(b"zstd") => &mut self.zstd,
            _ if is(b"identity") => &mut self.identity,
            b"*" => &mut self.others,
            _ => return None,
        })
    }

    /// How much the client likes gzip. Who sends `*` may mean that, which all know, but hardly one that is newer.
    pub(super) fn gzip(&self) -> Quality {
        self.gzip.or(self.others).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header};
    use proptest::prelude::*;

    fn accepted(values: &[&'static str]) -> Accepted {
        let line = |value: &&'static str| (header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        Accepted::of(&values.iter().map(line).collect())
    }

    #[test]
    fn weights_are_those_of_the_specification() {
        for (value, quality) in [
            ("gzip", Some(1000)),
            ("GZip", Some(1000)),
            ("x-gzip", Some(1000)),
            ("gzip;q=0", Some(0)),
            ("gzip;q=0.000", Some(0)),
            ("gzip ; Q=0.5", Some(500)),
            ("gzip;q=0.001", Some(1)),
            ("gzip;q=1.000", Some(1000)),
            ("gzip;level=9;q=0.25", Some(250)),
            ("deflate, gzip;q=0.8", Some(800)),
            ("gzip;q=0, gzip", Some(0)),
            ("gzip;q=1.001", Some(0)),
            ("gzip;q=0.1234", Some(0)),
            ("gzip;q=", Some(0)),
            ("gzip;q", Some(0)),
            ("gzip;q=-1", Some(0)),
            ("gzip;q=2", Some(0)),
            ("gzipped", None),
            ("notgzip", None),
            ("", None),
        ] {
            assert_eq!(accepted(&[value]).gzip, quality, "{value}");
        }
    }

    #[test]
    fn a_star_may_be_gzip() {
        let accepted = accepted(&["br;q=0.2, *;q=0.5", "identity;q=0.9"]);
        assert_eq!((accepted.brotli, accepted.gzip, accepted.identity), (Some(200), None, Some(900)));
        assert_eq!((accepted.gzip(), Accepted::default().gzip()), (500, 0));
    }

    proptest! {
        #[test]
        fn nothing_panics(value in "[ -~]{0,40}") {
            let headers = Headers::from_iter([(header::ACCEPT_ENCODING, value.parse().expect("a value"))]);
            let _ = Accepted::of(&headers);
        }
    }
}
