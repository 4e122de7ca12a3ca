use super::client::{alert, client, client_of, connect, exchange, last_exchange, leaf, shown};
use super::world::{World, bare_host, certificate, host, key, signed_by};
use gateway::config::{Certificate, HostName, Origin, PrivateKey, Subject, TlsSettings};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use rustls::{AlertDescription, SignatureScheme};
use std::sync::Arc;

#[tokio::test]
async fn the_server_name_chooses() {
    let [exact, wildcard, any] = ["shop.example.com", "*.example.com", "any.test"].map(certificate);
    let world = World::new([
        host("shop.example.com", &[&exact]),
        host("*.example.com", &[&wildcard]),
        bare_host("bare.example.com"),
        host("empty.example.com", &[]),
        host("", &[&any]),
    ]);
    let shown = async |name| leaf(world.address(), name, client()).await;
    assert_eq!(shown("shop.example.com").await, exact.chain[0]);
    assert_eq!(shown("SHOP.example.com").await, exact.chain[0]);
    assert_eq!(shown("other.example.com").await, wildcard.chain[0]);
    assert_eq!(shown("bare.example.com").await, wildcard.chain[0], "no TLS section: the wildcard host's");
    let default = shown("unknown.test").await;
    assert!(default.windows(29).any(|text| text == b"Kubernetes Ingress Controller"), "self-signed");
    for name in ["a.b.example.com", "empty.example.com", "example.com", "127.0.0.1"] {
        assert_eq!(shown(name).await, default, "{name}");
    }
    world.end_with_failures(&[]);
}

#[tokio::test]
async fn the_default_certificate_can_be_chosen() {
    let default = certificate("default.test");
    let world = World::new([]);
    let settings = TlsSettings { default_certificate: Some(default.clone()), ..TlsSettings::default() };
    assert_eq!(world.set(settings).rejected, []);
    assert_eq!(leaf(world.address(), "unknown.test", client()).await, default.chain[0]);
}

#[tokio::test]
async fn unknown_names_can_be_rejected() {
    let world = World::new([host("shop.example.com", &[&certificate("shop.example.com")]), bare_host("")]);
    world.set(TlsSettings { reject_unknown: true, ..TlsSettings::default() });
    leaf(world.address(), "shop.example.com", client()).await;
    for name in ["unknown.test", "127.0.0.1"] {
        assert_eq!(alert(world.address(), name, client()).await, AlertDescription::UnrecognisedName, "{name}");
    }
    world.end_with_failures(&[("unrecognized-name", 2)]);
}

#[tokio::test]
async fn rsa_and_ecdsa_serve_one_name() {
    let rsa = signed_by(&key(&PKCS_RSA_SHA256), "shop.example.com");
    let ecdsa = signed_by(&key(&PKCS_ECDSA_P256_SHA256), "shop.example.com");
    let world = World::new([host("shop.example.com", &[&rsa, &ecdsa])]);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let only = |scheme| client_of(&[version], scheme);
        let shown = leaf(world.address(), "shop.example.com", only(&[SignatureScheme::RSA_PSS_SHA256])).await;
        assert_eq!(shown, rsa.chain[0], "{version:?}");
        let shown = leaf(world.address(), "shop.example.com", only(&[SignatureScheme::ECDSA_NISTP256_SHA256])).await;
        assert_eq!(shown, ecdsa.chain[0], "{version:?}");
        assert_eq!(leaf(world.address(), "shop.example.com", client()).await, ecdsa.chain[0]);
    }
}

#[tokio::test]
async fn a_certificate_that_turns_is_shown_at_once_and_closes_nothing() {
    let (old, new) = (certificate("shop.example.com"), certificate("shop.example.com"));
    assert_ne!(old.chain, new.chain);
    let world = World::new([host("shop.example.com", &[&old])]);
    let mut open = connect(world.address(), "shop.example.com", &Arc::new(client())).await.expect("a handshake");
    assert_eq!(shown(&open), old.chain[0]);
    exchange(&mut open, "shop.example.com").await.expect("an answer");

    world.serve([host("shop.example.com", &[&new])]);
    assert_eq!(leaf(world.address(), "shop.example.com", client()).await, new.chain[0]);
    let answer = last_exchange(&mut open, "shop.example.com").await.expect("the old connection is open");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn a_bad_certificate_is_told_and_harms_its_host_only() {
    let (good, other) = (certificate("good.test"), signed_by(&key(&PKCS_ECDSA_P256_SHA256), "bad.test"));
    let origin = Origin::new(Subject::other("Secret default/bad"), "data[tls.key]");
    let bad = Certificate { chain: good.chain.clone(), key: PrivateKey::new(other.key.der()), origin: origin.clone() };
    let world = World::new([]);
    let published = world.serve([host("good.test", &[&good]), host("bad.test", &[&Arc::new(bad)])]);
    assert_eq!(published.rejected.len(), 1);
    assert_eq!((&published.rejected[0].origin, &*published.rejected[0].value), (&origin, "bad.test"));
    assert_eq!(leaf(world.address(), "good.test", client()).await, good.chain[0]);
    let default = leaf(world.address(), "unknown.test", client()).await;
    assert_eq!(leaf(world.address(), "bad.test", client()).await, default);
}

#[tokio::test]
async fn a_thousand_certificates() {
    let names: Vec<_> = (0..1000).map(|n| format!("shop-{n}.example.com")).collect();
    let certificates: Vec<_> = names.iter().map(|name| certificate(name)).collect();
    let hosts = names.iter().zip(&certificates).map(|(name, certificate)| host(name, &[certificate]));
    let world = World::new(hosts);
    for (name, certificate) in names.iter().zip(&certificates).step_by(10) {
        assert_eq!(leaf(world.address(), name, client()).await, certificate.chain[0], "{name}");
    }
    let removed = HostName::Exact("shop-0.example.com".into());
    world.remove(removed);
    assert_ne!(leaf(world.address(), "shop-0.example.com", client()).await, certificates[0].chain[0]);
    world.end_with_failures(&[]);
}
