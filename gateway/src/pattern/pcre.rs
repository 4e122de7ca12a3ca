use super::error::PatternError;

/// A PCRE pattern in the dialect that `regex` and `fancy_regex` share.
#[derive(Debug, Default)]
pub(super) struct Translated {
    /// The pattern.
    pub(super) text: String,
    /// The only text that it matches, if it has no metacharacter.
    pub(super) literal: Option<String>,
    /// The text that every match begins with: what stands before the first metacharacter.
    pub(super) prefix: String,
    /// Whether it looks around, refers back or forbids backtracking, which no linear-time engine does.
    pub(super) backtracking: bool,
    /// How many characters, classes and assertions it is when repetitions are written out.
    pub(super) size: usize,
}

/// Translates what nginx users write, which is PCRE, where the dialects differ in meaning and not only in extent.
///
/// In PCRE a brace that begins no repetition is itself, `\<` and `\>` are themselves, `a++` is possessive (elsewhere
/// it is a nested repetition), and within `[...]` the characters `[`, `&`, `~` and a `-` without two ends are
/// themselves (elsewhere they are set operations). What has no counterpart is refused, never given another meaning.
///
/// One difference stays: `$` matches only at the very end, while PCRE's also matches before a final newline.
pub(super) fn translate(pcre: &str) -> Result<Translated, PatternError> {
    let out = Translated { literal: Some(String::new()), ..Translated::default() };
    let mut translator = Translator { rest: pcre, out, open: Vec::new(), atom: 0 };
    while let Some(c) = translator.next() {
        match c {
            '\\' => translator.escape()?,
            '[' => translator.class()?,
            '(' => translator.group()?,
            ')' => translator.group_end(),
            '{' => translator.brace(),
            '*' | '+' | '?' => translator.quantifier(c.encode_utf8(&mut [0; 4]), 1),
            '|' => translator.alternative(),
            '.' | '^' | '$' => translator.meta_atom(c.encode_utf8(&mut [0; 4])),
            _ => translator.literal(c),
        }
    }
    Ok(translator.out)
}

struct Translator<'p> {
    rest: &'p str,
    out: Translated,
    /// The sizes before each open group.
    open: Vec<usize>,
    /// The size of what a quantifier here would repeat.
    atom: usize,
}

/// What stands before a place in a character class, which decides what a `-` there means.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// A character that may begin a range.
    Character,
    /// The `-` of a range.
    Dash,
    /// The beginning, a whole range, or a class such as `\d`.
    Other,
}

