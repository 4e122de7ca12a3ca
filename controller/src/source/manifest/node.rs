//! A parsed YAML (or JSON) document that remembers lines.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Options, Spanned};
use std::fmt;

/// The most nodes in one document: 10 MB of the densest manifest have about half as many.
const MAX_NODES: usize = 4_000_000;

/// The most nodes that a document may grow by through aliases.
const MAX_ALIASED: usize = 100_000;

/// Nesting that any thread's stack has room for. Objects that we read need half of it.
const SHALLOW: usize = 24;

/// The deepest nesting, which only a generated CustomResourceDefinition comes near.
const DEEP: usize = 100;

/// Enough stack for [`DEEP`], several times over, even without optimisation.
const DEEP_STACK: usize = 16 << 20;

/// A node and the line that it starts at.
#[derive(Debug)]
pub(crate) struct Node {
    /// In the file, from 1.
    pub(crate) line: u32,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Parses the text of one document whose first line is `first_line` of its file. The error is a line of the file and
    /// what is wrong there.
    ///
    /// A key twice in one mapping is an error; so are aliases that grow out of proportion. As `kubectl` does, `yes` and
    /// `on` are booleans.
    pub(crate) fn parse(text: &str, first_line: u32) -> Result<Self, (u32, String)> {
        let lines_before = first_line.saturating_sub(1);
        let mut root = match parse_to(SHALLOW, text) {
            Err(ParseFailure { too_deep: true, .. }) => parse_on_a_large_stack(text),
            outcome => outcome,
        }
        .map_err(|failure| (failure.line.saturating_add(lines_before), failure.message))?;
        root.move_down(lines_before);
        Ok(root)
    }

    /// The value of a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Option<&[Self]> {
        match &self.data {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar(Value::Null))
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.data, Data::Map(_))
    }

    /// The same without lines.
    pub(crate) fn to_value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => items.iter().map(Self::to_value).collect(),
            Data::Map(entries) => entries.iter().map(|(key, node)| (key.clone(), node.to_value())).collect(),
        }
    }

    /// The line of a field, written as in a diagnostic: `spec.rules[0].host`, `metadata.annotations[a.b/c]`. Where there
    /// is no such field, the line of the innermost node that should have it.
    pub(crate) fn line_of(&self, field: &str) -> u32 {
        let Some((step, rest)) = first_step(field) else { return self.line };
        let child = match &self.data {
            Data::List(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
            _ => self.get(step),
        };
        child.map_or(self.line, |child| child.line_of(rest))
    }

    fn move_down(&mut self, lines: u32) {
        self.line = self.line.saturating_add(lines);
        match &mut self.data {
            Data::Scalar(_) => {}
            Data::List(items) => items.iter_mut().for_each(|node| node.move_down(lines)),
            Data::Map(entries) => entries.iter_mut().for_each(|(_, node)| node.move_down(lines)),
        }
    }
}

impl From<Spanned<Data>> for Node {
    fn from(spanned: Spanned<Data>) -> Self {
        Self { line: u32::try_from(spanned.referenced.line()).unwrap_or(u32::MAX), data: spanned.value }
    }
}

/// Cuts the first step off a field: a name up to `.` or `[`, or what stands in brackets.
fn first_step(field: &str) -> Option<(&str, &str)> {
    let field = field.strip_prefix('.').unwrap_or(field);
    if let Some(bracketed) = field.strip_prefix('[') {
        return bracketed.split_once(']');
    }
    let end = field.find(['.', '[']).unwrap_or(field.len());
    (end > 0).then(|| field.split_at(end))
}

/// Why a document cannot be parsed, and on which of its lines.
struct ParseFailure {
    line: u32,
    message: String,
    too_deep: bool,
}

fn parse_to(depth: usize, text: &str) -> Result<Node, ParseFailure> {
    serde_saphyr::from_str_with_options::<Spanned<Data>>(text, options(depth)).map(Node::from).map_err(|error| {
        ParseFailure {
            line: error.location().and_then(|at| u32::try_from(at.line()).ok()).unwrap_or(1).max(1),
            message: describe(&error),
            too_deep: matches!(error, Error::Budget { breach: BudgetBreach::Depth { .. }, .. }),
        }
    })
}

/// The parser recurses as deep as the document, so that a deep one gets a stack of its own.
fn parse_on_a_large_stack(text: &str) -> Result<Node, ParseFailure> {
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, || parse_to(DEEP, text)).ok()?;
        thread.join().ok()
    })
    .unwrap_or_else(|| {
        Err(ParseFailure { line: 1, message: "is nested too deeply to be parsed".to_owned(), too_deep: true })
    })
}

