//! TLS to backends as BackendTLSPolicies ask for it: whom Adit believes, by which name, and that nothing goes there in the
//! clear.

use super::world::{NAME, acceptor, ask, backend, intermediate, issued, root, with_uri};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, documents, slice};
use tests::backend::accept;
use tests::connection::{Connection, PATIENCE};
use tests::objects::{gateway, secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(super) const API: &str = "gateway.networking.k8s.io/v1";
const URI: &str = "spiffe://example.com/shop";
/// The first byte of TLS.
const HANDSHAKE: u8 = 0x16;
const PLAIN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain";

fn entrance() -> [Value; 2] {
    gateway(&json!([{"name": "http", "port": 80, "protocol": "HTTP"}]))
}

/// A host with a Service of its own, both of this name, at an address.
fn host(name: &str, app_protocol: Option<&str>, address: SocketAddr) -> [Value; 3] {
    [
        json!({"apiVersion": API, "kind": "HTTPRoute", "metadata": {"name": name}, "spec": {
            "parentRefs": [{"name": "edge"}], "hostnames": [name],
            "rules": [{"backendRefs": [{"name": name, "port": 443}]}]}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"port": 443, "appProtocol": app_protocol}]}}),
        slice(name, 0, address),
    ]
}

pub(super) fn config_map(name: &str, pem: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"ca.crt": pem}})
}

/// The policy for the Service of this name.
pub(super) fn policy(service: &str, validation: &Value) -> Value {
    json!({"apiVersion": API, "kind": "BackendTLSPolicy", "metadata": {"name": service}, "spec": {
        "targetRefs": [{"group": "", "kind": "Service", "name": service}], "validation": validation}})
}

/// Authorities in a ConfigMap, and the name that is asked for.
pub(super) fn believing(config_map: &str, hostname: &str) -> Value {
    json!({"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": config_map}], "hostname": hostname})
}

fn with_names(mut validation: Value, names: Value) -> Value {
    validation["subjectAltNames"] = names;
    validation
}

