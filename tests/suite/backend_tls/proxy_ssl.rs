//! TLS to backends as `proxy-ssl-secret` and what goes with it have it: whom Adit believes, and what it shows of itself.

use super::world::{NAME, ask, backend, intermediate, issued, root, start};
use anyhow::Result;
use rcgen::Certificate;
use serde_json::{Value, json};
use tests::objects::{self, secret};

/// The protocols over TLS.
const PROTOCOLS: [&str; 2] = ["HTTPS", "GRPCS"];

/// An Ingress for a host of the same name, whose backend speaks this protocol, with these annotations.
fn ingress(protocol: &str, host: &str, annotations: &[(&str, &str)]) -> Value {
    objects::ingress(host, &[&[("backend-protocol", protocol)], annotations].concat())
}

const VERIFYING: [(&str, &str); 2] = [("proxy-ssl-verify", "on"), ("proxy-ssl-name", NAME)];

fn with<'a>(secret: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("proxy-ssl-secret", secret)].iter().chain(more).copied().collect()
}

#[tokio::test]
async fn u03_a_backend_is_believed_as_far_as_its_certificate_goes() -> Result<()> {
    let (root, other) = (root("root")?, root("other")?);
    let (leaf, key) = issued(NAME, &root, false)?;
    let another_name = [("proxy-ssl-verify", "on"), ("proxy-ssl-name", "another.example")];
    for protocol in PROTOCOLS {
        let ingress = |host, annotations: &[_]| ingress(protocol, host, annotations);
        let adit = start(
            backend(vec![leaf.clone()], &key, &root).await?,
            [
                secret("authority", &json!({"ca.crt": root.pem()})),
                secret("both", &json!({"ca.crt": other.pem() + &root.pem()})),
                secret("stranger", &json!({"ca.crt": other.pem()})),
                ingress("unverified", &[]),
                ingress("off", &with("stranger", &[("proxy-ssl-verify", "off")])),
                ingress("right", &with("authority", &VERIFYING)),
                ingress("two", &with("both", &VERIFYING)),
                ingress("wrong-authority", &with("stranger", &VERIFYING)),
                ingress("wrong-name", &with("authority", &another_name)),
                ingress("no-name", &with("authority", &[("proxy-ssl-verify", "on")])),
                ingress("no-secret", &VERIFYING),
                ingress("missing", &with("nothing", &VERIFYING)),
            ],
        )
        .await?;
        // Connections that were not verified are kept, and must not serve those who ask for more.
        for (host, expected) in [
            ("unverified", 200),
            ("off", 200),
            ("right", 200),
            ("two", 200),
            ("wrong-authority", 502),
            ("wrong-name", 502),
            ("no-name", 503),
            ("no-secret", 503),
            ("missing", 503),
            ("right", 200),
        ] {
            for upgrade in [false, true] {
                let (status, said) = ask(&adit, host, upgrade).await?;
                assert_eq!(status, expected, "{protocol} {host}: {said}");
                assert!(status != 200 || said.starts_with("none false "), "{protocol} {host}: {said}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn expired_certificates_and_chains_that_are_too_long_are_not_valid() -> Result<()> {
    let root = root("root")?;
    let first = intermediate("first", &root)?;
    let second = intermediate("second", &first)?;
    let chain = |leaf: Certificate| vec![leaf, second.as_ref().clone(), first.as_ref().clone()];
    for protocol in PROTOCOLS {
        for (expired, depth, expected) in [(false, "2", 200), (false, "1", 502), (true, "2", 502)] {
            let (leaf, key) = issued(NAME, &second, expired)?;
            let depth = [&VERIFYING[..], &[("proxy-ssl-verify-depth", depth)]].concat();
            let secret = secret("authority", &json!({"ca.crt": root.pem()}));
            let objects = [secret, ingress(protocol, "h", &with("authority", &depth))];
            let adit = start(backend(chain(leaf), &key, &root).await?, objects).await?;
            assert_eq!(ask(&adit, "h", false).await?.0, expected, "{protocol} {expired} {depth:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_backend_is_shown_what_is_set() -> Result<()> {
    let root = root("root")?;
    let (leaf, key) = issued(NAME, &root, false)?;
    let (client, client_key) = issued("adit", &root, false)?;
    let certificate = json!({"tls.crt": client.pem(), "tls.key": client_key.serialize_pem()});
    let suite = [("proxy-ssl-protocols", "TLSv1.2"), ("proxy-ssl-ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305")];
    for protocol in PROTOCOLS {
        let ingress = |host, annotations: &[_]| ingress(protocol, host, annotations);
        let adit = start(
            backend(vec![leaf.clone()], &key, &root).await?,
            [
                secret("client", &certificate),
                secret("authority", &json!({"ca.crt": root.pem()})),
                ingress("certificate", &with("client", &[])),
                ingress("name", &with("authority", &[("proxy-ssl-server-name", "on"), ("proxy-ssl-name", NAME)])),
                ingress("unnamed", &with("authority", &[("proxy-ssl-name", NAME)])),
                ingress("older", &with("authority", &[("proxy-ssl-protocols", "TLSv1.2")])),
                ingress("suite", &with("authority", &suite)),
            ],
        )
        .await?;
        for (host, expected) in [
            ("certificate", "none true TLSv1_3 "),
            ("name", "backend.example false TLSv1_3 "),
            ("unnamed", "none false TLSv1_3 "),
            ("older", "none false TLSv1_2 "),
            ("suite", "none false TLSv1_2 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 "),
        ] {
            for upgrade in [false, true] {
                let (status, said) = ask(&adit, host, upgrade).await?;
                assert!(status == 200 && said.starts_with(expected), "{protocol} {host}: {status} {said}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn connections_are_shared_between_equal_settings_only() -> Result<()> {
    let root = root("root")?;
    let (leaf, key) = issued(NAME, &root, false)?;
    for protocol in PROTOCOLS {
        let ingress = |host, annotations: &[_]| ingress(protocol, host, annotations);
        let adit = start(
            backend(vec![leaf.clone()], &key, &root).await?,
            [
                secret("authority", &json!({"ca.crt": root.pem()})),
                ingress("a", &with("authority", &VERIFYING)),
                ingress("b", &with("authority", &VERIFYING)),
                ingress("c", &with("authority", &[])),
            ],
        )
        .await?;
        let mut connections = Vec::new();
        for host in ["a", "a", "b", "c", "a"] {
            let (_, said) = ask(&adit, host, false).await?;
            connections.push(said.rsplit(' ').next().unwrap_or_default().to_owned());
        }
        assert_eq!(connections, ["1", "1", "1", "2", "1"], "{protocol}");
    }
    Ok(())
}

#[tokio::test]
async fn a_snippet_names_the_server() -> Result<()> {
    let root = root("root")?;
    let (leaf, key) = issued(NAME, &root, false)?;
    let allowed = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    let allowed = objects::config_map("adit", &allowed);
    for (protocol, prefix) in PROTOCOLS.into_iter().zip(["proxy", "grpc"]) {
        let named = |host, more: &[_], name, is_sent| {
            let snippet = format!("{prefix}_ssl_name {name}; {prefix}_ssl_server_name {is_sent};");
            ingress(protocol, host, &[more, &[("configuration-snippet", &*snippet)]].concat())
        };
        let annotated = [("proxy-ssl-server-name", "on"), ("proxy-ssl-name", NAME)];
        let adit = start(
            backend(vec![leaf.clone()], &key, &root).await?,
            [
                secret("authority", &json!({"ca.crt": root.pem()})),
                allowed.clone(),
                named("named", &[], NAME, "on"),
                named("host.example", &[("server-alias", "alias.example")], "$host", "on"),
                named("off", &[], NAME, "off"),
                named("other", &with("authority", &annotated), "other.example", "on"),
                named("unnamed", &with("authority", &annotated), NAME, "off"),
            ],
        )
        .await?;
        for (host, expected) in [
            ("named", NAME),
            ("host.example", "host.example"),
            ("alias.example", "alias.example"),
            ("off", "none"),
            ("other", "other.example"),
            ("unnamed", "none"),
        ] {
            for upgrade in [false, true] {
                let (status, said) = ask(&adit, host, upgrade).await?;
                let expected = format!("{expected} false ");
                assert!(status == 200 && said.starts_with(&expected), "{protocol} {host}: {status} {said}");
            }
        }
    }
    Ok(())
}