impl<'p> Translator<'p> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes everything up to and including `end`, if `end` is there.
    fn eat_through(&mut self, end: char) -> Option<&'p str> {
        let (taken, rest) = self.rest.split_at(self.rest.find(end)? + end.len_utf8());
        self.rest = rest;
        Some(taken)
    }

    fn meta(&mut self, text: &str) {
        if let Some(literal) = self.out.literal.take() {
            self.out.prefix = literal;
        }
        self.out.text.push_str(text);
    }

    fn grow(&mut self, size: usize) {
        self.atom = size;
        self.out.size = self.out.size.saturating_add(size);
    }

    fn meta_atom(&mut self, text: &str) {
        self.meta(text);
        self.grow(1);
    }

    fn alternative(&mut self) {
        self.meta_atom("|");
        if self.open.is_empty() {
            self.out.prefix.clear();
        }
    }

    fn literal(&mut self, c: char) {
        self.grow(1);
        if let Some(literal) = &mut self.out.literal {
            literal.push(c);
        }
        if r"\.+*?()|[]{}^$".contains(c) {
            self.out.text.push('\\');
        }
        self.out.text.push(c);
    }

    /// A quantifier that repeats up to `times`, as far as that is written out.
    fn quantifier(&mut self, text: &str, times: usize) {
        // What it repeats may be missing.
        if let Some(literal) = &mut self.out.literal {
            literal.pop();
        }
        self.meta(text);
        let repeated = self.atom.saturating_mul(times);
        self.out.size = self.out.size.saturating_add(repeated.saturating_sub(self.atom));
        self.atom = repeated;
        if self.eat("?") {
            self.meta("?");
        } else if self.eat("+") {
            self.meta("+");
            self.out.backtracking = true;
        }
    }

    /// `{n}`, `{n,}` and `{n,m}` repeat; any other `{` is itself.
    fn brace(&mut self) {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = |text: &str| is_number(text).then(|| text.parse().unwrap_or(usize::MAX));
        let times: Option<usize> = self.rest.split_once('}').and_then(|(body, _)| match body.split_once(',') {
            None => number(body),
            Some((least, "")) => number(least),
            Some((least, most)) => number(least).and(number(most)),
        });
        match times.and_then(|times| Some((times, self.eat_through('}')?))) {
            Some((times, body)) => self.quantifier(&format!("{{{body}"), times),
            None => self.literal('{'),
        }
    }

    fn group(&mut self) -> Result<(), PatternError> {
        if self.eat("?#") {
            return self.eat_through(')').map(drop).ok_or_else(|| syntax("a comment is not closed with ')'"));
        }
        self.meta("(");
        self.open.push(self.out.size);
        self.grow(1);
        if self.eat("?") {
            self.meta("?");
            let is = |kind: &&str| self.rest.starts_with(*kind);
            let option = self.rest.trim_start_matches(|c| "imsxU-".contains(c));
            if ["=", "!", "<=", "<!", ">", "P="].iter().any(is) {
                self.out.backtracking = true;
            } else if !["<", "P<"].iter().any(is) && !option.starts_with([':', ')']) {
                let kind: String = self.rest.chars().take(1).collect();
                return Err(PatternError::Unsupported(format!("(?{kind}")));
            }
        } else if self.rest.starts_with('*') {
            return Err(PatternError::Unsupported("(*".into()));
        }
        Ok(())
    }

    fn group_end(&mut self) {
        self.meta(")");
        self.atom = self.out.size - self.open.pop().unwrap_or(self.out.size);
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        match self.next() {
            None => return Err(syntax("it ends with '\\'")),
            Some('Q') => {
                let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                quoted.chars().for_each(|c| self.literal(c));
            }
            Some('E') => {}
            Some('e') => self.meta_atom(r"\x1B"),
            Some(c) if !c.is_ascii_alphanumeric() => self.literal(c),
            Some(c) if is_foreign_escape(c) => return Err(PatternError::Unsupported(format!("\\{c}"))),
            Some(c) => {
                self.out.backtracking |= matches!(c, '1'..='9' | 'k' | 'K' | 'Z');
                self.escaped(c);
            }
        }
        Ok(())
    }

    /// An escape that means the same in all dialects, with its argument in braces if it has one.
    fn escaped(&mut self, c: char) {
        self.meta("\\");
        self.meta_atom(c.encode_utf8(&mut [0; 4]));
        if "xpPk".contains(c) && self.rest.starts_with('{') {
            let argument = self.eat_through('}').unwrap_or_default();
            self.meta(argument);
        }
    }

    fn class(&mut self) -> Result<(), PatternError> {
        self.meta_atom("[");
        if self.eat("^") {
            self.meta("^");
        }
        let mut before = Before::Other;
        if self.eat("]") {
            self.meta(r"\]");
            before = Before::Character;
        }
        loop {
            let c = self.next().ok_or_else(|| syntax("a '[' is not closed with ']'"))?;
            let is_character = match c {
                ']' => {
                    self.meta("]");
                    return Ok(());
                }
                '-' if before == Before::Character && self.at_range_end() => {
                    self.meta("-");
                    before = Before::Dash;
                    continue;
                }
                '[' if self.rest.starts_with(':') => self.posix_class(),
                '\\' => self.class_escape()?,
                _ => self.class_character(c),
            };
            before = if is_character && before != Before::Dash { Before::Character } else { Before::Other };
        }
    }

    /// Whether a character follows that can end a range.
    fn at_range_end(&self) -> bool {
        let rest = self.rest.as_bytes();
        let is_class = matches!(rest, [b'\\', b'd' | b'D' | b's' | b'S' | b'w' | b'W', ..] | [b'[', b':', ..]);
        !is_class && !rest.starts_with(b"]")
    }

    fn class_character(&mut self, c: char) -> bool {
        if r"\[]&~-^".contains(c) {
            self.meta("\\");
        }
        self.meta(c.encode_utf8(&mut [0; 4]));
        true
    }

    /// `[:name:]`; a `[` that begins none is itself. Says whether it was a single character.
    fn posix_class(&mut self) -> bool {
        let name = self.rest[1..].split_once(":]").map_or("", |(name, _)| name);
        if name.is_empty() || !name.trim_start_matches('^').bytes().all(|b| b.is_ascii_lowercase()) {
            return self.class_character('[');
        }
        self.rest = &self.rest[name.len() + 3..];
        self.meta(&format!("[:{name}:]"));
        false
    }

    /// An escape in a class. Says whether it is a single character.
    fn class_escape(&mut self) -> Result<bool, PatternError> {
        match self.next() {
            None => return Err(syntax("a '[' is not closed with ']'")),
            Some('b') => self.meta(r"\x08"),
            Some('e') => self.meta(r"\x1B"),
            Some(c) if !c.is_ascii_alphanumeric() => return Ok(self.class_character(c)),
            Some(c) if is_foreign_escape(c) || "QE".contains(c) => {
                return Err(PatternError::Unsupported(format!("\\{c} between brackets")));
            }
            Some(c) => {
                self.escaped(c);
                return Ok(!"dDsSwWpP".contains(c));
            }
        }
        Ok(true)
    }
}

