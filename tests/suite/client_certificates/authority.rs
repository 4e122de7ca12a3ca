//! Authorities, the certificates that they issue, and the lists of those that they revoke.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use tests::tls::ClientCertificate;

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// The parameters of a certificate for this common name.
pub(crate) fn named(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new([])?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn issuing(name: &str) -> Result<CertificateParams> {
    let mut params = named(name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

pub(crate) fn root(name: &str) -> Result<Authority> {
    Ok(CertifiedIssuer::self_signed(issuing(name)?, KeyPair::generate()?)?)
}

/// One that has expired.
pub(crate) fn expired_root(name: &str) -> Result<Authority> {
    Ok(CertifiedIssuer::self_signed(expired(issuing(name)?), KeyPair::generate()?)?)
}

/// One that another has issued.
pub(crate) fn intermediate(name: &str, issuer: &Authority) -> Result<Authority> {
    Ok(CertifiedIssuer::signed_by(issuing(name)?, KeyPair::generate()?, issuer)?)
}

pub(crate) fn expired(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    params
}

/// The same, for these uses alone.
pub(crate) fn for_uses(mut params: CertificateParams, uses: &[ExtendedKeyUsagePurpose]) -> CertificateParams {
    params.extended_key_usages = uses.to_vec();
    params
}

/// The same with this number.
pub(crate) fn numbered(mut params: CertificateParams, number: u64) -> CertificateParams {
    params.serial_number = Some(SerialNumber::from(number));
    params
}

/// A certificate, and the authorities that are sent along.
pub(crate) fn issued(
    params: &CertificateParams,
    issuer: &Authority,
    along: &[&Authority],
) -> Result<ClientCertificate> {
    let key = KeyPair::generate()?;
    let leaf = params.signed_by(&key, issuer)?;
    let chain = std::iter::once(leaf.der()).chain(along.iter().map(|authority| authority.der()));
    Ok(ClientCertificate { chain: chain.map(|der| der.to_vec()).collect(), key: key.serialize_der() })
}

/// One that has issued itself, and its PEM.
pub(crate) fn self_signed(params: &CertificateParams) -> Result<(ClientCertificate, String)> {
    let key = KeyPair::generate()?;
    let made = params.self_signed(&key)?;
    Ok((ClientCertificate { chain: vec![made.der().to_vec()], key: key.serialize_der() }, made.pem()))
}

/// A list of an authority that revokes these numbers, and has expired or not.
pub(crate) fn revoking(numbers: &[u64], issuer: &Authority, expired: bool) -> Result<String> {
    let revoked = |number: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*number),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(if expired { 2021 } else { 2100 }, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: numbers.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(issuer)?.pem()?)
}
