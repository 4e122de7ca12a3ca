//! Certificates that webpki does not take and OpenSSL does: those of version 1, those of authorities that are used by
//! clients, and those that a Secret lists one by one. Nothing may stand between them and the authority.

use super::verdict::Fault;
use crate::tls::signature::is_signed_by;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate, X509Version};

/// A certificate of the Secret.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) der: CertificateDer<'static>,
    /// DER, as those below.
    pub(super) subject: Vec<u8>,
    issuer: Vec<u8>,
    key: Vec<u8>,
    /// From when until when it is valid, in seconds since 1970.
    validity: (i64, i64),
    /// It may issue certificates. Others are believed for themselves alone.
    pub(super) may_issue: bool,
    /// It may issue for some names only, which is webpki's to check.
    constrains_names: bool,
}

impl Authority {
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        Some(Self {
            der: CertificateDer::from(der.to_vec()),
            subject: parsed.subject().as_raw().to_vec(),
            issuer: parsed.issuer().as_raw().to_vec(),
            key: parsed.public_key().raw.to_vec(),
            validity: (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp()),
            may_issue: may_issue(&parsed),
            constrains_names: !matches!(parsed.name_constraints(), Ok(None)),
        })
    }

    pub(super) fn issued_itself(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it has issued a certificate of one of these forms.
    pub(super) fn has_issued(&self, certificate: &X509Certificate<'_>) -> bool {
        let (signed, signature) = (certificate.tbs_certificate.as_ref(), &certificate.signature_value.data);
        self.may_issue
            && !self.constrains_names
            && *self.subject == *certificate.issuer().as_raw()
            && is_signed_by(&self.key, signed, signature)
    }

    pub(super) fn check_validity(&self, now: UnixTime) -> Result<(), Fault> {
        check_validity(self.validity, now)
    }
}

/// A list of revoked certificates.
#[derive(Debug)]
pub(super) struct List {
    issuer: Vec<u8>,
    /// What is signed, and the signature.
    signed: (Vec<u8>, Vec<u8>),
    next_update: Option<i64>,
    serials: Vec<Vec<u8>>,
}

impl List {
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, list) = CertificateRevocationList::from_der(der).ok()?;
        Some(Self {
            issuer: list.issuer().as_raw().to_vec(),
            signed: (list.tbs_cert_list.as_ref().to_vec(), list.signature_value.data.to_vec()),
            next_update: list.next_update().map(|time| time.timestamp()),
            serials: list.iter_revoked_certificates().map(|revoked| revoked.raw_serial().to_vec()).collect(),
        })
    }
}

/// Verifies a certificate that its issuer, an authority, has signed, or that is the authority's own.
pub(super) fn verify(
    certificate: &X509Certificate<'_>,
    issuer: &Authority,
    lists: &[List],
    now: UnixTime,
) -> Result<(), Fault> {
    let validity = certificate.validity();
    check_validity((validity.not_before.timestamp(), validity.not_after.timestamp()), now)?;
    issuer.check_validity(now)?;
    if lists.is_empty() {
        return Ok(());
    }
    let is_issuers =
        |list: &&List| list.issuer == issuer.subject && is_signed_by(&issuer.key, &list.signed.0, &list.signed.1);
    let list = lists.iter().find(is_issuers).ok_or(Fault::NoRevocationList)?;
    if list.next_update.is_none_or(|next| next < seconds(now)) {
        Err(Fault::RevocationListExpired)
    } else if list.serials.iter().any(|serial| **serial == *certificate.raw_serial()) {
        Err(Fault::Revoked)
    } else {
        Ok(())
    }
}

fn check_validity((not_before, not_after): (i64, i64), now: UnixTime) -> Result<(), Fault> {
    if seconds(now) < not_before {
        Err(Fault::NotYetValid)
    } else if seconds(now) > not_after {
        Err(Fault::Expired)
    } else {
        Ok(())
    }
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// As OpenSSL's `check_ca`: version 1 has no way to say it.
fn may_issue(certificate: &X509Certificate<'_>) -> bool {
    let may_sign = certificate.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
    certificate.version() == X509Version::V1 || (certificate.is_ca() && may_sign)
}
