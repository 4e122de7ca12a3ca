use super::directive::Position;
use super::error::{SyntaxError, SyntaxErrorKind};

/// What a text is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or an argument, without quotes and escapes.
    Word(String),
    /// `;`
    Semicolon,
    /// `{`
    BlockStart,
    /// `}`
    BlockEnd,
}

/// Reads tokens as nginx does (`ngx_conf_read_token`).
pub(super) struct Tokens<'a> {
    rest: &'a str,
    /// Of what `rest` begins with.
    position: Position,
    /// A quote has just been closed.
    after_quote: bool,
}

/// What separates words.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, position: Position { line: 1, column: 1 }, after_quote: false }
    }

    /// Where the text ends, or goes on.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The next token and where it begins; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(Position, Token)>, SyntaxError> {
        self.check_after_quote()?;
        self.skip_blanks_and_comments();
        let position = self.position;
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let token = match first {
            ';' => self.single(Token::Semicolon),
            '{' => self.single(Token::BlockStart),
            '}' => self.single(Token::BlockEnd),
            '"' | '\'' => Token::Word(self.quoted(first)?),
            _ => Token::Word(self.word()),
        };
        Ok(Some((position, token)))
    }

    fn single(&mut self, token: Token) -> Token {
        self.take(1);
        token
    }

    /// After a quote a word must end, but for the `)` of a condition, which is a word of its own.
    fn check_after_quote(&mut self) -> Result<(), SyntaxError> {
        let follows = std::mem::take(&mut self.after_quote).then(|| self.rest.chars().next()).flatten();
        match follows {
            Some(c) if !is_blank(c) && !matches!(c, ';' | '{' | ')') => {
                Err(SyntaxError::new(self.position, SyntaxErrorKind::AfterQuote(c)))
            }
            _ => Ok(()),
        }
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let blanks = self.rest.find(|c| !is_blank(c)).unwrap_or(self.rest.len());
            self.take(blanks);
            if !self.rest.starts_with('#') {
                return;
            }
            let comment = self.rest.find('\n').unwrap_or(self.rest.len());
            self.take(comment);
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let inside = &self.rest[1..];
        let end = end_of(inside, |c, _| c == quote)
            .ok_or_else(|| SyntaxError::new(self.position, SyntaxErrorKind::OpenQuote(quote)))?;
        let word = unescaped(&inside[..end]);
        self.take(end + 2);
        self.after_quote = true;
        Ok(word)
    }

    fn word(&mut self) -> String {
        // The brace of `${name}` is part of the word.
        let ends = |c: char, follows_dollar: bool| is_blank(c) || c == ';' || (c == '{' && !follows_dollar);
        let end = end_of(self.rest, ends).unwrap_or(self.rest.len());
        let word = unescaped(&self.rest[..end]);
        self.take(end);
        word
    }

    /// Goes on by so many bytes.
    fn take(&mut self, bytes: usize) {
        let (taken, rest) = self.rest.split_at(bytes);
        for c in taken.chars() {
            if c == '\n' {
                self.position = Position { line: self.position.line + 1, column: 1 };
            } else {
                self.position.column += 1;
            }
        }
        self.rest = rest;
    }
}

/// Where the first character stands that ends a word, given whether it follows `$`. One after `\` ends none.
fn end_of(text: &str, ends: impl Fn(char, bool) -> bool) -> Option<usize> {
    let (mut follows_dollar, mut is_escaped) = (false, false);
    for (at, c) in text.char_indices() {
        if !is_escaped && ends(c, follows_dollar) {
            return Some(at);
        }
        // `$` after `\` begins no variable.
        follows_dollar = !is_escaped && (c == '$' || (c == '{' && follows_dollar));
        is_escaped = c == '\\' && !is_escaped;
    }
    None
}

/// What a word means, which may have stood within quotes: `\"`, `\'` and `\\` stand for what follows, `\t`, `\r` and `\n` for
/// what they are called; any other `\` for itself.
pub(crate) fn unescaped(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = match (c, chars.peek()) {
            ('\\', Some(&next @ ('"' | '\'' | '\\'))) => Some(next),
            ('\\', Some('t')) => Some('\t'),
            ('\\', Some('r')) => Some('\r'),
            ('\\', Some('n')) => Some('\n'),
            _ => None,
        };
        word.push(meant.unwrap_or(c));
        if meant.is_some() {
            chars.next();
        }
    }
    word
}
