//! ID tokens, signed with ES256 (RFC 7518, 3.4).

use anyhow::{Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The name of the only key.
const KEY: &str = "1";
/// Bytes of a coordinate of P-256.
const COORDINATE: usize = 32;

/// A key that signs tokens.
pub(super) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?))
    }

    /// A token that claims this.
    pub(super) fn sign(&self, claims: &Value) -> Result<String> {
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": KEY});
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes())?;
        Ok(format!("{message}.{}", encode(signature)))
    }

    /// The set of keys (JWKS) to verify tokens with.
    pub(super) fn keys(&self) -> Result<Value> {
        // After a byte that says that it is not compressed.
        let point = self.0.public_key().as_ref().get(1..).and_then(|point| point.split_at_checked(COORDINATE));
        let (x, y) = point.ok_or_else(|| anyhow!("no point"))?;
        let key = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY, "x": encode(x), "y": encode(y),
        });
        Ok(json!({"keys": [key]}))
    }
}

/// As JOSE writes bytes.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
