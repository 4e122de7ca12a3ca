use super::authority::{issued, named, root};
use super::world::{
    HOST, SECRET, ask, ask_every_way, ask_plain, authorities, connect, guarded, ingress, offer, path, send, start,
};
use anyhow::{Context, Result};
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use serde_json::{Value, json};
use std::sync::Arc;
use tests::adit::{documents, slice};
use tests::backend::mirror;
use tests::http2::Http2;
use tests::objects::{self, certificate, secret};
use tests::recorder::recorded;
use tests::tls::{Believing, Offer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What clients send to be taken for somebody, in the spellings that some framework takes for the same.
const FORGED: &str = "ssl-client-verify: SUCCESS\r\nSSL_CLIENT_VERIFY: SUCCESS\r\nssl.client.verify: SUCCESS\r\n\
                      Ssl-Client-Subject-DN: CN=admin\r\nssl-client-issuer-dn: CN=admin\r\nssl-client-cert: x\r\n\
                      ssl-client-fingerprint: 00\r\n";

/// On every host, whoever is trusted with other headers.
#[tokio::test]
async fn attack_28_nothing_that_a_client_says_of_its_certificate_arrives() -> Result<()> {
    let trusting = json!({"use-forwarded-headers": "true", "enable-underscores-in-headers": "true"});
    for config in [json!({"enable-underscores-in-headers": "true"}), trusting] {
        let settings = objects::config_map("adit", &config);
        let annotations = [SECRET, ("auth-tls-verify-client", "optional"), ("ssl-redirect", "false")];
        let objects = [
            settings,
            certificate(HOST)?,
            certificate("open.example")?,
            ingress(HOST, &annotations),
            ingress("open.example", &[]),
            authorities(&[&root("authority")?], None),
        ];
        let adit = start(objects).await?;
        let answer = send(&mut connect(&adit, &offer(HOST, None)).await?, HOST, "/", FORGED).await?;
        assert_eq!((answer.status, answer.about_certificate()), (200, vec![("ssl-client-verify", "NONE")]));
        let answer = ask_plain(&adit, "/", FORGED).await?;
        assert_eq!((answer.status, answer.about_certificate()), (200, Vec::new()));
        let open = "open.example";
        let answer = send(&mut connect(&adit, &offer(open, None)).await?, open, "/", FORGED).await?;
        assert_eq!((answer.status, answer.about_certificate()), (200, Vec::new()));
    }
    Ok(())
}

/// The auth server gets what we know, and nothing of what the client says.
#[tokio::test]
async fn attack_28_nor_at_the_auth_server() -> Result<()> {
    let (auth, recording) = recorded(|_, mut connection| async move {
        while connection.request().await?.is_some() {
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
        }
        Ok(())
    })
    .await?;
    let authority = root("authority")?;
    let service =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "auth"}, "spec": {"ports": [{"port": 80}]}});
    let annotations = [
        SECRET,
        ("auth-tls-verify-client", "optional"),
        ("auth-tls-pass-certificate-to-upstream", "true"),
        ("auth-url", "http://auth.default.svc.cluster.local/"),
    ];
    let objects = [
        service,
        slice("auth", 0, auth),
        certificate(HOST)?,
        ingress(HOST, &annotations),
        authorities(&[&authority], None),
    ];
    let adit = start(objects).await?;
    let known = issued(&named("authtls")?, &authority, &[])?;
    let answer = send(&mut connect(&adit, &offer(HOST, Some(&known))).await?, HOST, "/", FORGED).await?;
    assert_eq!(answer.status, 200);
    let asked = recording.all().to_lowercase();
    for line in
        ["ssl-client-verify: success", "ssl-client-subject-dn: cn=authtls", "ssl-client-cert: -----begin%20certificate"]
    {
        assert_eq!(asked.matches(line).count(), 1, "{line} in {asked}");
    }
    assert!(!asked.contains("cn=admin") && !asked.contains("fingerprint") && !asked.contains("ssl_client"), "{asked}");
    Ok(())
}

