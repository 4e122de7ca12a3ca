//! TLS to backends of what comes within TLS that ends at a listener: a BackendTLSPolicy asks for it, and nothing goes there in
//! the clear.

use super::policies::{API, believing, config_map, policy};
use super::world::{NAME, backend, issued, root};
use anyhow::Result;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, documents, slice};
use tests::connection::Connection;
use tests::objects::{gateway, secret};
use tests::tls::Offer;

/// A Gateway at which the TLS of all names ends, and which shows a certificate to backends.
fn entrance(client: &Value) -> Result<Vec<Value>> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["*.example".to_owned()])?;
    let listener = json!({
        "name": "end", "port": 443, "protocol": "TLS", "tls": {"mode": "Terminate", "certificateRefs": [{"name": "tls"}]},
    });
    let [class, mut gateway] = gateway(&json!([listener]));
    gateway["spec"]["tls"] = json!({"backend": client});
    Ok(vec![class, gateway, secret("tls", &json!({"tls.crt": cert.pem(), "tls.key": signing_key.serialize_pem()}))])
}

/// A TLSRoute for a name, and its Service of the same name.
fn route(name: &str, address: SocketAddr) -> [Value; 3] {
    [
        json!({"apiVersion": API, "kind": "TLSRoute", "metadata": {"name": name}, "spec": {
            "parentRefs": [{"name": "edge"}], "hostnames": [format!("{name}.example")],
            "rules": [{"backendRefs": [{"name": name, "port": 443}]}]}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 443}]}}),
        slice(name, 0, address),
    ]
}

#[tokio::test]
async fn what_ends_here_goes_on_over_tls_or_not_at_all() -> Result<()> {
    let (root, other) = (root("root")?, root("other")?);
    let (leaf, key) = issued(NAME, &root, false)?;
    let address = backend(vec![leaf], &key, &root).await?;
    let (of_gateway, of_gateway_key) = issued("gateway", &root, false)?;
    let pair = json!({"tls.crt": of_gateway.pem(), "tls.key": of_gateway_key.serialize_pem()});
    let objects = [
        secret("client", &pair),
        config_map("authority", &root.pem()),
        config_map("stranger", &other.pem()),
        policy("right", &believing("authority", NAME)),
        policy("wrong", &believing("stranger", NAME)),
        policy("missing", &believing("nothing", NAME)),
    ];
    let routes = ["right", "wrong", "missing", "clear"].map(|name| route(name, address)).into_iter().flatten();
    let entrance = entrance(&json!({"clientCertificateRef": {"name": "client"}}))?;
    let adit = Adit::start(&documents(entrance.into_iter().chain(objects).chain(routes))).await?;
    for (name, expected) in
        [("right", Some("backend.example true")), ("wrong", None), ("missing", None), ("clear", None)]
    {
        let offer = Offer { server_name: Some(format!("{name}.example")), ..Offer::default() };
        let mut client = Connection::open_tls(adit.https_address()?, &offer).await?;
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
        let said =
            client.response("GET").await.ok().map(|response| String::from_utf8_lossy(&response.body).into_owned());
        let said = said.as_deref();
        assert_eq!(said.is_some(), expected.is_some(), "{name}: {said:?}");
        assert!(said.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{name}: {said:?}");
    }
    Ok(())
}
