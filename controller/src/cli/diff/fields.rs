//! Which fields of a value differ, by the names that they have in the code.

use crate::diagnostic::shown;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What is said of values that differ and look alike.
const HIDDEN: &str = "something that is not shown, such as a key or a password";

/// The fields of two structs of one type that differ: `name: old -> new`, each shortened. Of a struct in an `Arc`, too.
pub(super) fn differences<T: Debug + PartialEq>(old: &T, new: &T) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    let (old, new) = (format!("{old:#?}"), format!("{new:#?}"));
    if old == new {
        return vec![HIDDEN.to_owned()];
    }
    let (old, new) = (fields(&old), fields(&new));
    let differing = new.iter().filter(|(name, value)| old.get(*name) != Some(value));
    differing.map(|(name, value)| difference(old.get(name).map_or(&[][..], Vec::as_slice), value)).collect()
}

/// The lines of each field, as `{:#?}` indents them; without a name what stands between them.
fn fields(text: &str) -> BTreeMap<&str, Vec<&str>> {
    const INDENT: &str = "    ";
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut name = "";
    for line in text.lines().filter_map(|line| line.strip_prefix(INDENT)) {
        if !line.starts_with([' ', '}', ']', ')']) {
            name = line.split_once(": ").map_or("", |(name, _)| name);
        }
        fields.entry(name).or_default().push(line.trim());
    }
    fields
}

/// What differs between the lines of a field, with the name of the innermost field that it is in.
fn difference(old: &[&str], new: &[&str]) -> String {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let shorter = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count().min(shorter);
    let (before, after) = (joined(&old[start..old.len() - end]), joined(&new[start..new.len() - end]));
    let name = |line: &&str| line.split_once(": ").map(|(name, _)| name.to_owned());
    let outer = new.first().and_then(name).unwrap_or_default();
    let own = old.get(start).and_then(name).filter(|own| new.get(start).and_then(name).as_ref() == Some(own));
    let inner = own.or_else(|| new[..start].iter().rev().find_map(name)).unwrap_or_default();
    let path = if inner.is_empty() || inner == outer { outer } else { format!("{outer}: {inner}") };
    let value = |text: &str| shown(text.strip_prefix(&format!("{inner}: ")).unwrap_or(text)).to_string();
    format!("{path}: {} -> {}", value(&before), value(&after))
}

/// Lines as one.
fn joined(lines: &[&str]) -> String {
    let line = lines.join(" ");
    if line.is_empty() { "nothing".to_owned() } else { line.trim_end_matches(',').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[test]
    fn fields_are_named_that_differ() {
        #[derive(Clone, Copy, Debug, PartialEq)]
        struct Outer {
            rate: u8,
            inner: Option<Value>,
        }
        #[derive(Clone, Copy, Debug, PartialEq)]
        struct Value {
            same: u8,
            size: Option<u64>,
            text: &'static str,
        }
        let old = Value { same: 1, size: None, text: "a: b" };
        let new = Value { same: 1, size: Some(2), text: "a: c" };
        assert_eq!(differences(&old, &new), ["size: None -> Some( 2, )", "text: \"a: b\" -> \"a: c\""]);
        let larger = Value { size: Some(3), ..new };
        assert_eq!(differences(&new, &larger), ["size: 2 -> 3"]);
        let outer = |rate, inner| Outer { rate, inner };
        assert_eq!(differences(&outer(5, Some(new)), &outer(5, Some(larger))), ["inner: size: 2 -> 3"]);
        assert_eq!(differences(&outer(5, None), &outer(6, None)), ["rate: 5 -> 6"]);
        assert_eq!(differences(&old, &old), [""; 0]);
    }

    #[test]
    fn a_secret_that_differs_is_told_and_not_shown() {
        #[derive(PartialEq)]
        struct Secret(u8);
        impl Debug for Secret {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[redacted]")
            }
        }
        assert_eq!(differences(&Secret(1), &Secret(2)), [HIDDEN]);
    }
}
