//! `sub_filter`: texts in bodies of responses that others take the place of. As nginx's sub module.

use super::Invalid;
use super::compression::{is_never, media_type};
use crate::config::{self, MediaTypes, Template};
use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, Input, MatchKind};
use bytes::Bytes;
use http::{HeaderMap, header};
use std::mem;
use std::sync::Arc;

/// Bytes that may come of one piece of a body.
const PIECE_LIMIT: usize = 4 << 20;

/// What is replaced in which responses.
#[derive(Debug)]
pub(crate) struct SubFilter {
    /// What is looked for, unless that is made of variables.
    texts: Option<Arc<Texts>>,
    /// What is looked for, and what takes its place.
    replaced: Arc<[(Template, Template)]>,
    types: MediaTypes,
    once: bool,
    /// Changed responses keep `Last-Modified`, and a weak `ETag`.
    pub(crate) keeps_last_modified: bool,
}

#[derive(Debug)]
struct Texts {
    automaton: AhoCorasick,
    /// Bytes of the longest.
    longest: usize,
}

/// Changes the body of one response, piece by piece.
#[derive(Debug)]
pub(crate) struct Substitution {
    texts: Arc<Texts>,
    replacements: Box<[Vec<u8>]>,
    once: bool,
    /// The texts that are not replaced any more.
    used: Box<[bool]>,
    /// The end of what has come, in which a text may have begun.
    held: Vec<u8>,
    received: u64,
}

/// More comes of a piece than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what sub_filter makes of a piece of a response is longer than {PIECE_LIMIT} bytes")]
pub(crate) struct TooLong;

impl SubFilter {
    /// Compiles it.
    ///
    /// # Errors
    /// Its texts cannot be searched for.
    pub(crate) fn compile(configured: &config::SubFilter) -> Result<Self, Invalid> {
        let literal: Option<Vec<_>> = configured.replaced.iter().map(|(text, _)| text.literal()).collect();
        let texts = literal.map(|texts| Texts::compile(&texts, None)).transpose();
        let texts = texts.map_err(|error| Invalid { value: "sub_filter".into(), reason: error.to_string() })?;
        Ok(Self {
            texts: texts.map(Arc::new),
            replaced: Arc::clone(&configured.replaced),
            types: configured.types.clone(),
            once: configured.once,
            keeps_last_modified: configured.keeps_last_modified,
        })
    }

    /// Whether a response with these headers is changed. One with a coding has no texts to be found.
    pub(crate) fn changes(&self, headers: &HeaderMap) -> bool {
        let found = media_type(headers);
        let is_listed = match &self.types {
            MediaTypes::All => !is_never(found),
            MediaTypes::HtmlAnd(others) => {
                let mut types = others.iter().map(|listed| listed.as_bytes()).chain([&b"text/html"[..]]);
                types.any(|listed| listed.eq_ignore_ascii_case(found))
            }
        };
        let is_empty = headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0");
        is_listed && !is_empty && !headers.contains_key(header::CONTENT_ENCODING)
    }

    /// Begins with a body; `None` if nothing in it is replaced. `render` makes texts of variables.
    pub(crate) fn begin(&self, render: impl Fn(&Template) -> Vec<u8>) -> Option<Substitution> {
        let (texts, replacements) = match &self.texts {
            Some(texts) => (Arc::clone(texts), self.replaced.iter().map(|(_, to)| render(to)).collect::<Vec<_>>()),
            None => {
                let (texts, replacements) = self.texts_of(render)?;
                (Arc::new(texts), replacements)
            }
        };
        Some(Substitution {
            used: replacements.iter().map(|_| false).collect(),
            texts,
            replacements: replacements.into(),
            once: self.once,
            held: Vec::new(),
            received: 0,
        })
    }

