//! What the Secret holds: the certificate, its key, and what the API server is to believe.

use crate::admission::shown::Shown;
use crate::certificate::certificates;
use crate::object::NamespacedName;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use std::collections::BTreeMap;
use std::fmt;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// How long a certificate is good.
const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long before its end another one is made.
const RENEWAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Clocks may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_hours(24);

/// Certificates of before that are believed until they expire: replicas that have not seen the new one yet show the last.
const FORMER: usize = 2;

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const TRUSTED: &str = "ca.crt";

/// All of it, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Kept {
    certificate: Vec<u8>,
    key: Vec<u8>,
    trusted: Vec<u8>,
}

impl fmt::Debug for Kept {
    /// Never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("expiry", &expiry(&self.certificate)).finish()
    }
}

impl Kept {
    /// A new certificate for the Service of this name. Those of before stay believed as long as they are good.
    ///
    /// # Errors
    /// The name cannot be in a certificate.
    pub(super) fn make(service: &NamespacedName, now: Timestamp, former: Option<&Self>) -> Result<Self, rcgen::Error> {
        let date = |time: Timestamp| {
            let date = time.to_zoned(TimeZone::UTC).date();
            date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
        };
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([host(service)])?;
        params.distinguished_name.push(DnType::CommonName, host(service));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date(now - SKEW);
        params.not_after = date(now + LIFETIME);
        let certificate = params.self_signed(&key)?.pem();
        let mut trusted = certificate.clone();
        for former in former.iter().flat_map(|former| pem_blocks(&former.trusted)).take(FORMER) {
            if expiry(former.as_bytes()).is_some_and(|expiry| expiry > now.as_second()) {
                trusted.push_str(&former);
            }
        }
        Ok(Self { certificate: certificate.into(), key: key.serialize_pem().into(), trusted: trusted.into() })
    }

    /// What a Secret holds, if that can be shown.
    pub(super) fn read(secret: &Secret) -> Option<Self> {
        let field = |name| Some(secret.data.as_ref()?.get(name)?.0.clone());
        let kept = Self { certificate: field(CERTIFICATE)?, key: field(KEY)?, trusted: field(TRUSTED)? };
        let is_believed = certificates(&kept.trusted)?.contains(certificates(&kept.certificate)?.first()?);
        (is_believed && kept.shown().is_some()).then_some(kept)
    }

    /// The Secret that holds it, in place of the one that was found.
    pub(super) fn secret(&self, name: &NamespacedName, found: Option<Secret>) -> Secret {
        let fields = [(CERTIFICATE, &self.certificate), (KEY, &self.key), (TRUSTED, &self.trusted)];
        let data = fields.map(|(name, value)| (name.to_owned(), ByteString(value.clone())));
        let metadata = ObjectMeta {
            name: Some(name.name.to_string()),
            namespace: Some(name.namespace.to_string()),
            ..ObjectMeta::default()
        };
        // A Secret that is there keeps its type, which cannot change.
        let type_ = found.as_ref().map_or(Some("kubernetes.io/tls".to_owned()), |found| found.type_.clone());
        let metadata = found.map_or(metadata, |found| found.metadata);
        Secret { metadata, data: Some(BTreeMap::from(data)), type_, ..Secret::default() }
    }

    /// Whether another one is to be made: it soon expires, or is not for this Service.
    pub(super) fn is_due(&self, service: &NamespacedName, now: Timestamp) -> bool {
        let ends_soon = expiry(&self.certificate).is_none_or(|expiry| expiry < (now + RENEWAL).as_second());
        ends_soon || !is_for(&self.certificate, &host(service))
    }

    /// Whether somebody believes it still.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        expiry(&self.certificate).is_some_and(|expiry| expiry > now.as_second())
    }

    /// As handshakes show it.
    pub(super) fn shown(&self) -> Option<Shown> {
        Shown::read(&self.certificate, &self.key).ok()
    }

    /// The certificates that the API server is to believe, as PEM.
    pub(super) fn trusted(&self) -> &[u8] {
        &self.trusted
    }
}

