//! `null` is as if the field were not there, as it is for the API server.

use serde::{Deserialize, Deserializer};

/// Reads a value, or its default in place of `null`.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
