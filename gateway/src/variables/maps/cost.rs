//! What asking for a variable costs, so that no request can ask for too much.

use super::bounds::InvalidMap;
use crate::config::{MappedVariable, Mapping, Piece, Template, Variable};
use std::collections::HashMap;
use std::sync::Arc;

/// How many variables of `map` and `geo` asking for one may ask for, itself included.
const LIMIT: usize = 32;

/// Refuses a variable that is made of itself, or of too many others.
pub(super) fn check(variables: &[MappedVariable]) -> Result<(), InvalidMap> {
    let by_name = variables.iter().enumerate().map(|(number, variable)| (&variable.name, number)).collect();
    let mut costs = Costs { variables, by_name, known: vec![None; variables.len()] };
    for number in 0..variables.len() {
        costs.of(number)?;
    }
    Ok(())
}

struct Costs<'a> {
    variables: &'a [MappedVariable],
    by_name: HashMap<&'a Arc<str>, usize>,
    known: Vec<Option<Cost>>,
}

#[derive(Clone, Copy)]
enum Cost {
    Open,
    Known(usize),
}

impl Costs<'_> {
    /// How often `map` or `geo` is asked at most. Deep recursion is no danger: what costs more than the limit ends it.
    fn of(&mut self, number: usize) -> Result<usize, InvalidMap> {
        self.within(number, 0)
    }

    fn within(&mut self, number: usize, depth: usize) -> Result<usize, InvalidMap> {
        let fault = |reason: &str| Err(InvalidMap { number, reason: reason.to_owned() });
        match self.known[number] {
            Some(Cost::Known(cost)) => return Ok(cost),
            Some(Cost::Open) => return fault("is made of itself: expected a value without it"),
            None if depth >= LIMIT => return fault(TOO_MANY),
            None => self.known[number] = Some(Cost::Open),
        }
        let cost = match &self.variables[number].mapping {
            Mapping::Address(map) => 1 + self.template(&map.source, depth)?,
            Mapping::Text(map) => {
                let mut value = self.template(&map.default, depth)?;
                for (_, template) in &*map.entries {
                    value = value.max(self.template(template, depth)?);
                }
                1 + self.template(&map.source, depth)? + value
            }
        };
        if cost > LIMIT {
            return fault(TOO_MANY);
        }
        self.known[number] = Some(Cost::Known(cost));
        Ok(cost)
    }

    fn template(&mut self, template: &Template, depth: usize) -> Result<usize, InvalidMap> {
        let mut sum = 0;
        for piece in &*template.0 {
            if let Piece::Variable(Variable::Named(name)) = piece
                && let Some(number) = self.by_name.get(name).copied()
            {
                sum += self.within(number, depth + 1)?;
            }
        }
        Ok(sum)
    }
}

const TOO_MANY: &str =
    "is made of too many others of map and geo: expected at most 32, those that they are made of included";
