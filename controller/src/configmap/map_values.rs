//! Values of a text that a key is for, as in a `map` of nginx.

use crate::registry::Value;
use gateway::config::MapValue;
use gateway::pattern::Pattern;
use std::sync::Arc;

/// Texts, and regular expressions after `~` or `~*`, separated by commas. `None` where one is not a regular expression.
pub(super) fn map_values(value: Value<'_>) -> Option<Arc<[MapValue]>> {
    let is_valid = |value: &MapValue| match value {
        MapValue::Text(_) => true,
        MapValue::Pattern { text, .. } => Pattern::check(text).is_ok(),
    };
    let values: Arc<[_]> = value.list().map(MapValue::from).collect();
    values.iter().all(is_valid).then_some(values)
}
