//! Cuts a YAML stream into its documents, so that one broken document does not hide the others.

/// One document of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    /// Its text, markers included.
    pub(crate) text: &'a str,
    /// Which one it is, from 1.
    pub(crate) number: u32,
    /// The line of the stream at which [`Self::text`] starts, from 1.
    pub(crate) first_line: u32,
}

impl Document<'_> {
    /// The line of the stream with the first content; the first line when there is none.
    pub(crate) fn content_line(&self) -> u32 {
        let before = self.text.split_inclusive('\n').take_while(|line| !is_content(line)).count();
        if before == self.text.split_inclusive('\n').count() {
            self.first_line
        } else {
            self.first_line + count(before)
        }
    }
}

/// The documents of `text`, in order; their texts together are `text`.
///
/// A line that starts with `---` or `...` and then ends or has white space is a marker wherever it stands, even in a
/// quoted or block scalar (YAML 1.2.2, 9.1.2), so this needs no parser. Comments and directives before a document's `---`
/// belong to it.
pub(crate) fn documents(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    let (mut start, mut first_line, mut in_prologue) = (0, 1, true);
    let mut cut = |start: usize, end: usize, first_line: u32| {
        if start < end {
            found.push(Document { text: &text[start..end], number: count(found.len()) + 1, first_line });
        }
    };
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let end = offset + line.len();
        if is_marker(line, "...") {
            cut(start, end, first_line);
            (start, first_line, in_prologue) = (end, count(index) + 2, true);
        } else if is_marker(line, "---") {
            if !in_prologue {
                cut(start, offset, first_line);
                (start, first_line) = (offset, count(index) + 1);
            }
            in_prologue = false;
        } else if is_content(line) && !line.starts_with('%') {
            in_prologue = false;
        }
        offset = end;
    }
    cut(start, offset, first_line);
    found
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Neither blank, nor a comment, nor a bare marker.
fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#') && line != "---" && line != "..."
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX - 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<(&str, u32, u32)> {
        documents(text).iter().map(|d| (d.text, d.first_line, d.content_line())).collect()
    }

    #[test]
    fn documents_are_cut_at_markers() {
        assert_eq!(cut(""), []);
        assert_eq!(cut("a: 1"), [("a: 1", 1, 1)]);
        assert_eq!(cut("a: 1\n---\nb: 2\n"), [("a: 1\n", 1, 1), ("---\nb: 2\n", 2, 3)]);
        assert_eq!(
            cut("---\r\na: 1\r\n--- # two\r\nb: 2\r\n"),
            [("---\r\na: 1\r\n", 1, 2), ("--- # two\r\nb: 2\r\n", 3, 3)]
        );
        assert_eq!(cut("a: |\n  ---\n---x\n  --- \n"), [("a: |\n  ---\n---x\n  --- \n", 1, 1)]);
    }

    #[test]
    fn what_stands_before_a_marker_belongs_to_the_document() {
        assert_eq!(cut("# licence\n\n---\na: 1\n"), [("# licence\n\n---\na: 1\n", 1, 4)]);
        assert_eq!(cut("a: 1\n...\n%YAML 1.2\n---\nb: 2\n"), [("a: 1\n...\n", 1, 1), ("%YAML 1.2\n---\nb: 2\n", 3, 3)]);
        assert_eq!(cut("---\n---\na: 1\n"), [("---\n", 1, 1), ("---\na: 1\n", 2, 3)]);
    }

    proptest! {
        #[test]
        fn documents_cover_the_text_and_know_their_lines(
            lines in prop::collection::vec("(---|\\.\\.\\.|%YAML 1\\.2|#|a: 1|--- \\||\\PC{0,6})(\r\n|\n|)", 0..20)
        ) {
            let text = lines.concat();
            let mut offset = 0;
            for (index, document) in documents(&text).iter().enumerate() {
                prop_assert!(!document.text.is_empty());
                prop_assert_eq!(document.number as usize, index + 1);
                prop_assert_eq!(document.first_line as usize, text[..offset].matches('\n').count() + 1);
                prop_assert!(text[offset..].starts_with(document.text));
                let last_line = document.first_line as usize + document.text.matches('\n').count();
                prop_assert!((document.first_line as usize..=last_line).contains(&(document.content_line() as usize)));
                offset += document.text.len();
            }
            prop_assert_eq!(offset, text.len());
        }

        #[test]
        fn joined_documents_are_found_again(bodies in prop::collection::vec("[a-z]{1,5}: [0-9]{1,3}\n", 1..10)) {
            let text = bodies.join("---\n");
            let found: Vec<&str> = documents(&text).iter().map(|d| d.text.trim_start_matches("---\n")).collect();
            prop_assert_eq!(found, bodies.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
