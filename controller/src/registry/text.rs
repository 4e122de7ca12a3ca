//! Texts of which only some characters are allowed.
//!
//! The character classes are ingress-nginx's (`internal/ingress/annotations/parser/validators.go`), always anchored at
//! both ends. None of them holds a control character.

use super::error::ValueError;
use super::value::Value;
use gateway::config::{Piece, Template};
use std::sync::Arc;

/// Besides letters and digits, as for all of these.
const URL: &str = "/-._~:,?&=";
const BASIC: &str = "/-._~:";
const CAPTURES: &str = "/-._~:$";
const REGEX: &str = "/-._~:^$[](){}*+?|&=\\";
/// What a `Host` header may hold.
const HOST: &str = "-._~:[]";

impl<'a> Value<'a> {
    /// A URL without escapes, fragment, user or variables.
    ///
    /// # Errors
    /// The value contains other characters than letters, digits and `/-._~:,?&=`.
    pub fn url(self) -> Result<&'a str, ValueError> {
        self.made_of(URL, "a URL of letters, digits and /-._~:,?&=")
    }

    /// URLs, paths or words, separated by spaces. Which of these, and how many, is not checked.
    ///
    /// # Errors
    /// The value contains other characters than spaces, letters, digits and `/-._~:,?&=`.
    pub fn urls(self) -> Result<&'a str, ValueError> {
        self.made_of(&format!("{URL} "), "URLs or words of letters, digits and /-._~:,?&=")
    }

    /// A name or value of plain characters.
    ///
    /// # Errors
    /// The value contains other characters than letters, digits and `/-._~:`.
    pub fn basic(self) -> Result<&'a str, ValueError> {
        self.made_of(BASIC, "letters, digits and /-._~:")
    }

    /// Names or words, separated by spaces. Which of these, and how many, is not checked.
    ///
    /// # Errors
    /// The value contains other characters than spaces, letters, digits and `/-._~:`.
    pub fn names(self) -> Result<&'a str, ValueError> {
        self.made_of(&format!("{BASIC} "), "names or words of letters, digits and /-._~:")
    }

    /// A regular expression, which need not be a valid one.
    ///
    /// # Errors
    /// The value contains spaces, quotes, `;` or other characters that are not allowed in a regular expression here.
    pub fn regex(self) -> Result<&'a str, ValueError> {
        self.made_of(REGEX, "a regular expression without spaces, quotes, commas and ';'")
    }

    /// A path in which `$1` to `$9` may stand.
    ///
    /// # Errors
    /// The value contains other characters than letters, digits and `/-._~:$`.
    pub fn path_with_captures(self) -> Result<&'a str, ValueError> {
        self.made_of(CAPTURES, "a path of letters, digits and /-._~:$")
    }

    /// A server name, or a regular expression for one.
    ///
    /// # Errors
    /// The value contains spaces, quotes, `;` or other characters that are not allowed in a regular expression here.
    pub fn server_name(self) -> Result<&'a str, ValueError> {
        self.made_of(REGEX, "a host name, or '~' and a regular expression, without spaces, quotes and ';'")
    }

    /// A `Host` header in which nginx variables may stand.
    ///
    /// # Errors
    /// The value contains characters that no `Host` header may contain, or a variable that does not exist.
    pub fn host(self) -> Result<Template, ValueError> {
        const EXPECTED: &str = "a host name, which may have a port and nginx variables such as $host";
        let template = Template::parse(self.server_name()?).map_err(ValueError::Template)?;
        let literals_fit = template.0.iter().all(|piece| match piece {
            Piece::Literal(text) => made_of(text, HOST),
            Piece::Variable(_) => true,
        });
        if literals_fit { Ok(template) } else { Err(ValueError::Expected(EXPECTED)) }
    }

    /// The name of a Service: a label as RFC 1035 has it.
    ///
    /// # Errors
    /// The value is not such a label.
    pub fn service_name(self) -> Result<Arc<str>, ValueError> {
        const EXPECTED: &str = "the name of a Service in the same namespace";
        let text = self.text();
        let label = text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if label { Ok(text.into()) } else { Err(ValueError::Expected(EXPECTED)) }
    }

    fn made_of(self, punctuation: &str, expected: &'static str) -> Result<&'a str, ValueError> {
        let text = self.text();
        if made_of(text, punctuation) { Ok(text) } else { Err(ValueError::Expected(expected)) }
    }
}

fn made_of(text: &str, punctuation: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || punctuation.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_hold_variables_and_nothing_else_of_a_regex() {
        assert_eq!(
            Value::from("shop.example.com:8080").host().expect("a host").literal(),
            Some("shop.example.com:8080")
        );
        assert!(Value::from("$service_name.$namespace.svc").host().is_ok());
        assert!(matches!(Value::from("$nope").host(), Err(ValueError::Template(_))));
        for text in ["a/b", "a b", "a\"b", "a(b)"] {
            assert!(Value::from(text).host().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_reading_lets_a_control_character_pass(head in "[a-z/]{1,5}", bad in "[\0-\x1f\x7f]", tail in "[a-z/]{1,5}") {
            let text = format!("{head}{bad}{tail}");
            let value = Value::from(&*text);
            prop_assert!(value.url().is_err());
            prop_assert!(value.path_with_captures().is_err());
            prop_assert!(value.basic().is_err());
            prop_assert!(value.urls().is_err());
            prop_assert!(value.names().is_err());
            prop_assert!(value.regex().is_err());
            prop_assert!(value.server_name().is_err());
            prop_assert!(value.host().is_err());
            prop_assert!(value.service_name().is_err());
        }
    }
}
