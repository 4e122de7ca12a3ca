use crate::route_defaults::{SnippetBlock, SnippetLocation, SnippetStatement};
use gateway::config::{Operation, PathKind, ResponseRewrite, RewriteFrom, Test};
use gateway::pattern::{Anchor, Pattern};
use std::sync::Arc;

/// The most that the patterns of a snippet may be together, as the gateway counts it ([`Pattern::size`]).
pub(super) const MAX_PATTERN_SIZE: usize = 10_000;

/// A regular expression that the gateway can take.
pub(super) fn pattern(text: &str) -> Result<Arc<str>, String> {
    match Pattern::check(text) {
        Ok(_) => Ok(text.into()),
        Err(error) => Err(format!("has the regular expression {text:?}, which cannot be used: {error}")),
    }
}

/// What the patterns of a block are together, those of its blocks included.
pub(super) fn total_size(block: &SnippetBlock) -> usize {
    let size = |pattern: &Arc<str>| Pattern::new(pattern, Anchor::Anywhere).map_or(0, |pattern| pattern.size());
    let of_statement = |statement: &SnippetStatement| match statement {
        SnippetStatement::If(_, Test::Matches { pattern, .. }, block) => size(pattern) + total_size(block),
        SnippetStatement::If(_, _, block) => total_size(block),
        SnippetStatement::Other(_, Operation::Rewrite(rewrite)) => size(&rewrite.pattern),
        SnippetStatement::Other(..) => 0,
    };
    let of_rewrite = |rewrite: &ResponseRewrite| match &rewrite.from {
        RewriteFrom::Pattern { pattern, .. } => size(pattern),
        RewriteFrom::Text(_) => 0,
    };
    let rewrites = [&block.redirects, &block.cookie_domains, &block.cookie_paths].into_iter().flatten().flatten();
    let of_location = |location: &SnippetLocation| match location.kind.path_kind() {
        PathKind::Regex => size(&location.text) + total_size(&location.block),
        PathKind::Exact | PathKind::Prefix => total_size(&location.block),
    };
    let locations: usize = block.locations.iter().map(of_location).sum();
    locations + block.statements.iter().map(of_statement).chain(rewrites.map(of_rewrite)).sum::<usize>()
}
