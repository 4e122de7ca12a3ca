//! TLSRoutes over sockets: TLS that ends at the backend, TLS that ends here, and TLS that nobody takes.

use super::passthrough::{OK, backend, connect, get, offer};
use anyhow::{Context as _, Result};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::net::SocketAddr;
use tests::adit::{Adit, documents, slice};
use tests::backend::{answering, scripted};
use tests::connection::Connection;
use tests::objects;
use tests::tls::{Offer, Refused};

const PASSED: &str = "p.example.com";
const ENDED: &str = "end.example.com";

/// A Gateway with TLS on port 443 that ends for one name here and for the others elsewhere, and its certificate.
fn gateway() -> Result<(Vec<Value>, Vec<u8>)> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([ENDED.to_owned()])?;
    let passthrough = json!({
        "name": "pass", "port": 443, "protocol": "TLS", "hostname": "*.example.com", "tls": {"mode": "Passthrough"},
    });
    let terminate = json!({
        "name": "end", "port": 443, "protocol": "TLS", "hostname": ENDED,
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": "tls"}]},
    });
    let [class, gateway] = objects::gateway(&json!([passthrough, terminate]));
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "tls"},
        "stringData": {"tls.crt": cert.pem(), "tls.key": signing_key.serialize_pem()},
    });
    Ok((vec![class, gateway, secret], cert.der().to_vec()))
}

fn route(name: &str, host: &str, backends: &Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "TLSRoute",
        "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": "edge"}], "hostnames": [host], "rules": [{"backendRefs": backends}]},
    })
}

fn service(name: &str, address: SocketAddr) -> [Value; 2] {
    let service =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 443}]}});
    [service, slice(name, 0, address)]
}

fn only(name: &str) -> Value {
    json!([{"name": name, "port": 443}])
}

/// Whether a connection for this name ends before anybody says anything.
async fn is_closed(adit: &Adit, name: &str) -> Result<()> {
    let refusal = connect(adit, name).await.err().with_context(|| format!("{name} is served"))?;
    assert_eq!(refusal.downcast_ref::<Refused>(), None, "{name}: no alert tells of a server");
    let error = refusal.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    assert!(matches!(error, Some(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)), "{name}: {refusal:?}");
    Ok(())
}

#[tokio::test]
async fn tls_passes_for_one_name_and_ends_for_another_on_one_port() -> Result<()> {
    let (secured, of_backend) = backend().await?;
    let (objects, of_listener) = gateway()?;
    let routes = [route("pass", PASSED, &only("secured")), route("end", ENDED, &only("plain"))];
    let services = [service("secured", secured), service("plain", answering(OK).await?)].into_iter().flatten();
    let adit = Adit::start(&documents(objects.into_iter().chain(routes).chain(services))).await?;
    assert_eq!(get(&mut connect(&adit, PASSED).await?).await?, (200, of_backend.to_vec()));
    assert_eq!(get(&mut connect(&adit, ENDED).await?).await?, (200, of_listener));
    is_closed(&adit, "nobody.example.com").await
}

/// Bytes of any protocol pass where TLS ends here, and the backend may speak first.
#[tokio::test]
async fn what_comes_within_tls_is_led_on_as_it_comes() -> Result<()> {
    let greeting = scripted(|_, mut connection| async move {
        connection.send("220 ready\r\n").await?;
        let heard = connection.bytes(6).await?;
        connection.send([b"heard ", &*heard].concat()).await
    })
    .await?;
    let (objects, _) = gateway()?;
    let objects = objects.into_iter().chain([route("end", ENDED, &only("mail"))]).chain(service("mail", greeting));
    let adit = Adit::start(&documents(objects)).await?;
    let offered = Offer { protocols: vec!["h2", "smtp"], ..offer(ENDED) };
    let mut client = Connection::open_tls(adit.https_address()?, &offered).await?;
    assert_eq!(client.tls().and_then(|tls| tls.protocol.clone()), None, "what is spoken is not for Adit to say");
    assert_eq!(client.bytes(11).await?, b"220 ready\r\n");
    client.send("\x00\x01EHLO").await?;
    assert_eq!(client.bytes(12).await?, b"heard \x00\x01EHLO");
    assert!(client.is_closed().await);
    Ok(())
}

#[tokio::test]
async fn connections_are_given_to_backends_by_weight() -> Result<()> {
    let (a, of_a) = backend().await?;
    let (b, of_b) = backend().await?;
    let backends = json!([
        {"name": "a", "port": 443}, {"name": "b", "port": 443}, {"name": "none", "port": 443},
        {"name": "idle", "port": 443, "weight": 0},
    ]);
    let (objects, _) = gateway()?;
    let services = [service("a", a), service("b", b), service("idle", backend().await?.0)].into_iter().flatten();
    let adit =
        Adit::start(&documents(objects.into_iter().chain([route("r", PASSED, &backends)]).chain(services))).await?;
    let (mut shown, mut closed) = (Vec::new(), 0);
    for _ in 0..100 {
        match connect(&adit, PASSED).await {
            Ok(mut connection) => shown.push(get(&mut connection).await?.1),
            Err(_) => closed += 1,
        }
    }
    assert!(closed > 0 && shown.contains(&of_a.to_vec()) && shown.contains(&of_b.to_vec()), "{closed}");
    assert!(shown.iter().all(|certificate| [&*of_a, &*of_b].contains(&certificate.as_slice())));
    Ok(())
}

#[tokio::test]
async fn a_name_whose_route_leads_nowhere_is_closed() -> Result<()> {
    let (objects, _) = gateway()?;
    let adit = Adit::start(&documents(objects.into_iter().chain([route("r", PASSED, &only("none"))]))).await?;
    is_closed(&adit, PASSED).await
}