    /// What is looked for in one response, and what takes its place.
    fn texts_of(&self, render: impl Fn(&Template) -> Vec<u8>) -> Option<(Texts, Vec<Vec<u8>>)> {
        let (mut texts, mut replacements, mut rest) = (Vec::new(), Vec::new(), config::SubFilter::MAX_VARIABLE);
        for (text, to) in &*self.replaced {
            let text = render(text);
            if !text.is_empty() && text.len() <= config::SubFilter::MAX_TEXT.min(rest) {
                rest -= text.len();
                texts.push(text);
                replacements.push(render(to));
            }
        }
        // It serves one response, so that it is made quickly rather than quick.
        let compiled = Texts::compile(&texts, Some(AhoCorasickKind::NoncontiguousNFA)).ok()?;
        (!texts.is_empty()).then_some((compiled, replacements))
    }
}

impl Texts {
    fn compile(texts: &[impl AsRef<[u8]>], kind: Option<AhoCorasickKind>) -> Result<Self, BuildError> {
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).kind(kind);
        let longest = texts.iter().map(|text| text.as_ref().len()).max().unwrap_or_default();
        Ok(Self { automaton: builder.build(texts)?, longest })
    }
}

impl Substitution {
    /// Bytes of the body so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// What becomes of the next piece. The end of it is held back where a text may have begun there.
    ///
    /// # Errors
    /// That is too long.
    pub(crate) fn pass(&mut self, piece: &Bytes, is_last: bool) -> Result<Bytes, TooLong> {
        self.received += piece.len() as u64;
        let is_over = self.used.iter().all(|used| *used);
        if is_over && self.held.is_empty() {
            return Ok(piece.clone());
        }
        let mut input = mem::take(&mut self.held);
        input.extend_from_slice(piece);
        // A text that begins before this is here as a whole.
        let settled =
            if is_last || is_over { input.len() } else { (input.len() + 1).saturating_sub(self.texts.longest) };
        let (mut output, mut passed) = (Vec::with_capacity(input.len()), 0);
        while let Some((number, start, end)) = self.next(&input, passed).filter(|(_, start, _)| *start < settled) {
            output.extend_from_slice(&input[passed..start]);
            output.extend_from_slice(&self.replacements[number]);
            if output.len() > PIECE_LIMIT {
                return Err(TooLong);
            }
            self.used[number] = self.once;
            passed = end;
        }
        let held = passed.max(settled);
        output.extend_from_slice(&input[passed..held]);
        self.held = input.split_off(held);
        Ok(output.into())
    }

