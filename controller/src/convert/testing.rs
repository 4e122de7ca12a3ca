//! Objects for tests.

use super::{Conversion, GatewayNames, convert};
use crate::feed::SourceEvent;
use crate::settings::ControllerSettings;
use crate::source::manifest;
use crate::store::Store;

fn events(yaml: &str) -> Vec<SourceEvent> {
    manifest::parse(&"test.yaml".into(), yaml.as_bytes()).objects.into_iter().map(SourceEvent::Apply).collect()
}

/// A store with these objects.
pub(super) fn store(yaml: &str) -> Store {
    let mut store = Store::new();
    events(yaml).into_iter().for_each(|event| drop(store.apply(event)));
    store
}

/// What these objects are converted into.
pub(super) fn converted(yaml: &str) -> Conversion {
    convert(events(yaml), ControllerSettings::default(), &GatewayNames::default())
}
