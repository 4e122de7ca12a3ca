//! What a block inherits from the one around it, as nginx's modules merge their settings.

use super::http_block::{HttpBlock, within_http};
use crate::route_defaults::{SnippetBlock, SnippetStatement};
use gateway::config::{Block, Compression, Effects, Operation, ResponseHeader, Statement};
use std::sync::Arc;

/// What a block stands in.
#[derive(Clone, Copy)]
pub(super) struct Outer<'a> {
    /// The block around it.
    pub(super) block: &'a SnippetBlock,
    /// How responses are compressed where no directive says otherwise.
    pub(super) compression: &'a Compression,
    /// Its backends speak gRPC.
    pub(super) is_grpc: bool,
}

/// The block of a snippet within another one.
pub(super) fn block(own: &SnippetBlock, outer: Outer<'_>) -> Block {
    let all = inherited(own, outer.block);
    let statement = |statement: &SnippetStatement| match statement.clone() {
        SnippetStatement::Other(origin, operation) => Statement { origin, operation },
        SnippetStatement::If(origin, test, inner) => Statement {
            origin,
            operation: Operation::If { test, block: block(&inner, Outer { block: &all, ..outer }) },
        },
    };
    Block { statements: own.statements.iter().map(statement).collect(), effects: effects(&all, outer) }
}

/// What holds in a block, and what a block within it inherits: settings of headers-more add up, the outer ones first; of the
/// others a block that has its own inherits none.
pub(crate) fn inherited(own: &SnippetBlock, outer: &SnippetBlock) -> SnippetBlock {
    SnippetBlock {
        input_headers: [&*outer.input_headers, &*own.input_headers].concat(),
        changed_headers: [&*outer.changed_headers, &*own.changed_headers].concat(),
        proxy_headers: own_or(&own.proxy_headers, &outer.proxy_headers),
        grpc_headers: own_or(&own.grpc_headers, &outer.grpc_headers),
        hidden_headers: own_or(&own.hidden_headers, &outer.hidden_headers),
        added_headers: own_or(&own.added_headers, &outer.added_headers),
        expires: own.expires.or(outer.expires),
        default_type: own.default_type.clone().or_else(|| outer.default_type.clone()),
        compression: own.compression.or(&outer.compression),
        sub_filter: own.sub_filter.over(&outer.sub_filter),
        access_log: own.access_log.or(outer.access_log),
        error_pages: own_or(&own.error_pages, &outer.error_pages),
        intercepts_errors: own.intercepts_errors.or(outer.intercepts_errors),
        limits: own.limits.within(&outer.limits),
        auth_variables: own_or(&own.auth_variables, &outer.auth_variables),
        ..SnippetBlock::default()
    }
}

pub(super) fn own_or<T: Clone>(own: &[T], outer: &[T]) -> Vec<T> {
    if own.is_empty() { outer.to_vec() } else { own.to_vec() }
}

/// In the order of nginx's filters: what headers-more changes comes before what `expires` and `add_header` add.
fn effects(block: &SnippetBlock, outer: Outer<'_>) -> Effects {
    let hidden = block.hidden_headers.iter().cloned().map(ResponseHeader::Hide);
    let expires = block.expires.flatten().map(ResponseHeader::Expires);
    let changed = block.changed_headers.iter().cloned();
    Effects {
        input_headers: block.input_headers.clone().into(),
        backend_headers: if outer.is_grpc { block.grpc_headers.clone() } else { block.proxy_headers.clone() }.into(),
        response_headers: hidden.chain(changed).chain(expires).chain(block.added_headers.iter().cloned()).collect(),
        default_type: block.default_type.clone(),
        compression: block.compression.over(outer.compression),
        sub_filter: block.sub_filter.resolve(),
        access_log: block.access_log,
        error_pages: block.error_pages.clone().into(),
        intercepts_errors: block.intercepts_errors,
    }
}

/// The block of a server; `None` if it does nothing.
pub(crate) fn server_block(own: &SnippetBlock, http: HttpBlock<'_>) -> Option<Arc<Block>> {
    let own = within_http(own, http);
    unless_empty(block(&own, Outer { block: &SnippetBlock::default(), compression: http.compression, is_grpc: false }))
}

/// The block of an auth request, whose other settings are those of [`gateway::config::ExternalAuth`]; `None` if it runs nothing.
pub(crate) fn auth_block(own: &SnippetBlock) -> Option<Arc<Block>> {
    let none = SnippetBlock::default();
    let statements = SnippetBlock { statements: own.statements.clone(), ..SnippetBlock::default() };
    unless_empty(block(&statements, Outer { block: &none, compression: &Compression::default(), is_grpc: false }))
}

/// A block that does something.
pub(super) fn unless_empty(block: Block) -> Option<Arc<Block>> {
    (block != Block::default()).then(|| Arc::new(block))
}
