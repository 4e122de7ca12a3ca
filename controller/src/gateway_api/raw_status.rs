use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What the status of an object says now, in whatever form. It is kept as text, which takes a fraction of the memory: there are
/// thousands, and one is read only when it may have to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawStatus(Option<Box<str>>);

impl RawStatus {
    /// Its fields; null where it says nothing.
    pub fn read(&self) -> Value {
        self.0.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for RawStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let status = Value::deserialize(deserializer)?;
        Ok(Self((!status.is_null()).then(|| status.to_string().into())))
    }
}
