use std::fmt;

/// A directive: `name argument ...;` or `name argument ... { ... }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its name.
    pub name: String,
    /// Its arguments, without quotes and escapes.
    pub arguments: Vec<String>,
    /// The directives of its block; `None` if it ends with `;`.
    pub block: Option<Vec<Directive>>,
    /// Where its name begins.
    pub position: Position,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
