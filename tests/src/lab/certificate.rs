use anyhow::Result;
use serde_json::{Value, json};

/// A Secret with a new self-signed certificate for a host, and the certificate, as DER.
///
/// # Errors
/// It cannot be issued.
pub fn certificate(secret: &str, host: &str) -> Result<(Value, Vec<u8>)> {
    let issued = rcgen::generate_simple_self_signed([host.to_owned()])?;
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": secret},
        "stringData": {"tls.crt": issued.cert.pem(), "tls.key": issued.signing_key.serialize_pem()},
    });
    Ok((secret, issued.cert.der().to_vec()))
}