#[tokio::test]
async fn a_backend_is_believed_by_its_authority_and_one_of_its_names() -> Result<()> {
    let (root, other) = (root("root")?, root("other")?);
    let (leaf, key) = with_uri(NAME, URI, &root)?;
    let address = backend(vec![leaf], &key, &root).await?;
    let right = || believing("authority", NAME);
    let dns = |name: &str| json!({"type": "Hostname", "hostname": name});
    let uri = |uri: &str| json!({"type": "URI", "uri": uri});
    let elsewhere = || believing("authority", "elsewhere.example");
    let in_secret = json!({"caCertificateRefs": [{"group": "", "kind": "Secret", "name": "kept"}], "hostname": NAME});
    let hosts = [
        ("right", right(), 200),
        ("secret", in_secret, 200),
        ("wrong-authority", believing("stranger", NAME), 502),
        ("wrong-name", elsewhere(), 502),
        ("system", json!({"wellKnownCACertificates": "System", "hostname": NAME}), 502),
        ("dns", with_names(elsewhere(), json!([dns(NAME)])), 200),
        ("uri", with_names(right(), json!([uri(URI)])), 200),
        ("second", with_names(right(), json!([uri("spiffe://example.com/other"), dns(NAME)])), 200),
        ("wrong-dns", with_names(right(), json!([dns("elsewhere.example")])), 502),
        ("wrong-uri", with_names(right(), json!([uri("spiffe://example.com/sho")])), 502),
        ("uri-as-dns", with_names(right(), json!([uri(NAME)])), 502),
        ("missing", believing("nothing", NAME), 500),
        ("no-uri", with_names(right(), json!([{"type": "URI"}])), 500),
        ("wildcard", with_names(right(), json!([dns("*.example")])), 500),
    ];
    let of_host = |(name, validation, _): &(&str, Value, u16)| {
        host(name, None, address).into_iter().chain([policy(name, validation)]).collect::<Vec<_>>()
    };
    let authorities = [
        config_map("authority", &(other.pem() + &root.pem())),
        config_map("stranger", &other.pem()),
        secret("kept", &json!({"ca.crt": root.pem()})),
    ];
    let objects = entrance().into_iter().chain(authorities).chain(hosts.iter().flat_map(of_host));
    let adit = Adit::start(&documents(objects)).await?;
    for (host, validation, expected) in &hosts {
        for upgrade in [false, true] {
            let (status, said) = ask(&adit, host, upgrade).await?;
            assert_eq!(status, *expected, "{host}: {said}");
            let name = validation["hostname"].as_str().unwrap_or_default();
            assert!(status != 200 || said.starts_with(&format!("{name} false ")), "{host}: {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn chains_are_followed_and_expired_certificates_are_not_believed() -> Result<()> {
    let root = root("root")?;
    let between = intermediate("between", &root)?;
    for (expired, expected) in [(false, 200), (true, 502)] {
        let (leaf, key) = issued(NAME, &between, expired)?;
        let address = backend(vec![leaf, between.as_ref().clone()], &key, &root).await?;
        let objects = entrance().into_iter().chain(host("h", None, address));
        let policy = [policy("h", &believing("authority", NAME)), config_map("authority", &root.pem())];
        let adit = Adit::start(&documents(objects.chain(policy))).await?;
        assert_eq!(ask(&adit, "h", false).await?.0, expected, "{expired}");
    }
    Ok(())
}

#[tokio::test]
async fn http2_is_spoken_over_tls_where_the_service_has_it() -> Result<()> {
    let root = root("root")?;
    let (leaf, key) = issued(NAME, &root, false)?;
    let address = backend(vec![leaf], &key, &root).await?;
    let objects = entrance().into_iter().chain(host("h", Some("kubernetes.io/h2c"), address));
    let policy = [policy("h", &believing("authority", NAME)), config_map("authority", &root.pem())];
    let adit = Adit::start(&documents(objects.chain(policy))).await?;
    let (status, said) = ask(&adit, "h", false).await?;
    assert!(status == 200 && said.starts_with("backend.example false "), "{status} {said}");
    Ok(())
}

/// What the host `h` answers, once everything has been taken in.
async fn after(adit: &mut Adit, objects: &[&[Value]]) -> Result<(u16, String)> {
    adit.replace(&documents(objects.concat())).await?;
    ask(adit, "h", false).await
}

#[tokio::test]
async fn a_policy_and_its_authorities_count_as_soon_as_they_change() -> Result<()> {
    let (root, other) = (root("root")?, root("other")?);
    let (leaf, key) = issued(NAME, &root, false)?;
    let address = backend(vec![leaf], &key, &root).await?;
    let base: Vec<_> = entrance().into_iter().chain(host("h", None, address)).collect();
    let policy = [policy("h", &believing("authority", NAME))];
    let authority = |pem: &str| [config_map("authority", pem)];
    let mut adit = Adit::start(&documents([&base[..], &policy].concat())).await?;
    assert_eq!(ask(&adit, "h", false).await?.0, 500, "no authority yet");
    assert_eq!(after(&mut adit, &[&base, &policy, &authority(&root.pem())]).await?.0, 200);
    assert_eq!(after(&mut adit, &[&base, &policy, &authority(&other.pem())]).await?.0, 502, "no connection is kept");
    assert_eq!(after(&mut adit, &[&base, &policy, &authority("")]).await?.0, 500);
    assert_eq!(after(&mut adit, &[&base, &policy, &authority(&root.pem())]).await?.0, 200);
    let (status, _) = after(&mut adit, &[&base, &authority(&root.pem())]).await?;
    assert_eq!(status, 502, "without a policy it is asked in the clear, which it does not understand");
    Ok(())
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear() -> Result<()> {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let plain = accept(move |_, mut stream| {
        let heard = heard.clone();
        async move {
            heard.send(stream.read_u8().await?)?;
            Ok(stream.write_all(PLAIN.as_bytes()).await?)
        }
    })
    .await?;
    let root = root("root")?;
    for (authority, expected) in [("authority", 502), ("nothing", 500)] {
        let objects = entrance().into_iter().chain(host("h", None, plain));
        let policy = [policy("h", &believing(authority, NAME)), config_map("authority", &root.pem())];
        let adit = Adit::start(&documents(objects.chain(policy))).await?;
        assert_eq!(ask(&adit, "h", false).await?.0, expected, "{authority}");
    }
    while let Ok(first) = hears.try_recv() {
        assert_eq!(first, HANDSHAKE);
    }
    Ok(())
}

#[tokio::test]
async fn a_gateway_shows_its_own_certificate() -> Result<()> {
    let root = root("root")?;
    let (leaf, key) = issued(NAME, &root, false)?;
    let (client, client_key) = issued("adit", &root, false)?;
    let address = backend(vec![leaf], &key, &root).await?;
    let gateway = |name: &str, certificate: Option<&str>| {
        let backend = certificate.map(|name| json!({"clientCertificateRef": {"name": name}}));
        json!({"apiVersion": API, "kind": "Gateway", "metadata": {"name": name}, "spec": {
            "gatewayClassName": "adit", "tls": {"backend": backend},
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP", "hostname": format!("{name}.example")}]}})
    };
    let [class, _] = entrance();
    let [mut route, service, slice] = host("shop", None, address);
    route["spec"] = json!({
        "parentRefs": [{"name": "showing"}, {"name": "bare"}, {"name": "broken"}],
        "rules": [{"backendRefs": [{"name": "shop", "port": 443}]}],
    });
    let pair = json!({"tls.crt": client.pem(), "tls.key": client_key.serialize_pem()});
    let adit = Adit::start(&documents([
        class,
        gateway("showing", Some("client")),
        gateway("bare", None),
        gateway("broken", Some("nothing")),
        route,
        service,
        slice,
        secret("client", &pair),
        config_map("authority", &root.pem()),
        policy("shop", &believing("authority", NAME)),
    ]))
    .await?;
    for (host, shown) in [("showing", true), ("bare", false), ("broken", false), ("showing", true)] {
        let (status, said) = ask(&adit, &format!("{host}.example"), false).await?;
        assert!(status == 200 && said.starts_with(&format!("{NAME} {shown} ")), "{host}: {status} {said}");
    }
    Ok(())
}

#[tokio::test]
async fn copies_go_over_tls_as_well() -> Result<()> {
    let root = root("root")?;
    let (leaf, key) = issued(NAME, &root, false)?;
    let tls = acceptor(std::slice::from_ref(&leaf), &key, &root)?;
    let (copied, mut copies) = mpsc::unbounded_channel();
    let mirror = accept(move |_, stream| {
        let (tls, copied) = (tls.clone(), copied.clone());
        async move {
            let stream = tls.accept(stream).await?;
            let name = stream.get_ref().1.server_name().unwrap_or("none").to_owned();
            let head = Connection::accepted(stream).request().await?.context("a request")?;
            Ok(copied.send((name, head.target))?)
        }
    })
    .await?;
    let [mut route, service, slice] = host("h", None, backend(vec![leaf], &key, &root).await?);
    route["spec"]["rules"][0]["filters"] =
        json!([{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "copy", "port": 443}}}]);
    let [_, copy, of_copy] = host("copy", None, mirror);
    let policies = ["h", "copy"].map(|name| policy(name, &believing("authority", NAME)));
    let objects = [route, service, slice, copy, of_copy, config_map("authority", &root.pem())];
    let adit = Adit::start(&documents(entrance().into_iter().chain(objects).chain(policies))).await?;
    assert_eq!(ask(&adit, "h", false).await?.0, 200);
    let copy = timeout(PATIENCE, copies.recv()).await?.context("a copy")?;
    assert_eq!(copy, (NAME.to_owned(), "/".to_owned()));
    Ok(())
}

#[tokio::test]
async fn an_auth_server_is_believed_as_a_backend_is() -> Result<()> {
    let (root, other) = (root("root")?, root("other")?);
    let (leaf, key) = issued(NAME, &root, false)?;
    let (client, client_key) = issued("adit", &root, false)?;
    let tls = acceptor(&[leaf], &key, &root)?;
    let server = accept(move |_, stream| {
        let tls = tls.clone();
        async move {
            let stream = tls.accept(stream).await?;
            let session = stream.get_ref().1;
            let name = session.server_name().unwrap_or("none");
            let said = format!("{name} {}", session.peer_certificates().is_some());
            let mut connection = Connection::accepted(stream);
            while connection.request().await?.is_some() {
                connection.send(format!("HTTP/1.1 403 No\r\nContent-Length: {}\r\n\r\n{said}", said.len())).await?;
            }
            Ok(())
        }
    })
    .await?;
    let [class, mut gateway] = entrance();
    gateway["spec"]["tls"] = json!({"backend": {"clientCertificateRef": {"name": "client"}}});
    let [mut route, service, slice] = host("h", None, server);
    let asked = json!({"protocol": "HTTP", "backendRef": {"name": "h", "port": 443}});
    route["spec"]["rules"][0]["filters"] = json!([{"type": "ExternalAuth", "externalAuth": asked}]);
    let pair = json!({"tls.crt": client.pem(), "tls.key": client_key.serialize_pem()});
    let others = [class, gateway, route, service, slice, secret("client", &pair)];
    for (authority, expected) in [(&root, 403), (&other, 500)] {
        let policy = [policy("h", &believing("authority", NAME)), config_map("authority", &authority.pem())];
        let adit = Adit::start(&documents(others.iter().cloned().chain(policy))).await?;
        let (status, said) = ask(&adit, "h", false).await?;
        assert_eq!(status, expected, "{said}");
        assert!(status == 500 || said == format!("{NAME} true"), "{said}");
    }
    Ok(())
}
