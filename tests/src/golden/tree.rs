//! A value as `Debug` prints it, without its defaults and in a form that is easy to review.

use anyhow::{Context, Result, bail, ensure};
use std::fmt::{self, Debug, Write};

/// The longest line, in columns. A longer value is written over several lines where it has parts.
const COLUMNS: usize = 120;

/// A value, as derived implementations of `Debug` print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    /// A number, a string in its quotes, or a variant without fields.
    Leaf(String),
    /// The name and the fields of a struct or a variant. A `..` at the end is left out.
    Struct(String, Vec<(String, Tree)>),
    /// A tuple, a tuple struct or a tuple variant. The name of a tuple is empty.
    Tuple(String, Vec<Tree>),
    List(Vec<Tree>),
}

impl Tree {
    /// The tree of a value. It is an error if a part of it has a `Debug` that looks like nothing that is derived.
    pub(super) fn of(value: &impl Debug) -> Result<Self> {
        let text = format!("{value:#?}");
        let mut lines = text.lines().map(str::trim_start);
        let tree = Self::parse(lines.next().context("no text")?, &mut lines)?;
        ensure!(lines.next().is_none(), "more than one value in {text}");
        Ok(tree)
    }

    /// Parses a value: the rest of its first line, and the lines that follow.
    fn parse<'a>(first: &'a str, lines: &mut impl Iterator<Item = &'a str>) -> Result<Self> {
        // A string may end with any character.
        let opening = if first.starts_with('"') { None } else { first.chars().last() };
        match opening {
            Some('{') => {
                let mut fields = Vec::new();
                while let Some(line) = next(lines, '}')? {
                    if line != ".." {
                        let (name, value) = line.split_once(": ").with_context(|| format!("{line:?} is no field"))?;
                        fields.push((name.to_owned(), Self::parse(value, lines)?));
                    }
                }
                Ok(Self::Struct(first.trim_end_matches(['{', ' ']).to_owned(), fields))
            }
            Some('(') => Ok(Self::Tuple(first.trim_end_matches('(').to_owned(), Self::items(lines, ')')?)),
            Some('[') if first == "[" => Ok(Self::List(Self::items(lines, ']')?)),
            _ => Ok(Self::Leaf(first.trim_end_matches(',').to_owned())),
        }
    }

    fn items<'a>(lines: &mut impl Iterator<Item = &'a str>, end: char) -> Result<Vec<Self>> {
        let mut items = Vec::new();
        while let Some(line) = next(lines, end)? {
            items.push(Self::parse(line, lines)?);
        }
        Ok(items)
    }

    /// Removes the fields that have their default. Where a struct of the same name is among `defaults`, that is the
    /// field's value there. Elsewhere it is nothing (`None`, `false`, an empty list or string) or one of `defaults`.
    /// `Some(x)` becomes `x`.
    pub(super) fn without(self, defaults: &[Self]) -> Self {
        self.shorten(None, defaults)
    }

    /// The same. `default` is the default of this place, if it is known; it goes before `defaults`.
    fn shorten(self, default: Option<&Self>, defaults: &[Self]) -> Self {
        match self {
            Self::Struct(name, fields) => {
                let known = default.into_iter().chain(defaults).find_map(|default| match default {
                    Self::Struct(of, fields) if *of == name => Some(fields),
                    _ => None,
                });
                let fields = fields.into_iter().filter_map(|(name, value)| {
                    let default = known.and_then(|fields| fields.iter().find(|(of, _)| *of == name));
                    let default = default.map(|(_, value)| value);
                    let is_default = match default {
                        Some(default) => value == *default,
                        None => value.is_nothing() || defaults.contains(&value),
                    };
                    let value = (!is_default).then(|| value.shorten(default, defaults))?;
                    Some((name, value))
                });
                Self::Struct(name, fields.collect())
            }
            Self::Tuple(name, values) => {
                let default = |at: usize| match default {
                    Some(Self::Tuple(of, values)) if *of == name => values.get(at),
                    _ => None,
                };
                let values = values.into_iter().enumerate();
                let mut values: Vec<_> = values.map(|(at, value)| value.shorten(default(at), defaults)).collect();
                if name == "Some" && values.len() == 1 { values.remove(0) } else { Self::Tuple(name, values) }
            }
            Self::List(items) => Self::List(items.into_iter().map(|item| item.shorten(None, defaults)).collect()),
            leaf @ Self::Leaf(_) => leaf,
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Leaf(text) if matches!(text.as_str(), "None" | "[]" | "\"\"" | "false"))
    }

    /// Sorts the list in this field by the text of its items.
    pub(super) fn sort(&mut self, field: &str) {
        if let Self::Struct(_, fields) = self {
            let lists = fields.iter_mut().filter(|(name, _)| name == field);
            for (_, list) in lists {
                if let Self::List(items) = list {
                    items.sort_by_cached_key(ToString::to_string);
                }
            }
        }
    }

    /// Appends the value to a line that is indented by `indent` and has `before` columns so far.
    fn write(&self, f: &mut String, indent: usize, before: usize) -> fmt::Result {
        let inline = self.inline();
        let inner = indent + 2;
        match self {
            _ if before + 1 + inline.chars().count() <= COLUMNS => write!(f, " {inline}"),
            Self::Leaf(text) => write!(f, " {text}"),
            Self::Struct(name, fields) => {
                write!(f, " {name}")?;
                fields.iter().try_for_each(|(name, value)| {
                    write!(f, "\n{:inner$}{name}:", "")?;
                    value.write(f, inner, inner + name.len() + 1)
                })
            }
            Self::Tuple(name, values) => match &values[..] {
                [key, value] if name.is_empty() => {
                    let key = key.inline();
                    write!(f, " {key}:")?;
                    value.write(f, indent, before + 1 + key.chars().count() + 1)
                }
                [value] => {
                    write!(f, " {name}")?;
                    value.write(f, indent, before + 1 + name.len())
                }
                values => {
                    write!(f, " {name}")?;
                    write_list(f, values, inner)
                }
            },
            Self::List(items) => write_list(f, items, indent),
        }
    }

    fn inline(&self) -> String {
        let list = |items: &[Self]| items.iter().map(Self::inline).collect::<Vec<_>>().join(", ");
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Struct(name, fields) => {
                let fields = fields.iter().map(|(name, value)| format!("{name}: {}", value.inline()));
                format!("{name} {{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Self::Tuple(name, values) => match &values[..] {
                [key, value] if name.is_empty() => format!("{}: {}", key.inline(), value.inline()),
                values => format!("{name}({})", list(values)),
            },
            Self::List(items) => format!("[{}]", list(items)),
        }
    }
}