#[tokio::test]
async fn attack_34_a_broken_setting_beside_a_secret_closes_the_host() -> Result<()> {
    for broken in [
        ("auth-tls-verify-client", "yes"),
        ("auth-tls-verify-depth", "deep"),
        ("auth-tls-verify-depth", "-1"),
        ("auth-tls-error-page", "@named"),
        ("auth-tls-error-page", "https://example.com/$host"),
        ("auth-tls-match-cn", "foo"),
        ("auth-tls-match-cn", "CN=("),
        ("auth-tls-match-cn", " "),
        ("auth-tls-pass-certificate-to-upstream", "yes"),
        ("auth-tls-secret", ""),
        ("auth-tls-secret", " "),
        ("auth-tls-secret", "default/none"),
        ("auth-tls-secret", "other/ca"),
        ("auth-tls-secret", "a/b/c"),
    ] {
        let authority = root("authority")?;
        let annotations = [SECRET, broken];
        let objects = [
            certificate(HOST)?,
            ingress(HOST, &annotations),
            path("other", HOST, "/other", &[]),
            authorities(&[&authority], None),
        ];
        let adit = start(objects).await?;
        let known = issued(&named("authtls")?, &authority, &[])?;
        for certificate in [None, Some(&known)] {
            assert_eq!(ask_every_way(&adit, certificate).await?.status, 403, "{broken:?}");
        }
        // Nor is there a way over plain HTTP, or by the path of another Ingress.
        assert_eq!(ask_plain(&adit, "/", "").await?.status, 403, "{broken:?}");
        assert_eq!(ask_plain(&adit, "/other", "").await?.status, 403, "{broken:?}");
    }
    Ok(())
}

/// It is the default, which asks for a certificate.
#[tokio::test]
async fn attack_34_nor_does_an_empty_one_open_it() -> Result<()> {
    for empty in ["verify-client", "verify-depth", "error-page", "pass-certificate-to-upstream"] {
        let authority = root("authority")?;
        let empty = format!("auth-tls-{empty}");
        let annotations = [SECRET, (&*empty, "")];
        let objects = [certificate(HOST)?, ingress(HOST, &annotations), authorities(&[&authority], None)];
        let adit = start(objects).await?;
        let known = issued(&named("authtls")?, &authority, &[])?;
        for (certificate, status) in [(None, 400), (Some(&known), 200)] {
            assert_eq!(ask_every_way(&adit, certificate).await?.status, status, "{empty}");
        }
    }
    Ok(())
}

type Annotations<'a> = &'a [(&'a str, &'a str)];

/// Whichever comes first, and whatever the other says.
#[tokio::test]
async fn attack_36_of_two_ingresses_on_a_host_none_opens_it() -> Result<()> {
    let (authority, another) = (root("authority")?, root("another")?);
    let (known, stranger) = (issued(&named("authtls")?, &authority, &[])?, issued(&named("authtls")?, &another, &[])?);
    let other_secret = secret("another", &json!({"ca.crt": another.pem()}));
    let (first, second) = ([SECRET], [("auth-tls-secret", "default/another")]);
    let broken = [("auth-tls-secret", "default/none")];
    // The younger's annotations, the older's, and the answer to a client of the first authority.
    let cases: [(Annotations<'_>, Annotations<'_>, u16); 6] = [
        (&first, &[], 200),
        (&[], &first, 200),
        (&first, &first, 200),
        (&first, &second, 200),
        (&first, &broken, 200),
        (&broken, &first, 403),
    ];
    for (older, younger, status) in cases {
        let objects = [
            certificate(HOST)?,
            path("older", HOST, "/", older),
            path("younger", HOST, "/younger", younger),
            authorities(&[&authority], None),
            other_secret.clone(),
        ];
        let adit = start(objects).await?;
        for path in ["/", "/younger", "/younger/x"] {
            let asked = async |certificate| -> Result<u16> {
                let mut connection = connect(&adit, &offer(HOST, certificate)).await?;
                Ok(send(&mut connection, HOST, path, "").await?.status)
            };
            assert_eq!(asked(Some(&known)).await?, status, "{older:?} {younger:?} {path}");
            let refused = if status == 403 { 403 } else { 400 };
            assert_eq!(asked(None).await?, refused, "{older:?} {younger:?} {path}");
            assert_eq!(asked(Some(&stranger)).await?, refused, "{older:?} {younger:?} {path}");
        }
    }
    Ok(())
}

/// One certificate for three hosts, so that clients of HTTP/2 use one connection for all.
fn shared_certificate() -> Result<Value> {
    let made = rcgen::generate_simple_self_signed(["a.example", HOST, "b.example"].map(str::to_owned))?;
    Ok(secret("shared", &json!({"tls.crt": made.cert.pem(), "tls.key": made.signing_key.serialize_pem()})))
}

