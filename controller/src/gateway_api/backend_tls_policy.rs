//! TLS towards Services.

use super::null::or_default;
use super::reference::{ObjectReference, PolicyTargetReference};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a `BackendTLSPolicy` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct BackendTlsPolicySpec {
    #[serde(deserialize_with = "or_default")]
    pub target_refs: Vec<PolicyTargetReference>,
    #[serde(deserialize_with = "or_default")]
    pub validation: BackendTlsValidation,
    #[serde(deserialize_with = "or_default")]
    pub options: BTreeMap<String, String>,
}

/// How the certificates of backends are verified.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BackendTlsValidation {
    /// ConfigMaps with CA certificates.
    #[serde(rename = "caCertificateRefs", deserialize_with = "or_default")]
    pub ca_certificate_refs: Vec<ObjectReference>,
    /// `System`, in place of these.
    #[serde(rename = "wellKnownCACertificates")]
    pub well_known_ca_certificates: Option<String>,
    /// The name that is asked for, and that the certificate must have unless there are `subjectAltNames`.
    pub hostname: String,
    /// The names of which the certificate must have one.
    #[serde(deserialize_with = "or_default")]
    pub subject_alt_names: Vec<SubjectAltName>,
}

/// A name in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SubjectAltName {
    /// `Hostname` or `URI`.
    #[serde(rename = "type")]
    pub kind: String,
    pub hostname: Option<String>,
    pub uri: Option<String>,
}
