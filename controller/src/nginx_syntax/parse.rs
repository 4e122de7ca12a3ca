use super::bounds::{MAX_DEPTH, MAX_DIRECTIVES, MAX_LENGTH};
use super::directive::{Directive, Position};
use super::error::{SyntaxError, SyntaxErrorKind};
use super::tokens::{Token, Tokens};

/// The directives of a text.
///
/// # Errors
/// The first place where the text is not nginx's syntax, or exceeds [`MAX_LENGTH`], [`MAX_DEPTH`] or [`MAX_DIRECTIVES`].
pub fn parse(text: &str) -> Result<Vec<Directive>, SyntaxError> {
    let mut parser = Parser::default();
    match parser.read(text) {
        Ok(()) => Ok(parser.directives),
        Err(error) => Err(SyntaxError { before: parser.outermost(), ..error }),
    }
}

/// A stack instead of recursion: how deep a text goes is its author's choice.
#[derive(Default)]
struct Parser {
    /// The directive whose words are being read.
    current: Option<Directive>,
    /// The blocks that are open, the outermost first: the directive, and what stands before it.
    open: Vec<(Directive, Vec<Directive>)>,
    /// The directives of the innermost block.
    directives: Vec<Directive>,
    count: usize,
}

impl Parser {
    fn read(&mut self, text: &str) -> Result<(), SyntaxError> {
        let mut tokens = Tokens::new(text);
        if text.len() > MAX_LENGTH {
            return Err(SyntaxError::new(tokens.position(), SyntaxErrorKind::TooLong));
        }
        while let Some((position, token)) = tokens.next()? {
            self.token(position, token).map_err(|kind| SyntaxError::new(position, kind))?;
        }
        self.finish()
    }

    fn token(&mut self, position: Position, token: Token) -> Result<(), SyntaxErrorKind> {
        match token {
            Token::Word(word) => self.word(position, word),
            Token::Semicolon => {
                let directive = self.current.take().ok_or(SyntaxErrorKind::NoDirective(';'))?;
                self.directives.push(directive);
                Ok(())
            }
            Token::BlockStart => self.begin_block(),
            Token::BlockEnd => self.end_block(),
        }
    }

    fn word(&mut self, position: Position, word: String) -> Result<(), SyntaxErrorKind> {
        if let Some(directive) = &mut self.current {
            directive.arguments.push(word);
            return Ok(());
        }
        if self.count == MAX_DIRECTIVES {
            return Err(SyntaxErrorKind::TooMany);
        }
        self.count += 1;
        self.current = Some(Directive { name: word, arguments: Vec::new(), block: None, position });
        Ok(())
    }

    fn begin_block(&mut self) -> Result<(), SyntaxErrorKind> {
        let directive = self.current.take().ok_or(SyntaxErrorKind::NoDirective('{'))?;
        if directive.name.ends_with("_by_lua_block") {
            return Err(SyntaxErrorKind::Code(directive.name));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(SyntaxErrorKind::TooDeep);
        }
        self.open.push((directive, std::mem::take(&mut self.directives)));
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), SyntaxErrorKind> {
        if let Some(directive) = self.current.take() {
            return Err(SyntaxErrorKind::EndInDirective(directive.name));
        }
        let (directive, before) = self.open.pop().ok_or(SyntaxErrorKind::EndWithoutBlock)?;
        let block = std::mem::replace(&mut self.directives, before);
        self.directives.push(Directive { block: Some(block), ..directive });
        Ok(())
    }

    fn finish(&self) -> Result<(), SyntaxError> {
        if let Some(Directive { position, name, .. }) = &self.current {
            return Err(SyntaxError::new(*position, SyntaxErrorKind::OpenDirective(name.clone())));
        }
        match self.open.last() {
            Some((Directive { position, name, .. }, _)) => {
                Err(SyntaxError::new(*position, SyntaxErrorKind::OpenBlock(name.clone())))
            }
            None => Ok(()),
        }
    }