fn write_list(f: &mut String, items: &[Tree], indent: usize) -> fmt::Result {
    items.iter().try_for_each(|item| {
        write!(f, "\n{:indent$}-", "")?;
        item.write(f, indent + 2, indent + 1)
    })
}

/// The next line of a value, or `None` at its end, which is a line with this character.
fn next<'a>(lines: &mut impl Iterator<Item = &'a str>, end: char) -> Result<Option<&'a str>> {
    let Some(line) = lines.next() else { bail!("no {end:?} at the end") };
    Ok((line.trim_end_matches(',') != end.to_string()).then_some(line))
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text, 0, 0)?;
        f.write_str(text.trim_start())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use std::time::Duration;

    #[allow(dead_code, reason = "Debug reads them")]
    #[derive(Debug, Default)]
    struct Outer {
        name: String,
        address: Option<SocketAddr>,
        inner: Inner,
        pairs: Vec<(u8, Kind)>,
    }

    #[allow(dead_code, reason = "Debug reads them")]
    #[derive(Debug)]
    struct Inner {
        on: bool,
        time: Duration,
        inner: Option<Box<Inner>>,
    }

    impl Default for Inner {
        fn default() -> Self {
            Self { on: true, time: Duration::from_secs(60), inner: None }
        }
    }

    #[allow(dead_code, reason = "Debug reads them")]
    #[derive(Debug)]
    enum Kind {
        Unit,
        Single(Vec<String>),
        Named { field: &'static str },
        Tuple([u8; 2], String),
    }

    fn text(value: &impl Debug, defaults: &[Tree]) -> String {
        Tree::of(value).expect("a tree").without(defaults).to_string()
    }

    #[test]
    fn what_is_nothing_is_left_out() {
        assert_eq!(
            text(&Outer { inner: Inner { on: false, ..Inner::default() }, ..Outer::default() }, &[]),
            "Outer {inner: Inner {time: 60s}}"
        );
        let address = Some("[::1]:80".parse().expect("an address"));
        let outer = Outer { name: "a, {\n".to_owned(), address, ..Outer::default() };
        assert_eq!(
            text(&outer, &[]),
            r#"Outer {name: "a, {\n", address: [::1]:80, inner: Inner {on: true, time: 60s}}"#
        );
    }

    #[test]
    fn what_is_as_by_default_is_left_out() {
        let defaults = [Tree::of(&Outer::default()).expect("a tree"), Tree::of(&Inner::default()).expect("a tree")];
        assert_eq!(text(&Outer::default(), &defaults), "Outer {}");
        assert_eq!(text(&Outer::default(), &defaults[1..]), "Outer {}");
        let inner = Inner { on: false, inner: Some(Box::default()), ..Inner::default() };
        let outer = Outer { inner, ..Outer::default() };
        assert_eq!(text(&outer, &defaults), "Outer {inner: Inner {on: false, inner: Inner {}}}");
    }

    #[test]
    fn a_value_in_its_place_is_held_against_what_is_there_by_default() {
        let outer =
            |time| Outer { inner: Inner { time: Duration::from_secs(time), ..Inner::default() }, ..Outer::default() };
        let defaults = [Tree::of(&outer(5)).expect("a tree"), Tree::of(&Inner::default()).expect("a tree")];
        assert_eq!(text(&outer(60), &defaults), "Outer {inner: Inner {time: 60s}}");
    }

    #[test]
    fn long_values_are_taken_apart() {
        let x = "x".repeat(COLUMNS);
        let pairs = vec![
            (2, Kind::Named { field: "f" }),
            (1, Kind::Tuple([1, 2], x.clone())),
            (4, Kind::Single(vec!["a".to_owned(), x.clone()])),
            (3, Kind::Unit),
        ];
        let mut tree = Tree::of(&Outer { pairs, ..Outer::default() }).expect("a tree").without(&[]);
        tree.sort("pairs");
        let expected = format!(
            "Outer
  inner: Inner {{on: true, time: 60s}}
  pairs:
  - 1: Tuple
      - [1, 2]
      - \"{x}\"
  - 2: Named {{field: \"f\"}}
  - 3: Unit
  - 4: Single
    - \"a\"
    - \"{x}\""
        );
        assert_eq!(tree.to_string(), expected);
    }
}
