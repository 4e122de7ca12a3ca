//! The gateway's settings, and what would otherwise be made of them for every request.

use crate::config::{Denied, GatewaySettings, Template};
use crate::policy::blocked::Blocked;
use crate::policy::compression::Compression;
use crate::policy::error_pages::ErrorPages;
use crate::policy::map_values::MapValues;
use crate::policy::real_ip::RealIp;
use crate::variables::{GeoIp, InvalidMap, Maps};
use http::HeaderValue;
use std::ops::Deref;
use std::sync::Arc;

/// The settings of a table. Derefs to them as they were configured.
#[derive(Debug)]
pub struct Settings {
    configured: Arc<GatewaySettings>,
    /// What is blocked on every host; `None` is nothing.
    pub blocking: Option<Blocked>,
    /// Whose word is taken for a client's address; `None` leaves that to the settings of forwarding headers.
    pub believed: Option<RealIp>,
    /// The requests that are not logged, by path and query; `None` is none.
    pub(crate) skipped_urls: Option<MapValues>,
    /// How responses are compressed; `None` is not at all.
    pub compressing: Option<Compression>,
    /// The bodies of responses to errors.
    pub(crate) error_page_set: Option<ErrorPages>,
    /// `Strict-Transport-Security`, for responses over TLS; `None` where it is off.
    pub hsts_value: Option<HeaderValue>,
    /// `add-headers`, but those with a value that no header can have.
    pub added: Box<[(Arc<str>, AddedValue)]>,
    /// The variables that are made of others.
    pub maps: Maps,
    /// The GeoIP2 databases; `None` where they are off.
    pub(crate) databases: Option<Arc<GeoIp>>,
}

/// A value of `add-headers`.
#[derive(Debug)]
pub enum AddedValue {
    /// The same for all responses.
    Text(HeaderValue),
    /// With variables in it.
    Template(Template),
}

impl AddedValue {
    fn of(template: &Template) -> Option<Self> {
        match template.literal() {
            None => Some(Self::Template(template.clone())),
            Some(text) => HeaderValue::from_str(text).ok().map(Self::Text),
        }
    }
}

impl From<Arc<GatewaySettings>> for Settings {
    fn from(mut configured: Arc<GatewaySettings>) -> Self {
        let maps = Maps::compile(&configured.mapped).unwrap_or_else(|fault| {
            let denied = without(&configured, fault);
            let settings = Arc::make_mut(&mut configured);
            settings.denied = settings.denied.take().or(denied);
            Maps::default()
        });
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let added = configured.add_headers.iter();
        let added = added.filter_map(|(name, value)| Some((name.clone(), AddedValue::of(value)?)));
        Self {
            blocking: Blocked::compile(&configured.blocked),
            // A name that is none is no header of a request: then nobody is believed.
            believed: configured.real_ip.as_ref().map(|real_ip| RealIp::compile(real_ip).unwrap_or_default()),
            skipped_urls: Some(&configured.access_log.skipped)
                .filter(|skipped| !skipped.is_empty())
                .map(|skipped| MapValues::compile(skipped)),
            compressing: Compression::compile(&configured.compression),
            error_page_set: configured.error_pages.as_ref().map(ErrorPages::compile),
            hsts_value: configured.hsts.and_then(|hsts| value(&hsts.to_string())),
            added: added.collect(),
            maps,
            databases: None,
            configured,
        }
    }
}

impl Settings {
    /// The same with these GeoIP2 databases.
    pub(super) fn with_databases(self, databases: Option<Arc<GeoIp>>) -> Self {
        Self { databases, ..self }
    }
}

/// Rules may depend on a variable that cannot be made: without it no request is served.
fn without(settings: &GatewaySettings, InvalidMap { number, reason }: InvalidMap) -> Option<Denied> {
    let origin = settings.mapped.get(number)?.origin.clone();
    Some(Denied { reason: reason.into(), origin })
}

impl Deref for Settings {
    type Target = GatewaySettings;

    fn deref(&self) -> &GatewaySettings {
        &self.configured
    }
}