fn options(max_depth: usize) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 2 * MAX_NODES,
            max_nodes: MAX_NODES,
            max_depth: max_depth,
            max_total_scalar_bytes: 256 << 20,
            max_recorded_anchor_events: MAX_ALIASED,
            // JSON has no limit for the length of a key.
            simple_key_max_lookahead: 1 << 20,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIASED },
        with_snippet: false,
    }
}

/// The parser's message without the position in the document, which differs from that in the file.
fn describe(error: &Error) -> String {
    if let Error::Budget { breach, .. } = error {
        return match breach {
            BudgetBreach::Depth { .. } => format!("is nested deeper than {DEEP} levels"),
            breach => format!("expands to too many nodes or aliases ({breach:?})"),
        };
    }
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default();
    let end = text.find(" at line ").unwrap_or(text.len());
    let text = text[..end].trim_end_matches([',', ':', ' ']);
    format!("is not valid YAML: {}", text.strip_prefix("error: ").unwrap_or(text))
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Data, E> {
        Ok(Data::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Data, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Data, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Data, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Data, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Data>>()? {
            items.push(item.into());
        }
        Ok(Data::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Data, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = access.next_entry::<String, Spanned<Data>>()? {
            entries.push((key, node.into()));
        }
        Ok(Data::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(text: &str) -> Value {
        Node::parse(text, 1).expect("valid YAML").to_value()
    }

    fn error(text: &str) -> (u32, String) {
        Node::parse(text, 1).expect_err("invalid YAML")
    }

    #[test]
    fn scalars_have_the_types_that_kubectl_gives_them() {
        assert_eq!(
            value("{a: 80, b: \"80\", c: 1.5, d: true, e: yes, f: ~, g: , h: text, i: -3, 8: k}"),
            json!({"a": 80, "b": "80", "c": 1.5, "d": true, "e": true, "f": null, "g": null, "h": "text", "i": -3, "8": "k"})
        );
        assert_eq!(value("--- # nothing\n"), Value::Null);
        assert_eq!(value("a: |\n  x\n  y\nb: >-\n  x\n  y\n"), json!({"a": "x\ny\n", "b": "x y"}));
    }

    #[test]
    fn json_is_read_too() {
        let long_key = "k".repeat(5000);
        let text = format!(
            "{{\n\t\"a\": [1, {{\"b\":null}}],\n\t\"c\":\"\\ud83d\\ude00 \\/ \\u00e9\",\"{long_key}\":true}}\n"
        );
        assert_eq!(value(&text), serde_json::from_str::<Value>(&text).expect("valid JSON"));
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let text = "---\nspec:\n  rules:\n  - host: a\n  - host: b\nmetadata:\n  annotations:\n    a.b/c: x\n";
        let node = Node::parse(text, 11).expect("valid YAML");
        assert_eq!(node.line, 12);
        assert_eq!(node.line_of("spec.rules[1].host"), 15);
        assert_eq!(node.line_of("spec.rules[1].http.paths[0]"), 15);
        assert_eq!(node.line_of("spec.rules[7]"), 14);
        assert_eq!(node.line_of("metadata.annotations[a.b/c]"), 18);
        assert_eq!(node.line_of(""), 12);
        assert_eq!(Node::parse("a: 1\nb: [\n", 11).expect_err("unclosed").0, 12);
    }

    #[test]
    fn a_key_twice_is_an_error() {
        let (line, message) = error("a: 1\nb:\n  c: 1\n  c: 2\n");
        assert_eq!(line, 4);
        assert!(message.contains("duplicate") && message.contains('c'), "{message}");
        assert_eq!(error("{\"a\": 1, \"a\": 2}").0, 1);
    }

    #[test]
    fn an_alias_bomb_is_an_error() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            let aliases = vec![format!("*a{before}"); 10].join(", ");
            text += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        error(&text);
        error(&"[".repeat(100_000));
        error(&"{a: ".repeat(100_000));
        error(&"- ".repeat(100_000));
    }

    #[test]
    fn deep_documents_are_read_up_to_a_limit() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        for depth in [1, SHALLOW, SHALLOW + 1, DEEP] {
            assert_eq!(value(&nested(depth)).to_string(), nested(depth));
        }
        error(&nested(DEEP + 1));
        let mut chain = "a0: &a0 [x]\n".to_owned();
        for level in 1..200 {
            chain += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
        }
        error(&chain);
    }

    #[test]
    fn messages_do_not_repeat_the_position() {
        for text in ["a: [", "a: \"x", "a:\n\tb: 1", "a: 1\n b: 2", "a: *x", "a: 1\na: 2", "}", "a: .nan"] {
            let (_, message) = error(text);
            assert!(!message.is_empty() && !message.contains(" line "), "{message}");
        }
    }
}