    /// The next text from here on, with its number: of all that begin first, the first in the order of the directives.
    fn next(&self, input: &[u8], from: usize) -> Option<(usize, usize, usize)> {
        let Texts { automaton, longest } = &*self.texts;
        let found = automaton.try_find_overlapping_iter(Input::new(input).range(from..)).ok()?;
        let mut best: Option<(usize, usize, usize)> = None;
        for found in found {
            let (number, start, end) = (found.pattern().as_usize(), found.start(), found.end());
            if best.is_some_and(|(_, first, _)| end > first + longest) {
                break;
            }
            if !self.used[number] && best.is_none_or(|(other, first, _)| (start, number) < (first, other)) {
                best = Some((number, start, end));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Piece, Variable};
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn filter(replaced: &[(&str, &str)], once: bool) -> SubFilter {
        let template = |text: &str| Template::parse(text).expect("a template");
        let pair = |(text, to): &(&str, &str)| (template(text), template(to));
        let configured = config::SubFilter {
            replaced: replaced.iter().map(pair).collect(),
            types: MediaTypes::HtmlAnd(["text/css".into()].into()),
            once,
            keeps_last_modified: false,
        };
        SubFilter::compile(&configured).expect("texts")
    }

    fn literal(template: &Template) -> Vec<u8> {
        template.literal().unwrap_or_default().as_bytes().to_vec()
    }

    /// What comes of a body in pieces of this size.
    fn changed(filter: &SubFilter, body: &str, size: usize) -> String {
        let mut substitution = filter.begin(literal).expect("texts");
        let mut output = Vec::new();
        for piece in body.as_bytes().chunks(size) {
            output.extend(substitution.pass(&Bytes::copy_from_slice(piece), false).expect("short"));
        }
        output.extend(substitution.pass(&Bytes::new(), true).expect("short"));
        assert_eq!(substitution.received(), body.len() as u64);
        String::from_utf8(output).expect("text")
    }

    #[test]
    fn texts_are_replaced_as_by_nginx() {
        for (replaced, once, body, expected) in [
            (&[("</head>", "<x></HEAD>")][..], true, "a</Head>b</head>", "a<x></HEAD>b</head>"),
            (&[("a", "b")], false, "aAxa", "bbxb"),
            (&[("ab", "1"), ("abc", "2")], false, "abc ABC", "1c 1C"),
            (&[("abc", "2"), ("ab", "1")], false, "abc abd ab", "2 1d 1"),
            (&[("bc", "2"), ("abcd", "1")], false, "abcd abc", "1 a2"),
            (&[("ab", "1"), ("abc", "2")], true, "abc abc abc", "1c 2 abc"),
            (&[("aa", "a")], false, "aaaaa", "aaa"),
            (&[("a", "")], false, "aaa", ""),
        ] {
            for size in 1..=body.len() {
                assert_eq!(changed(&filter(replaced, once), body, size), expected, "{body} in pieces of {size}");
            }
        }
    }

    #[test]
    fn texts_may_be_made_of_variables() {
        let filter = filter(&[("http://$host", "https://$host"), ("$arg_a", "never"), ("$uri", "far")], false);
        let long = "x".repeat(513);
        let value = |variable: &Variable| match variable {
            Variable::Host => "shop",
            Variable::Uri => &long,
            _ => "",
        };
        let render = |template: &Template| {
            let pieces = template.0.iter().map(|piece| match piece {
                Piece::Literal(text) => text.as_bytes(),
                Piece::Variable(variable) => value(variable).as_bytes(),
            });
            pieces.collect::<Vec<_>>().concat()
        };
        let body = Bytes::from(format!("<a href=HTTP://SHOP/a>{long}"));
        let changed = filter.begin(render).expect("texts").pass(&body, true).expect("short");
        assert_eq!(changed, format!("<a href=https://shop/a>{long}"));
        assert!(filter.begin(|_| Vec::new()).is_none());
    }

    #[test]
    fn what_variables_make_of_texts_is_bounded() {
        let filter = filter(&[("$host", "b"); 9], false);
        assert_eq!(filter.begin(|_| vec![b'a'; 512]).map(|begun| begun.replacements.len()), Some(8));
    }

    #[test]
    fn what_may_come_of_a_piece_is_bounded() {
        let mut substitution = filter(&[("a", "b")], false).begin(|_| vec![b'x'; 1 << 20]).expect("texts");
        assert_eq!(substitution.pass(&Bytes::from_static(b"aaa"), true).map(|bytes| bytes.len()), Ok(3 << 20));
        let mut substitution = filter(&[("a", "b")], false).begin(|_| vec![b'x'; 1 << 20]).expect("texts");
        assert_eq!(substitution.pass(&Bytes::from_static(b"aaaaa"), true), Err(TooLong));
    }

    #[test]
    fn responses_without_texts_stay() {
        let filter = filter(&[("a", "b")], true);
        let changes = |lines: &[(HeaderName, &'static str)]| {
            filter.changes(&lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect())
        };
        assert!(changes(&[(header::CONTENT_TYPE, "Text/HTML; charset=utf-8"), (header::CONTENT_LENGTH, "7")]));
        assert!(changes(&[(header::CONTENT_TYPE, "text/css")]));
        assert!(!changes(&[(header::CONTENT_TYPE, "image/png")]));
        assert!(!changes(&[]));
        assert!(!changes(&[(header::CONTENT_TYPE, "text/html"), (header::CONTENT_ENCODING, "gzip")]));
        assert!(!changes(&[(header::CONTENT_TYPE, "text/html"), (header::CONTENT_LENGTH, "0")]));
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(
            texts in proptest::collection::vec(("[abA]{1,4}", "[xa]{0,2}"), 1..4),
            once in any::<bool>(),
            body in "[abAB]{0,40}",
            size in 1..9_usize,
        ) {
            let texts: Vec<_> = texts.iter().map(|(text, to)| (text.as_str(), to.as_str())).collect();
            let filter = filter(&texts, once);
            prop_assert_eq!(changed(&filter, &body, size), changed(&filter, &body, 100));
        }
    }
}
