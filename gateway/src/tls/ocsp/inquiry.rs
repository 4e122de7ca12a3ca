use super::message::{
    Algorithm, BASIC, BasicResponse, CertificateId, OcspRequest, OcspResponse, RequestContent, ResponseData, SHA1,
    SingleRequest, SingleResponse, Status,
};
use crate::tls::PROVIDER;
use crate::tls::signature::is_signed_by;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use der::asn1::{AnyRef, Null, OctetStringRef};
use der::{Decode as _, Encode as _, Tag, TagNumber, Tagged as _};
use rustls::pki_types::{CertificateDer, UnixTime};
use std::time::{Duration, SystemTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_OCSP;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// `id-kp-OCSPSigning`, in DER without its head: who may answer for an authority.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
/// How far a responder's clock may be ahead, as OpenSSL's callers commonly have it.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// What is asked about a certificate, and of whom.
#[derive(Debug)]
pub struct Inquiry {
    /// The URL of the responder, as the certificate names it.
    pub url: Box<str>,
    /// The request, DER.
    pub request: Vec<u8>,
    issuer_name: [u8; 20],
    issuer_key: [u8; 20],
    serial: Vec<u8>,
    issuer: CertificateDer<'static>,
}

/// Why a response is not sent to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponse {
    /// It cannot be read.
    #[error("the response is not OCSP")]
    Unreadable,
    /// The responder has an error of its own.
    #[error("the responder answers with an error")]
    Unsuccessful,
    /// It is about another certificate.
    #[error("the response is about another certificate")]
    OtherCertificate,
    /// The certificate is revoked, or the responder does not know it.
    #[error("the certificate is not good: it is revoked, or the responder does not know it")]
    NotGood,
    /// It holds no longer, or not yet.
    #[error("the response is out of date")]
    OutOfDate,
    /// Neither the issuer nor whom it has named has signed it.
    #[error("the response is not signed by the certificate's issuer, nor by one whom it has named")]
    Signature,
}

impl Inquiry {
    /// That about the first certificate of a chain. `None` if it names no responder that is asked by HTTP, or its issuer
    /// does not come next.
    pub(super) fn about(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let [leaf, issuer, ..] = chain else { return None };
        let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
        let (_, parsed) = X509Certificate::from_der(issuer).ok()?;
        if leaf.issuer().as_raw() != parsed.subject().as_raw() {
            return None;
        }
        let url = responder(&leaf)?;
        let issuer_name = sha1(leaf.issuer().as_raw())?;
        let issuer_key = sha1(&parsed.public_key().subject_public_key.data)?;
        let serial = leaf.tbs_certificate.raw_serial().to_vec();
        let request = request(&issuer_name, &issuer_key, &serial).ok()?;
        let issuer = CertificateDer::from(issuer.to_vec());
        Some(Self { url: url.into(), request, issuer_name, issuer_key, serial, issuer })
    }

    /// Until when a response says that the certificate is good. `None` if it does not say.
    ///
    /// # Errors
    /// It does not say so, or is not to be believed.
    pub fn check(&self, response: &[u8], now: SystemTime) -> Result<Option<SystemTime>, InvalidResponse> {
        let unreadable = |_| InvalidResponse::Unreadable;
        let response = OcspResponse::from_der(response).map_err(unreadable)?;
        if response.status != Status::Successful {
            return Err(InvalidResponse::Unsuccessful);
        }
        let bytes = response.bytes.filter(|bytes| bytes.kind == BASIC).ok_or(InvalidResponse::Unreadable)?;
        let basic = BasicResponse::from_der(bytes.response.as_bytes()).map_err(unreadable)?;
        let signed = basic.data.to_der().map_err(unreadable)?;
        let data = ResponseData::from_der(&signed).map_err(unreadable)?;
        let single = data.responses.iter().find(|single| self.is_about(&single.certificate));
        let single = single.ok_or(InvalidResponse::OtherCertificate)?;
        if !is_good(single) {
            return Err(InvalidResponse::NotGood);
        }
        let until = single.next_update.map(|time| time.to_system_time());
        if single.this_update.to_system_time() > now + CLOCK_SKEW || until.is_some_and(|until| until <= now) {
            return Err(InvalidResponse::OutOfDate);
        }
        match self.has_signed(&basic, &signed, now) {
            true => Ok(until),
            false => Err(InvalidResponse::Signature),
        }
    }

    fn is_about(&self, id: &CertificateId<'_>) -> bool {
        id.hash.name == SHA1
            && *id.issuer_name.as_bytes() == self.issuer_name
            && *id.issuer_key.as_bytes() == self.issuer_key
            && id.serial.value() == self.serial
    }

    /// Whether the issuer has signed a response, or one of the certificates in it that the issuer has made for that.
    fn has_signed(&self, basic: &BasicResponse<'_>, signed: &[u8], now: SystemTime) -> bool {
        let signature = basic.signature.raw_bytes();
        if public_key(&self.issuer).is_some_and(|key| is_signed_by(key, signed, signature)) {
            return true;
        }
        let certificates = basic.certificates.iter().flatten();
        certificates.filter_map(|certificate| certificate.to_der().ok()).any(|certificate| {
            let certificate = CertificateDer::from(certificate);
            self.may_answer(&certificate, now)
                && public_key(&certificate).is_some_and(|key| is_signed_by(key, signed, signature))
        })
    }

    /// Whether the issuer has named who answers by a certificate: made by itself, valid now, and for this use.
    fn may_answer(&self, certificate: &CertificateDer<'_>, now: SystemTime) -> bool {
        let Ok(anchor) = anchor_from_trusted_cert(&self.issuer) else { return false };
        let Ok(responder) = EndEntityCert::try_from(certificate) else { return false };
        let Ok(now) = now.duration_since(SystemTime::UNIX_EPOCH) else { return false };
        let (now, usage) = (UnixTime::since_unix_epoch(now), KeyUsage::required(OCSP_SIGNING));
        let algorithms = PROVIDER.signature_verification_algorithms.all;
        responder.verify_for_usage(algorithms, &[anchor], &[], now, usage, None, None).is_ok()
    }
}

fn is_good(single: &SingleResponse<'_>) -> bool {
    matches!(single.status.tag(), Tag::ContextSpecific { number: TagNumber(0), .. })
}

/// The first responder that is asked by HTTP without TLS, as nearly all are: what they say is signed.
fn responder<'a>(leaf: &X509Certificate<'a>) -> Option<&'a str> {
    let access = leaf.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => Some(access),
        _ => None,
    })?;
    access.iter().filter(|access| access.access_method == OID_PKIX_ACCESS_DESCRIPTOR_OCSP).find_map(|access| {
        match access.access_location {
            GeneralName::URI(url) => url.starts_with("http://").then_some(url),
            _ => None,
        }
    })
}

fn request(issuer_name: &[u8], issuer_key: &[u8], serial: &[u8]) -> der::Result<Vec<u8>> {
    let certificate = CertificateId {
        hash: Algorithm { name: SHA1, parameters: Some(Null.into()) },
        issuer_name: OctetStringRef::new(issuer_name)?,
        issuer_key: OctetStringRef::new(issuer_key)?,
        serial: AnyRef::new(Tag::Integer, serial)?,
    };
    OcspRequest { content: RequestContent { requests: vec![SingleRequest { certificate }] } }.to_der()
}

fn sha1(bytes: &[u8]) -> Option<[u8; 20]> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().try_into().ok()
}

/// The key of a certificate, DER.
fn public_key<'a>(certificate: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    X509Certificate::from_der(certificate).ok().map(|(_, parsed)| parsed.tbs_certificate.subject_pki.raw)
}
