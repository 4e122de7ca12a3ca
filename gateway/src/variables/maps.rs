//! Variables that are made of others, as nginx: ngx_http_map_module.c and ngx_http_geo_module.c.

mod address_map;
mod bounds;
mod cost;
#[cfg(test)]
mod tests;
mod text_map;

use super::{Values, append};
use crate::config::{MappedVariable, Mapping};
use address_map::AddressMap;
pub use bounds::{InvalidMap, Overrun};
use std::collections::HashMap;
use std::sync::Arc;
use text_map::TextMap;

/// The variables of `map` and `geo`, by name. A value is made whenever it is asked for, and nothing of it is kept.
#[derive(Debug, Default)]
pub struct Maps(HashMap<Arc<str>, Map>);

#[derive(Debug)]
enum Map {
    Text(TextMap),
    Address(AddressMap),
}

impl Maps {
    /// Compiles the variables.
    ///
    /// # Errors
    /// One has a regular expression that Adit does not support, the regular expressions of all are too large, one is made of
    /// itself, or asking for one would ask for too many others.
    pub fn compile(variables: &[MappedVariable]) -> Result<Self, InvalidMap> {
        cost::check(variables)?;
        let (mut maps, mut pattern_size) = (HashMap::new(), 0);
        for (number, MappedVariable { name, mapping, .. }) in variables.iter().enumerate() {
            let map = match mapping {
                Mapping::Text(map) => TextMap::compile(map, &mut pattern_size).map(Map::Text),
                Mapping::Address(map) => Ok(Map::Address(AddressMap::compile(map))),
            };
            maps.insert(name.clone(), map.map_err(|reason| InvalidMap { number, reason })?);
        }
        Ok(Self(maps))
    }

    /// Appends the value that a variable has with these values of others. Returns `false`, and appends nothing, where there is
    /// no such variable.
    ///
    /// # Errors
    /// Its value would be too long, or making it takes too many steps. Nothing is appended.
    pub fn value(&self, name: &str, values: &impl Values, out: &mut Vec<u8>) -> Result<bool, Overrun> {
        match self.0.get(name) {
            None => Ok(false),
            Some(Map::Text(map)) => map.value(values, out),
            Some(Map::Address(map)) => Ok(append(Some(map.value(values)?), out)),
        }
    }
}
