//! What OCSP has on the wire, as far as we read and write it (RFC 6960 section 4).

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, OctetStringRef};
use der::{Enumerated, Sequence};

/// `id-sha1`, the hash of certificate identifiers that every responder knows. Nothing depends on its strength.
pub(super) const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
/// `id-pkix-ocsp-basic`, the only kind of response that there is.
pub(super) const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");

#[derive(Sequence)]
pub(super) struct OcspRequest<'a> {
    pub(super) content: RequestContent<'a>,
}

#[derive(Sequence)]
pub(super) struct RequestContent<'a> {
    pub(super) requests: Vec<SingleRequest<'a>>,
}

#[derive(Sequence)]
pub(super) struct SingleRequest<'a> {
    pub(super) certificate: CertificateId<'a>,
}

#[derive(Clone, Copy, Sequence)]
pub(super) struct CertificateId<'a> {
    pub(super) hash: Algorithm<'a>,
    pub(super) issuer_name: &'a OctetStringRef,
    pub(super) issuer_key: &'a OctetStringRef,
    /// An INTEGER, of any length.
    pub(super) serial: AnyRef<'a>,
}

#[derive(Clone, Copy, Sequence)]
pub(super) struct Algorithm<'a> {
    pub(super) name: ObjectIdentifier,
    pub(super) parameters: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
pub(super) struct OcspResponse<'a> {
    pub(super) status: Status,
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    pub(super) bytes: Option<ResponseBytes<'a>>,
}

#[derive(Clone, Copy, Debug, Enumerated, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

#[derive(Sequence)]
pub(super) struct ResponseBytes<'a> {
    pub(super) kind: ObjectIdentifier,
    pub(super) response: &'a OctetStringRef,
}

#[derive(Sequence)]
pub(super) struct BasicResponse<'a> {
    /// A [`ResponseData`], left as it came: the signature is over its bytes.
    pub(super) data: AnyRef<'a>,
    pub(super) signature_algorithm: AnyRef<'a>,
    pub(super) signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    pub(super) certificates: Option<Vec<AnyRef<'a>>>,
}

#[derive(Sequence)]
pub(super) struct ResponseData<'a> {
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    pub(super) version: Option<u8>,
    pub(super) responder: AnyRef<'a>,
    pub(super) produced_at: GeneralizedTime,
    pub(super) responses: Vec<SingleResponse<'a>>,
    #[asn1(context_specific = "1", optional = "true", tag_mode = "EXPLICIT")]
    pub(super) extensions: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
pub(super) struct SingleResponse<'a> {
    pub(super) certificate: CertificateId<'a>,
    /// `[0]` good, `[1]` revoked, `[2]` unknown.
    pub(super) status: AnyRef<'a>,
    pub(super) this_update: GeneralizedTime,
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    pub(super) next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", optional = "true", tag_mode = "EXPLICIT")]
    pub(super) extensions: Option<AnyRef<'a>>,
}
