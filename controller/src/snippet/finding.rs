use super::context::Context;
use crate::nginx_syntax::Position;
use crate::route_defaults::{LimitZones, SnippetBlock};
use gateway::config::Subject;

/// Where a snippet stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The object.
    pub(crate) object: &'a Subject,
    /// The field in it.
    pub(crate) field: &'a str,
    /// The block of nginx's configuration that it is put into.
    pub(crate) context: Context,
    /// The Services that it may name; `None` is none.
    pub(crate) services: Option<Services<'a>>,
    /// The zones of limits that it may name.
    pub(crate) zones: &'a LimitZones,
}

/// The Services that a snippet may name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Services<'a> {
    /// Those of this namespace.
    pub(crate) namespace: &'a str,
    /// Those of others, too: `allow-cross-namespace-resources`.
    pub(crate) across: bool,
}

/// A snippet that has been read.
#[derive(Clone, Debug)]
pub(crate) struct Snippet {
    /// What it says, without what is wrong.
    pub(crate) block: SnippetBlock,
    /// What became of each directive, in the order of the text.
    pub(crate) findings: Vec<Finding>,
}

/// What became of a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where it begins.
    pub(crate) position: Position,
    /// Its name and arguments; `None` for a text that is not nginx's syntax there.
    pub(crate) directive: Option<String>,
    /// What became of it.
    pub(crate) verdict: Verdict,
}

/// What became of a directive. The texts follow it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It works.
    Works,
    /// It has no effect, for this reason.
    Idle(String),
    /// It cannot be served, for this reason: nothing of the snippet is.
    Fault(String),
}