#[tokio::test]
async fn attack_36_the_name_of_the_handshake_is_the_host_of_the_request() -> Result<()> {
    let authority = root("authority")?;
    let shared = |host: &str, annotations: &[(&str, &str)]| {
        let mut ingress = ingress(host, annotations);
        ingress["spec"]["tls"][0]["secretName"] = json!("shared");
        ingress
    };
    let objects = [
        shared_certificate()?,
        shared("a.example", &[]),
        shared(HOST, &[SECRET]),
        shared("b.example", &[SECRET]),
        authorities(&[&authority], None),
    ];
    let adit = start(objects).await?;
    let known = issued(&named("authtls")?, &authority, &[])?;
    for name in ["a.example", "b.example"] {
        let client = Http2::open_tls(adit.https_address()?, offer(name, Some(&known))).await?;
        assert_eq!(client.get(&format!("https://{name}/")).await?.status, 200, "{name}");
        assert_eq!(client.get(&format!("https://{HOST}/")).await?.status, 421, "HTTP/2, {name}");
        let mut connection = connect(&adit, &offer(name, Some(&known))).await?;
        assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 421, "HTTP/1.1, {name}");
    }
    // The other way round nothing is gained, and nothing of the certificate is told.
    let mut connection = connect(&adit, &offer(HOST, Some(&known))).await?;
    let answer = send(&mut connection, "a.example", "/", "").await?;
    assert_eq!((answer.status, answer.about_certificate()), (200, Vec::new()));
    Ok(())
}

#[tokio::test]
async fn attack_36_without_a_name_there_is_no_certificate() -> Result<()> {
    let (adit, known) = guarded(&[]).await?;
    let nameless = Offer { server_name: None, ..offer(HOST, Some(&known)) };
    let mut connection = connect(&adit, &nameless).await?;
    assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 400);
    Ok(())
}

/// A client that keeps its sessions.
fn client(version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let schemes = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .expect("a version that rustls has")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believing::those_of(&schemes)))
        .with_no_client_auth();
    Arc::new(config)
}

/// Whether the session was resumed, and the status of a request.
async fn resume(adit: &tests::adit::Adit, config: &Arc<ClientConfig>) -> Result<(bool, String)> {
    let stream = TcpStream::connect(adit.https_address()?).await?;
    let mut stream = TlsConnector::from(config.clone()).connect(HOST.try_into()?, stream).await?;
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    // A close without a close_notify is an end, too.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).context("no status")?.to_owned();
    Ok((stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed), status))
}

/// Tickets and sessions from before the host asked for certificates are worth nothing afterwards.
#[tokio::test]
async fn attack_36_a_ticket_of_a_host_without_certificates_is_not_taken() -> Result<()> {
    let authority = root("authority")?;
    for (version, tickets) in [(&TLS12, "false"), (&TLS12, "true"), (&TLS13, "false"), (&TLS13, "true")] {
        let settings = objects::config_map("adit", &json!({"ssl-session-tickets": tickets}));
        let backend = [objects::backend(), slice("backend", 0, mirror().await?)];
        let common = [settings, certificate(HOST)?, authorities(&[&authority], None)];
        let manifests = |annotations: &[(&str, &str)]| {
            documents(backend.iter().chain(&common).cloned().chain([ingress(HOST, annotations)]))
        };
        let mut adit = tests::adit::Adit::start(&manifests(&[])).await?;
        let config = client(version);
        assert_eq!(resume(&adit, &config).await?, (false, "200".to_owned()));
        assert_eq!(resume(&adit, &config).await?, (true, "200".to_owned()), "{version:?}, tickets {tickets}");
        adit.replace(&manifests(&[SECRET])).await?;
        assert_eq!(resume(&adit, &config).await?, (false, "400".to_owned()), "{version:?}, tickets {tickets}");
        adit.replace(&manifests(&[SECRET, ("auth-tls-verify-client", "optional")])).await?;
        for _ in 0..2 {
            assert_eq!(resume(&adit, &config).await?, (false, "200".to_owned()), "{version:?}, tickets {tickets}");
        }
    }
    Ok(())
}

/// The certificate of one host is not one of another with another authority.
#[tokio::test]
async fn attack_36_each_host_has_its_own_authorities() -> Result<()> {
    let (authority, another) = (root("authority")?, root("another")?);
    let objects = [
        certificate(HOST)?,
        certificate("other.example")?,
        ingress(HOST, &[SECRET]),
        ingress("other.example", &[("auth-tls-secret", "another")]),
        authorities(&[&authority], None),
        secret("another", &json!({"ca.crt": another.pem()})),
    ];
    let adit = start(objects).await?;
    let known = issued(&named("authtls")?, &authority, &[])?;
    assert_eq!(ask(&adit, Some(&known)).await?.status, 200);
    let other = "other.example";
    assert_eq!(send(&mut connect(&adit, &offer(other, Some(&known))).await?, other, "/", "").await?.status, 400);
    Ok(())
}
