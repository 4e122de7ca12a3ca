//! `map` and `geo`: variables that are made of others.

mod geo;
mod map;
mod pairs;

use super::entry::Entry;
use super::finding::Finding;
use super::rewrite::variable_name;
use super::template::{Variables, is_of_headers};
use crate::nginx_syntax::Directive;
use gateway::config::{Mapping, Piece, Template, Variable};
use std::sync::Arc;

pub(super) const DIRECTIVES: &[Entry] = &[map::ENTRY, geo::ENTRY];

/// What came of reading a `map` or `geo`.
pub(super) struct Reading {
    /// The variable, without its `$`, and how it is made; or what is wrong with the directive.
    pub(super) mapped: Result<(Arc<str>, Mapping), String>,
    /// What is wrong with its pairs.
    pub(super) faults: Vec<Finding>,
}

/// The variable that a `map` or `geo` makes, without its `$`.
pub(super) fn name(arguments: &[String]) -> Option<&str> {
    variable_name(arguments.last()?)
}

/// Reads a `map`.
pub(super) fn map(arguments: &[String], pairs: &[Directive], variables: Variables<'_>) -> Reading {
    let source = arguments.first().map_or("", String::as_str);
    let (map, block) = map::read(source, pairs, variables);
    let mapped = own_name(arguments).and_then(|name| Ok((name.into(), Mapping::Text(map?))));
    Reading { mapped, faults: block.0 }
}

/// Reads a `geo`, likewise.
pub(super) fn geo(arguments: &[String], pairs: &[Directive], variables: Variables<'_>) -> Reading {
    let source = match arguments {
        [source, _] => variable_name(source)
            .ok_or_else(|| format!("has {source:?} for an address: expected a variable"))
            .and_then(|name| variables.variable(name)),
        _ => Ok(Variable::RemoteAddr),
    };
    let (source, fault) = match source {
        Ok(variable) => (Template([Piece::Variable(variable)].into()), None),
        Err(fault) => (Template::default(), Some(fault)),
    };
    let (map, block) = geo::read(source, pairs);
    let map = fault.map_or(Ok(Mapping::Address(map)), Err);
    let mapped = own_name(arguments).and_then(|name| Ok((name.into(), map?)));
    Reading { mapped, faults: block.0 }
}

fn own_name(arguments: &[String]) -> Result<&str, String> {
    let name = name(arguments).ok_or("does not end with a variable: expected a name such as \"$target\"")?;
    if Variable::parse(name).is_ok() || is_of_headers(name) {
        return Err(format!("makes ${name}, which is one of nginx's own variables: expected another name"));
    }
    Ok(name)
}
