use super::bounds::{MAX_DEPTH, MAX_DIRECTIVES, MAX_LENGTH};
use super::directive::{Directive, Position};

/// Why a text is not a list of directives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {kind}")]
pub struct SyntaxError {
    /// Where.
    pub position: Position,
    /// What is wrong there.
    pub kind: SyntaxErrorKind,
    /// The directives before it that are whole.
    pub before: Vec<Directive>,
}

impl SyntaxError {
    pub(super) fn new(position: Position, kind: SyntaxErrorKind) -> Self {
        Self { position, kind, before: Vec::new() }
    }
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxErrorKind {
    /// It is too long.
    #[error("the text is too long: expected at most {} KiB", MAX_LENGTH >> 10)]
    TooLong,
    /// It has too many directives.
    #[error("there are too many directives: expected at most {MAX_DIRECTIVES}")]
    TooMany,
    /// Blocks stand too deep within each other.
    #[error("blocks are nested too deeply: expected at most {MAX_DEPTH} within each other")]
    TooDeep,
    /// A block of another language, whose end only that knows.
    #[error("the block of {0:?} is code, which no snippet may run")]
    Code(String),
    /// A word goes on after its quote.
    #[error("unexpected {0:?} after a closing quote: expected a space, \";\" or \"{{\"")]
    AfterQuote(char),
    /// A quote has no end.
    #[error("the quote that begins here has no end: expected another {0}")]
    OpenQuote(char),
    /// `;` or `{` without a directive before it.
    #[error("unexpected {0:?}: expected the name of a directive before it")]
    NoDirective(char),
    /// `}` within a directive.
    #[error("unexpected \"}}\": expected \";\" after the directive {0:?}")]
    EndInDirective(String),
    /// `}` where no block is open.
    #[error("unexpected \"}}\": no block of this text is open, and it cannot end the block that it is put into")]
    EndWithoutBlock,
    /// The text ends within a directive.
    #[error("the directive {0:?} has no end: expected \";\" or a block")]
    OpenDirective(String),
    /// The text ends within a block.
    #[error("the block of {0:?} has no end: expected \"}}\"")]
    OpenBlock(String),
}
