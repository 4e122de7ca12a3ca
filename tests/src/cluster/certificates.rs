//! Certificates for the Secrets of a case, made when they are needed: no key is ever committed.

use super::{key, name};
use anyhow::{Context, Result, bail};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, date_time_ymd,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The annotation that says what certificate a Secret has.
const CERTIFICATE: &str = "/metadata/annotations/test.adit.dev~1certificate";

/// The certificates of Secrets, by the Secret.
#[derive(Debug, Default)]
pub(super) struct Certificates(BTreeMap<String, Issued>);

/// What was made for a Secret.
#[derive(Debug)]
struct Issued {
    wish: String,
    data: Value,
    /// The host's own certificate, DER.
    leaf: Vec<u8>,
}

/// What an annotation asks for.
#[derive(Debug, Default)]
struct Wish {
    names: Vec<String>,
    common_name: Option<String>,
    rsa: bool,
    expired: bool,
    without_key: bool,
    another_key: bool,
    reversed: bool,
}

impl Certificates {
    /// Gives a Secret the certificate that its annotation asks for: the same as long as that does not change.
    pub(super) fn fill(&mut self, secret: &mut Value) -> Result<()> {
        let Some(wish) = secret.pointer(CERTIFICATE).and_then(Value::as_str).map(str::to_owned) else { return Ok(()) };
        let key = key(secret).context("a Secret without a name")?;
        if self.0.get(&key).is_none_or(|issued| issued.wish != wish) {
            let common_name = name(secret);
            let issued = issue(&wish, &common_name).with_context(|| format!("{key}: {wish:?}"))?;
            self.0.insert(key.clone(), issued);
        }
        secret["stringData"] = self.0[&key].data.clone();
        Ok(())
    }

    /// The Secret, as `namespace/name`, that has this certificate now.
    pub(super) fn owner(&self, leaf: &[u8]) -> Option<&str> {
        let (key, _) = self.0.iter().find(|(_, issued)| issued.leaf == leaf)?;
        key.strip_prefix("Secret ")
    }
}

fn issue(text: &str, common_name: &str) -> Result<Issued> {
    let wish: Wish = text.parse()?;
    let mut params = CertificateParams::new(wish.names.clone())?;
    params.distinguished_name = named(wish.common_name.as_deref().unwrap_or(common_name));
    if wish.expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let algorithm = if wish.rsa { &PKCS_RSA_SHA256 } else { &PKCS_ECDSA_P256_SHA256 };
    let key = KeyPair::generate_for(algorithm)?;
    let (leaf, chain) = if wish.reversed {
        let issuer = issuer()?;
        let leaf = params.signed_by(&key, &issuer)?;
        let chain = issuer.pem() + &leaf.pem();
        (leaf, chain)
    } else {
        let leaf: Certificate = params.self_signed(&key)?;
        let chain = leaf.pem();
        (leaf, chain)
    };
    let mut data = json!({"tls.crt": chain, "tls.key": key.serialize_pem()});
    if wish.another_key {
        data["tls.key"] = json!(KeyPair::generate()?.serialize_pem());
    }
    if wish.without_key {
        data["tls.key"] = json!("");
    }
    Ok(Issued { wish: text.to_owned(), data, leaf: leaf.der().to_vec() })
}

fn issuer() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Issuer");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

impl std::str::FromStr for Wish {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut wish = Self::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=').unwrap_or((part, "")) {
                ("dns", names) => wish.names = names.split(',').map(|name| name.trim().to_owned()).collect(),
                ("cn", name) => wish.common_name = Some(name.to_owned()),
                ("key", "rsa") => wish.rsa = true,
                ("key", "ecdsa") => wish.rsa = false,
                ("expired", "") => wish.expired = true,
                ("without-key", "") => wish.without_key = true,
                ("another-key", "") => wish.another_key = true,
                ("reversed", "") => wish.reversed = true,
                // Makes a wish differ from the one before.
                ("generation", _) => {}
                _ => bail!(
                    "{part:?} is not known: expected dns=, cn=, key=rsa, key=ecdsa, expired, without-key, another-key, \
                     reversed or generation="
                ),
            }
        }
        Ok(wish)
    }
}
