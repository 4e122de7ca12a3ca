//! nginx's snippets: the statements of its rewrite module, and what else directives ask for.
//!
//! A server's are run before a route is looked up, and a location's once its route was found. What they make of a request
//! is its [`SnippetState`], which lasts from the first snippet to the log line. Each rule names the function of nginx that
//! it follows.

mod compile;
mod effects;
mod error_page;
#[cfg(test)]
pub(crate) mod fixture;
mod lead;
mod matcher;
mod media_type;
mod replacement;
mod run;
mod state;
#[cfg(test)]
mod tests;

pub use effects::{Change, Effects, InputHeaders, Name};
pub(crate) use error_page::{ErrorPage, Page};
pub(crate) use matcher::Matcher;
pub use run::{Outcome, Surroundings};
pub use state::SnippetState;

use crate::config::{Origin, Template, Variable};
use replacement::Rewrite;
use std::sync::Arc;

/// A compiled block of directives: those of a server or a location.
#[derive(Debug)]
pub struct Snippet(Block);

#[derive(Debug)]
struct Block {
    statements: Box<[Statement]>,
    effects: Arc<Effects>,
}

#[derive(Debug)]
struct Statement {
    origin: Arc<Origin>,
    operation: Operation,
}

#[derive(Debug)]
enum Operation {
    Set {
        name: Arc<str>,
        value: Template,
    },
    /// `set $args`: the request's arguments, as nginx: ngx_http_variable_set_args.
    SetArguments(Template),
    If {
        test: Test,
        block: Block,
    },
    Rewrite(Rewrite),
    Return {
        status: u16,
        text: Option<Template>,
    },
    Break,
}

#[derive(Debug)]
enum Test {
    IsTrue(Variable),
    Equals { variable: Variable, text: Template, negated: bool },
    Matches { variable: Variable, matcher: Matcher, negated: bool },
}