/// The name by which the API server reaches a Service.
fn host(service: &NamespacedName) -> String {
    format!("{}.{}.svc", service.name, service.namespace)
}

/// When the first certificate expires, in seconds since 1970.
fn expiry(pem: &[u8]) -> Option<i64> {
    let certificates = certificates(pem)?;
    let (_, leaf) = X509Certificate::from_der(certificates.first()?).ok()?;
    Some(leaf.validity().not_after.timestamp())
}

fn is_for(pem: &[u8], host: &str) -> bool {
    let certificates = certificates(pem).unwrap_or_default();
    let Some((_, leaf)) = certificates.first().and_then(|der| X509Certificate::from_der(der).ok()) else {
        return false;
    };
    let Ok(Some(names)) = leaf.subject_alternative_name() else { return false };
    names.value.general_names.contains(&GeneralName::DNSName(host))
}

/// The certificates of a text, each as it stands there.
fn pem_blocks(pem: &[u8]) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem);
    let blocks = text.split_inclusive(END).filter(|block| block.ends_with(END));
    blocks.map(|block| format!("{}\n", block.trim_start())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn service() -> NamespacedName {
        "adit/adit-admission".parse().expect("a name")
    }

    fn now() -> Timestamp {
        Timestamp::now()
    }

    #[test]
    fn a_certificate_is_due_a_month_before_its_end() {
        let kept = Kept::make(&service(), now(), None).expect("a certificate");
        assert!(!kept.is_due(&service(), now()) && kept.is_good(now()));
        assert!(!kept.is_due(&service(), now() + 59 * DAY));
        assert!(kept.is_due(&service(), now() + 61 * DAY) && kept.is_good(now() + 61 * DAY));
        assert!(!kept.is_good(now() + 91 * DAY));
        assert!(kept.is_due(&"other/adit-admission".parse().expect("a name"), now()));
    }

    #[test]
    fn a_secret_holds_what_is_needed_or_nothing() {
        let kept = Kept::make(&service(), now(), None).expect("a certificate");
        let secret = kept.secret(&service(), None);
        assert_eq!(secret.metadata.namespace.as_deref(), Some("adit"));
        assert_eq!(Kept::read(&secret), Some(kept.clone()));
        for field in [CERTIFICATE, KEY, TRUSTED] {
            let mut broken = secret.clone();
            broken.data.as_mut().and_then(|data| data.remove(field)).expect("it is there");
            assert_eq!(Kept::read(&broken), None, "{field}");
            let other = Kept::make(&service(), now(), None).expect("a certificate").secret(&service(), None);
            broken.data.as_mut().expect("data").insert(field.to_owned(), other.data.expect("data")[field].clone());
            assert_eq!(Kept::read(&broken), None, "another {field}");
        }
        let found = Secret { type_: Some("Opaque".to_owned()), ..secret };
        assert_eq!(kept.secret(&service(), Some(found.clone())), found, "its type cannot change");
    }

    #[test]
    fn those_of_before_are_believed_while_they_are_good() {
        let long_ago = Kept::make(&service(), now() - 100 * DAY, None).expect("a certificate");
        let before = Kept::make(&service(), now() - 61 * DAY, Some(&long_ago)).expect("a certificate");
        let mut kept = Kept::make(&service(), now(), Some(&before)).expect("a certificate");
        let believed = |kept: &Kept| certificates(&kept.trusted).expect("certificates");
        let first = |kept: &Kept| believed(kept).remove(0);
        assert_eq!(believed(&before), [first(&before), first(&long_ago)]);
        assert_eq!(believed(&kept), [first(&kept), first(&before)]);
        assert_eq!(Kept::read(&kept.secret(&service(), None)), Some(kept.clone()));
        for _ in 0..5 {
            kept = Kept::make(&service(), now(), Some(&kept)).expect("a certificate");
        }
        assert_eq!(believed(&kept).len(), 1 + FORMER);
    }
}