/// Escapes that other engines know with another meaning, or not at all.
fn is_foreign_escape(c: char) -> bool {
    "hHvVNRXCuULlyYOogG".contains(c)
}

fn syntax(reason: &str) -> PatternError {
    PatternError::Syntax(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_means_the_same() {
        for pattern in ["/id/[0-9]+$", r"/something(/|$)(.*)", r"/a{2,3}?\d[^/]*", "(?i:x)|(?P<n>y)", "/[[:alpha:]x-z]"]
        {
            let translated = translate(pattern).expect("valid");
            assert_eq!(translated.text, pattern);
            assert_eq!((translated.literal, translated.backtracking), (None, false));
        }
    }

    #[test]
    fn translates_what_does_not() {
        for (pcre, text) in [
            (r"/\<a\>", "/<a>"),
            ("/{id}", r"/\{id\}"),
            ("/x{,3}", r"/x\{,3\}"),
            ("[a[b&&c~~d]", r"[a\[b\&\&c\~\~d]"),
            (r"[\w-.]", r"[\w\-.]"),
            ("[-a-z-]", r"[\-a-z\-]"),
            ("[+--]", r"[+-\-]"),
            ("[--/]", r"[\--/]"),
            ("[]a]", r"[\]a]"),
            ("[^]a]", r"[^\]a]"),
            (r"[\b]", r"[\x08]"),
            (r"a(?#[note)b", "ab"),
            (r"\x{2F}", r"\x{2F}"),
        ] {
            assert_eq!(translate(pcre).expect("valid").text, text, "{pcre}");
        }
    }

    #[test]
    fn knows_literals() {
        for (pcre, literal) in [("/foo-bar_~", "/foo-bar_~"), (r"\/a\.b\_", "/a.b_"), (r"/\Qa.b(\E", "/a.b(")] {
            assert_eq!(translate(pcre).expect("valid").literal.as_deref(), Some(literal), "{pcre}");
        }
        assert_eq!(translate("/a.b").expect("valid").literal, None);
    }

    #[test]
    fn knows_what_every_match_begins_with() {
        for (pcre, prefix) in [
            ("/foo(/|$)(.*)", "/foo"),
            (r"/a\.b.*", "/a.b"),
            ("/foo?", "/fo"),
            ("/foo{0,2}", "/fo"),
            ("/foo(?#x)*", "/fo"),
            ("/foo(?!bar)", "/foo"),
            ("/foo|/bar", ""),
            ("/foo(a|b)|/bar", ""),
            ("^/foo", ""),
            ("[/]foo", ""),
        ] {
            assert_eq!(translate(pcre).expect("valid").prefix, prefix, "{pcre}");
        }
    }

    #[test]
    fn knows_what_needs_backtracking() {
        for pcre in ["/(?!api).*", "/(?<=x)y", r"/(a)\1", "/a++", "/a*+b", "/a{2}+", "(?>a+)b", r"(?<n>a)\k<n>"] {
            assert!(translate(pcre).expect("translatable").backtracking, "{pcre}");
        }
    }

    #[test]
    fn measures_repetitions() {
        for (pcre, size) in
            [("/ab", 3), ("/a{3}", 4), ("(ab){3}{2,5}c*", 46), ("((a{9}){9}){9}", 9 * (1 + 9 * 10)), ("[a-z]{4,}", 4)]
        {
            assert_eq!(translate(pcre).expect("valid").size, size, "{pcre}");
        }
    }

    #[test]
    fn refuses_what_has_no_counterpart() {
        for pcre in [r"/\h+", "(*UTF8)/a", r"/[\Qa\E]", r"/a\R", "(?R)", "(a)(?1)", "(?(?=a)b|c)", "(?|a|b)"] {
            assert!(matches!(translate(pcre), Err(PatternError::Unsupported(_))), "{pcre}");
        }
        for pcre in ["/a\\", "/[a", "/(?#a"] {
            assert!(matches!(translate(pcre), Err(PatternError::Syntax(_))), "{pcre}");
        }
    }
}
