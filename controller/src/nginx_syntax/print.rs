use super::directive::Directive;
use std::fmt::{self, Write as _};

impl fmt::Display for Directive {
    /// On one line, as [`super::parse`] reads it: `if ($a = "b c") { return 403; }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_head(f)?;
        let Some(block) = &self.block else { return f.write_char(';') };
        f.write_str(" {")?;
        for directive in block {
            write!(f, " {directive}")?;
        }
        f.write_str(" }")
    }
}

impl Directive {
    /// Its name and arguments, in one line.
    pub fn head(&self) -> String {
        struct Head<'a>(&'a Directive);
        impl fmt::Display for Head<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt_head(f)
            }
        }
        Head(self).to_string()
    }

    fn fmt_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_word(&self.name, f)?;
        for argument in &self.arguments {
            f.write_char(' ')?;
            fmt_word(argument, f)?;
        }
        Ok(())
    }
}

/// A word, in quotes where it needs them.
fn fmt_word(word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_plain =
        |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, ';' | '{' | '}' | '"' | '\'' | '\\' | '#');
    if !word.is_empty() && word.chars().all(is_plain) {
        return f.write_str(word);
    }
    f.write_char('"')?;
    for c in word.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
