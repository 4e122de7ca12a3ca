//! Sessions that a rule of a route asks for (GEP-1619). They are in the experimental channel of Gateway API only.

use serde::Deserialize;

/// How the requests of one client stay at one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SessionPersistence {
    /// How long a session lasts: a duration such as `1h30m`. Default: no end.
    pub absolute_timeout: Option<String>,
    /// `Cookie` or `Header`; default `Cookie`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What is for cookies only.
    pub cookie: Option<SessionCookie>,
    /// What is for headers only.
    pub header: Option<SessionHeader>,
}

/// The cookie of sessions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SessionCookie {
    /// Default: one of the implementation's.
    pub name: Option<String>,
    /// Its `Path`; default `/`.
    pub path: Option<String>,
    /// `Session`, as long as the browser runs, or `Permanent`, for `absoluteTimeout`; default `Session`.
    pub lifetime_type: Option<String>,
}

/// The header of sessions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SessionHeader {
    pub name: String,
}
