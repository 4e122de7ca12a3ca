//! The text of an annotation, and the ways to read it.
//!
//! The character classes are ingress-nginx's (`internal/ingress/annotations/parser/validators.go`), always anchored at
//! both ends. None of them holds a control character.

use super::error::AnnotationError;
use crate::value::{parse_bool, parse_network};
use gateway::config::Template;
use ipnet::IpNet;
use std::sync::Arc;

/// The value of one annotation.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a>(pub(super) &'a str);

/// Besides letters and digits, as for all of these.
const URL: &str = "/-._~:,?&=";
const CAPTURES: &str = "/-._~:$";
const REGEX: &str = "/-._~:^$[](){}*+?|&=\\";
/// What a `Host` header may hold.
const HOST: &str = "-._~:[]";

impl<'a> Value<'a> {
    /// The value without the spaces around it.
    pub fn text(self) -> &'a str {
        self.0.trim()
    }

    /// A Boolean, in one of the spellings that Go's `strconv.ParseBool` takes.
    ///
    /// # Errors
    /// The value has none of these spellings.
    pub fn bool(self) -> Result<bool, AnnotationError> {
        parse_bool(self.0).ok_or(AnnotationError::Expected("\"true\" or \"false\""))
    }

    /// IP networks and addresses, separated by commas; at least one, each once. Host bits are cut off.
    ///
    /// # Errors
    /// A part is neither an address nor a network.
    pub fn networks(self) -> Result<Arc<[IpNet]>, AnnotationError> {
        const EXPECTED: &str = "IP addresses or networks separated by commas, such as \"10.0.0.0/8, 192.0.2.1\"";
        let network = |text: &str| parse_network(text.trim()).map(|network| network.trunc());
        let mut networks: Vec<_> =
            self.0.split(',').map(network).collect::<Option<_>>().ok_or(AnnotationError::Expected(EXPECTED))?;
        networks.sort_unstable();
        networks.dedup();
        Ok(networks.into())
    }

    /// A whole number without a unit.
    ///
    /// # Errors
    /// The value is not a whole number, or does not fit into 64 bits.
    pub fn int(self) -> Result<i64, AnnotationError> {
        self.0.parse().map_err(|_| AnnotationError::Expected("a whole number without a unit, such as \"30\""))
    }

    /// One of a few words.
    ///
    /// # Errors
    /// The value is none of the words. The error names what `expected` says.
    pub fn one_of(self, words: &[&str], expected: &'static str) -> Result<&'a str, AnnotationError> {
        let text = self.text();
        if words.contains(&text) { Ok(text) } else { Err(AnnotationError::Expected(expected)) }
    }

    /// A size in bytes: digits and one of `b`, `k`, `m`, `g` or nothing. `None` for the suffix `b`, which passes
    /// ingress-nginx's validator and then sets nothing.
    ///
    /// # Errors
    /// The value is not a number with such a suffix, or does not fit into 64 bits.
    pub fn size(self) -> Result<Option<u64>, AnnotationError> {
        const EXPECTED: AnnotationError =
            AnnotationError::Expected("a number of bytes, or a number with k, m or g, such as \"8m\"");
        let text = self.text();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let shift = match unit {
            "" | "b" | "B" => 0,
            "k" | "K" => 10,
            "m" | "M" => 20,
            "g" | "G" => 30,
            _ => return Err(EXPECTED),
        };
        let number: u64 = digits.parse().map_err(|_| EXPECTED)?;
        let bytes = number.checked_mul(1 << shift).ok_or(EXPECTED)?;
        Ok((!unit.eq_ignore_ascii_case("b")).then_some(bytes))
    }

    /// A URL without escapes, fragment, user or variables.
    ///
    /// # Errors
    /// The value contains other characters than letters, digits and `/-._~:,?&=`.
    pub fn url(self) -> Result<&'a str, AnnotationError> {
        self.made_of(URL, "a URL of letters, digits and /-._~:,?&=")
    }

    /// A path in which `$1` to `$9` may stand.
    ///
    /// # Errors
    /// The value contains other characters than letters, digits and `/-._~:$`.
    pub fn path_with_captures(self) -> Result<&'a str, AnnotationError> {
        self.made_of(CAPTURES, "a path of letters, digits and /-._~:$")
    }

    /// A server name, or a regular expression for one.
    ///
    /// # Errors
    /// The value contains spaces, quotes, `;` or other characters that are not allowed in a regular expression here.
    pub fn server_name(self) -> Result<&'a str, AnnotationError> {
        self.made_of(REGEX, "a host name, or '~' and a regular expression, without spaces, quotes and ';'")
    }

    /// A `Host` header in which nginx variables may stand.
    ///
    /// # Errors
    /// The value contains characters that no `Host` header may contain, or a variable that does not exist.
    pub fn host(self) -> Result<Template, AnnotationError> {
        const EXPECTED: &str = "a host name, which may have a port and nginx variables such as $host";
        let template = Template::parse(self.server_name()?).map_err(AnnotationError::Template)?;
        let literals_fit = template.0.iter().all(|piece| match piece {
            gateway::config::Piece::Literal(text) => made_of(text, HOST),
            gateway::config::Piece::Variable(_) => true,
        });
        if literals_fit { Ok(template) } else { Err(AnnotationError::Expected(EXPECTED)) }
    }

    /// The name of a Service: a label as RFC 1035 has it.
    ///
    /// # Errors
    /// The value is not such a label.
    pub fn service_name(self) -> Result<Arc<str>, AnnotationError> {
        const EXPECTED: &str = "the name of a Service in the same namespace";
        let text = self.text();
        let label = text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if label { Ok(text.into()) } else { Err(AnnotationError::Expected(EXPECTED)) }
    }

    fn made_of(self, punctuation: &str, expected: &'static str) -> Result<&'a str, AnnotationError> {
        let text = self.text();
        if made_of(text, punctuation) { Ok(text) } else { Err(AnnotationError::Expected(expected)) }
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
    fn booleans_are_gos() {
        assert_eq!(Value("T").bool(), Ok(true));
        assert_eq!(Value("0").bool(), Ok(false));
        for text in ["yes", "on", " true", "tRUE", ""] {
            assert!(Value(text).bool().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(Value("0").size(), Ok(Some(0)));
        assert_eq!(Value("8M").size(), Ok(Some(8 << 20)));
        assert_eq!(Value("7b").size(), Ok(None));
        for text in ["", "m", "1.5m", "-1", "1mb", "99999999999999999999", "18446744073709551615g"] {
            assert!(Value(text).size().is_err(), "{text:?}");
        }
    }

    #[test]
    fn hosts_hold_variables_and_nothing_else_of_a_regex() {
        assert_eq!(Value("shop.example.com:8080").host().expect("a host").literal(), Some("shop.example.com:8080"));
        assert!(Value("$service_name.$namespace.svc").host().is_ok());
        assert!(matches!(Value("$nope").host(), Err(AnnotationError::Template(_))));
        for text in ["a/b", "a b", "a\"b", "a(b)"] {
            assert!(Value(text).host().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_reading_lets_a_control_character_pass(head in "[a-z/]{1,5}", bad in "[\0-\x1f\x7f]", tail in "[a-z/]{1,5}") {
            let text = format!("{head}{bad}{tail}");
            let value = Value(&text);
            prop_assert!(value.url().is_err());
            prop_assert!(value.path_with_captures().is_err());
            prop_assert!(value.server_name().is_err());
            prop_assert!(value.host().is_err());
            prop_assert!(value.service_name().is_err());
        }
    }
}