    /// The directives that stand in no block.
    fn outermost(self) -> Vec<Directive> {
        self.open.into_iter().next().map_or(self.directives, |(_, before)| before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let directives = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let [Directive { name, arguments, .. }] = &*directives else { panic!("{directives:?}") };
        [name].into_iter().chain(arguments).cloned().collect()
    }

    fn error(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn words_are_read_as_nginx_reads_them() {
        assert_eq!(words("a b\tc\r\n d;"), ["a", "b", "c", "d"]);
        assert_eq!(words(r#"a "b c" 'd "e"' "f\"g" h\ i;"#), ["a", "b c", "d \"e\"", "f\"g", "h\\ i"]);
        assert_eq!(words(r"a \d+\.x \\ \t\r\n\';"), ["a", r"\d+\.x", r"\", "\t\r\n'"]);
        assert_eq!(words("a ${b}c$d{e;}".replace("{e;}", ";").as_str()), ["a", "${b}c$d"]);
        assert_eq!(words("a '' \"\";"), ["a", "", ""]);
        assert_eq!(words("a b#c; # d { \" '"), ["a", "b#c"]);
        assert_eq!(words("a b}c;"), ["a", "b}c"]);
        assert_eq!(words("a \"{;}\" '#';"), ["a", "{;}", "#"]);
        assert_eq!(words("a \"b\";"), ["a", "b"]);
        assert_eq!(words("a ü\\é;"), ["a", "ü\\é"]);
        assert_eq!(words("a 'b\nc';"), ["a", "b\nc"]);
    }

    #[test]
    fn a_parenthesis_may_follow_a_quote() {
        let directives = parse("if ($a = \"b c\"){ return 403; }").expect("valid");
        assert_eq!(directives[0].arguments, ["($a", "=", "b c", ")"]);
        assert_eq!(directives[0].block.as_ref().map(Vec::len), Some(1));
    }

    #[test]
    fn places_are_lines_and_characters() {
        let directives = parse("# ü\n  a;é b; c {\n\td;\n}").expect("valid");
        let at = |directive: &Directive| (directive.position.line, directive.position.column);
        assert_eq!(directives.iter().map(at).collect::<Vec<_>>(), [(2, 3), (2, 5), (2, 10)]);
        assert_eq!(directives[2].block.iter().flatten().map(at).collect::<Vec<_>>(), [(3, 2)]);
    }

    #[test]
    fn errors_say_where_what_and_what_is_expected() {
        assert_eq!(error("a;\n  ;"), "line 2, column 3: unexpected ';': expected the name of a directive before it");
        assert_eq!(error("{"), "line 1, column 1: unexpected '{': expected the name of a directive before it");
        assert_eq!(error("a b"), "line 1, column 1: the directive \"a\" has no end: expected \";\" or a block");
        assert_eq!(error("a { b }"), "line 1, column 7: unexpected \"}\": expected \";\" after the directive \"b\"");
        assert_eq!(error("a {\n b;"), "line 1, column 1: the block of \"a\" has no end: expected \"}\"");
        assert_eq!(
            error("a; } b;"),
            "line 1, column 4: unexpected \"}\": no block of this text is open, and it cannot end the block that it is put into"
        );
        assert_eq!(error("a \"b;"), "line 1, column 3: the quote that begins here has no end: expected another \"");
        assert_eq!(
            error("a 'b'c;"),
            "line 1, column 6: unexpected 'c' after a closing quote: expected a space, \";\" or \"{\""
        );
    }

    #[test]
    fn bounds_are_held() {
        assert!(error(&"a;".repeat(MAX_LENGTH)).contains("too long"));
        assert!(error(&"a;".repeat(MAX_DIRECTIVES + 1)).contains("too many directives"));
        assert!(error(&"a{".repeat(1000)).contains("nested too deeply"));
        assert!(parse(&format!("{}{}", "a{".repeat(MAX_DEPTH), "}".repeat(MAX_DEPTH))).is_ok());
    }
}
