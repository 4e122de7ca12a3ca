//! Headers that are removed, set and added to.

use super::invalid::Invalid;
use crate::config;
use http::{HeaderName, HeaderValue};
use std::sync::Arc;

/// What is changed of headers, compiled.
#[derive(Debug)]
pub struct HeaderChanges {
    pub(crate) remove: Box<[HeaderName]>,
    pub(crate) set: Box<[(Arc<str>, HeaderValue)]>,
    pub(crate) add: Box<[(Arc<str>, HeaderValue)]>,
}

impl HeaderChanges {
    /// Compiles the changes; `None` if there are none.
    ///
    /// # Errors
    /// A name or a value that no header can have.
    pub(crate) fn compile(changes: &config::HeaderChanges) -> Result<Option<Self>, Invalid> {
        if *changes == config::HeaderChanges::default() {
            return Ok(None);
        }
        let header = |(name, value): &(Arc<str>, Arc<str>)| Ok((self::name(name)?.1, self::value(name, value)?));
        Ok(Some(Self {
            remove: changes.remove.iter().map(|name| Ok(self::name(name)?.0)).collect::<Result<_, _>>()?,
            set: changes.set.iter().map(header).collect::<Result<_, _>>()?,
            add: changes.add.iter().map(header).collect::<Result<_, _>>()?,
        }))
    }
}

fn name(name: &Arc<str>) -> Result<(HeaderName, Arc<str>), Invalid> {
    let invalid = |_| Invalid { value: Arc::clone(name), reason: "is not the name of a header".to_owned() };
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?, Arc::clone(name)))
}

fn value(name: &Arc<str>, value: &str) -> Result<HeaderValue, Invalid> {
    let reason = || "has a value that no header can have".to_owned();
    HeaderValue::from_str(value).map_err(|_| Invalid { value: Arc::clone(name), reason: reason() })
}
