//! What ingress-nginx's own tests ask of client certificates.

use super::authority::{issued, named, numbered, root};
use super::world::{
    HOST, SECRET, ask, ask_every_way, authorities, connect, guarded, ingress, manifests, offer, send, start, subject,
};
use anyhow::Result;
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use tests::adit::Adit;
use tests::objects::certificate;
use tests::tls::{ClientCertificate, Offer};

#[tokio::test]
async fn m01_without_a_certificate_the_answer_is_400() -> Result<()> {
    let (adit, _) = guarded(&[]).await?;
    let answer = ask_every_way(&adit, None).await?;
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(text.contains("<title>400 No required SSL certificate was sent</title>"), "{text}");
    assert!(text.contains("<center>No required SSL certificate was sent</center>"), "{text}");
    Ok(())
}

#[tokio::test]
async fn m07_a_subject_that_does_not_match_is_forbidden() -> Result<()> {
    let annotations = [("auth-tls-verify-client", "on"), ("auth-tls-match-cn", "CN=notgonnamatch")];
    let (adit, known) = guarded(&annotations).await?;
    let answer = ask_every_way(&adit, Some(&known)).await?;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("client certificate unauthorized"));
    Ok(())
}

#[tokio::test]
async fn m08_a_subject_that_matches_comes_in() -> Result<()> {
    let (adit, known) = guarded(&[("auth-tls-match-cn", "CN=authtls")]).await?;
    assert_eq!(ask_every_way(&adit, Some(&known)).await?.status, 200);
    assert_eq!(ask(&adit, None).await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn m09_the_subject_is_matched_by_a_pattern() -> Result<()> {
    let (adit, known) = guarded(&[("auth-tls-match-cn", "CN=(itwillmatch|withthenextoption|authtls)")]).await?;
    assert_eq!(ask(&adit, Some(&known)).await?.status, 200);
    // Case matters, and the pattern may match anywhere.
    for (pattern, status) in [("CN=AUTHTLS", 403), ("CN=auth", 200), ("CN=authtls$", 200), ("CN=tls", 403)] {
        let (adit, known) = guarded(&[("auth-tls-match-cn", pattern)]).await?;
        assert_eq!(ask(&adit, Some(&known)).await?.status, status, "{pattern}");
    }
    Ok(())
}

#[tokio::test]
async fn m10_the_pattern_changes_under_an_open_connection() -> Result<()> {
    let authority = root("authority")?;
    let known = issued(&named("authtls")?, &authority, &[])?;
    let objects = |pattern| -> Result<_> {
        let annotations = [SECRET, ("auth-tls-match-cn", pattern)];
        Ok([certificate(HOST)?, ingress(HOST, &annotations), authorities(&[&authority], None)])
    };
    let mut adit = Adit::start(&manifests(objects("CN=notvalid")?).await?).await?;
    let mut connection = connect(&adit, &offer(HOST, Some(&known))).await?;
    assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 403);
    adit.replace(&manifests(objects("CN=authtls")?).await?).await?;
    assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn m11_a_certificate_of_another_authority_is_refused() -> Result<()> {
    let (adit, _) = guarded(&[]).await?;
    // Even one of the same name.
    for name in ["authority", "another"] {
        let foreign = issued(&named("authtls")?, &root(name)?, &[])?;
        let answer = ask_every_way(&adit, Some(&foreign)).await?;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("<title>400 The SSL certificate error</title>"), "{}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn m12_an_optional_certificate_may_be_missing() -> Result<()> {
    let (adit, known) = guarded(&[("auth-tls-verify-client", "optional")]).await?;
    let answer = ask_every_way(&adit, None).await?;
    assert_eq!((answer.status, answer.about_certificate()), (200, vec![("ssl-client-verify", "NONE")]));
    let answer = ask_every_way(&adit, Some(&known)).await?;
    assert_eq!((answer.status, answer.header("ssl-client-verify")), (200, Some("SUCCESS")));
    let foreign = issued(&named("authtls")?, &root("another")?, &[])?;
    assert_eq!(ask_every_way(&adit, Some(&foreign)).await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn m13_without_an_authority_the_reason_is_told() -> Result<()> {
    let (adit, known) = guarded(&[("auth-tls-verify-client", "optional_no_ca")]).await?;
    let foreign = issued(&named("stranger")?, &root("another")?, &[])?;
    let answer = ask_every_way(&adit, Some(&foreign)).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("ssl-client-verify"), Some("FAILED:unable to verify the first certificate"));
    assert_eq!((subject(&answer)?, answer.header("ssl-client-issuer-dn")), ("CN=stranger", Some("CN=another")));
    assert_eq!(ask(&adit, Some(&known)).await?.header("ssl-client-verify"), Some("SUCCESS"));
    assert_eq!(ask(&adit, None).await?.header("ssl-client-verify"), Some("NONE"));
    Ok(())
}

#[tokio::test]
async fn m14_the_backend_gets_to_know_the_client() -> Result<()> {
    let (adit, known) = guarded(&[]).await?;
    let answer = ask_every_way(&adit, Some(&known)).await?;
    let expected = [
        ("ssl-client-issuer-dn", "CN=authority"),
        ("ssl-client-subject-dn", "CN=authtls"),
        ("ssl-client-verify", "SUCCESS"),
    ];
    assert_eq!((answer.status, answer.about_certificate()), (200, expected.to_vec()));
    Ok(())
}

#[tokio::test]
async fn m17_no_client_says_itself_that_it_is_known() -> Result<()> {
    let (adit, _) = guarded(&[("auth-tls-verify-client", "optional")]).await?;
    let mut connection = connect(&adit, &offer(HOST, None)).await?;
    let forged = "ssl-client-verify: SUCCESS\r\nssl-client-subject-dn: CN=admin\r\nssl-client-cert: x\r\n";
    let answer = send(&mut connection, HOST, "/", forged).await?;
    assert_eq!((answer.status, answer.about_certificate()), (200, vec![("ssl-client-verify", "NONE")]));
    Ok(())
}

/// The certificate itself goes to the backend where that is asked for.
#[tokio::test]
async fn the_certificate_is_passed_on_as_pem() -> Result<()> {
    let (adit, known) = guarded(&[("auth-tls-pass-certificate-to-upstream", "true")]).await?;
    let answer = ask_every_way(&adit, Some(&known)).await?;
    let sent = answer.header("ssl-client-cert").unwrap_or_default();
    assert!(sent.starts_with("-----BEGIN%20CERTIFICATE-----%0A") && sent.ends_with("-----END%20CERTIFICATE-----%0A"));
    let decoded: Vec<_> = form_urlencoded::parse(sent.as_bytes()).map(|(text, _)| text.into_owned()).collect();
    let pem = decoded.concat();
    assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes())?;
    assert_eq!(pem.contents, known.chain[0]);
    Ok(())
}

/// `off` asks for nothing, as in ingress-nginx: but then no subject can match.
#[tokio::test]
async fn off_asks_for_no_certificate() -> Result<()> {
    let (adit, known) = guarded(&[("auth-tls-verify-client", "off")]).await?;
    let answer = ask_every_way(&adit, Some(&known)).await?;
    assert_eq!((answer.status, answer.about_certificate()), (200, vec![("ssl-client-verify", "NONE")]));
    let (adit, known) = guarded(&[("auth-tls-verify-client", "off"), ("auth-tls-match-cn", "CN=authtls")]).await?;
    assert_eq!(ask(&adit, Some(&known)).await?.status, 403);
    Ok(())
}

/// RSA keys prove themselves as ECDSA ones do, in both versions of TLS.
#[tokio::test]
async fn a_key_of_rsa_is_as_good() -> Result<()> {
    let authority = root("authority")?;
    let adit = start([certificate(HOST)?, ingress(HOST, &[SECRET]), authorities(&[&authority], None)]).await?;
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let leaf = named("rsa")?.signed_by(&key, &authority)?;
    let known = ClientCertificate { chain: vec![leaf.der().to_vec()], key: key.serialize_der() };
    assert_eq!(ask_every_way(&adit, Some(&known)).await?.status, 200);
    Ok(())
}

/// Who has a certificate and not its key is nobody: the handshake fails.
#[tokio::test]
async fn a_certificate_is_worth_nothing_without_its_key() -> Result<()> {
    let (adit, known) = guarded(&[("auth-tls-verify-client", "optional_no_ca")]).await?;
    let stolen = ClientCertificate { key: KeyPair::generate()?.serialize_der(), ..known };
    for version in ["1.2", "1.3"] {
        let offer = Offer { version: Some(version.to_owned()), ..offer(HOST, Some(&stolen)) };
        let answered = async { send(&mut connect(&adit, &offer).await?, HOST, "/", "").await };
        assert!(answered.await.is_err(), "TLS {version}");
    }
    Ok(())
}

/// nginx's variables have it, too: here in headers that the ConfigMap sets.
#[tokio::test]
async fn variables_say_who_the_client_is() -> Result<()> {
    let authority = root("authority")?;
    let config_map = |name: &str, namespace: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data});
    let headers = json!({
        "X-Verify": "$ssl_client_verify", "X-Subject": "$ssl_client_s_dn", "X-Issuer": "$ssl_client_i_dn",
        "X-Serial": "$ssl_client_serial", "X-Fingerprint": "$ssl_client_fingerprint",
    });
    let objects = [
        config_map("adit", "adit", json!({"proxy-set-headers": "default/headers"})),
        config_map("headers", "default", headers),
        certificate(HOST)?,
        certificate("open.example")?,
        ingress(HOST, &[SECRET]),
        ingress("open.example", &[]),
        authorities(&[&authority], None),
    ];
    let adit = start(objects).await?;
    let known = issued(&numbered(named("authtls")?, 0xabcd), &authority, &[])?;
    let answer = ask(&adit, Some(&known)).await?;
    let said = ["x-verify", "x-subject", "x-issuer", "x-serial"].map(|name| answer.header(name).unwrap_or_default());
    assert_eq!(said, ["SUCCESS", "CN=authtls", "CN=authority", "ABCD"]);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &known.chain[0]);
    let expected: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(answer.header("x-fingerprint"), Some(expected.as_str()));
    let open = send(&mut connect(&adit, &offer("open.example", None)).await?, "open.example", "/", "").await?;
    assert_eq!((open.header("x-verify"), open.header("x-subject")), (Some("NONE"), None));
    Ok(())
}

/// A connection that is upgraded tells the backend as much.
#[tokio::test]
async fn upgrades_are_verified_as_well() -> Result<()> {
    let (adit, known) = guarded(&[]).await?;
    let upgrade = "Connection: upgrade\r\nUpgrade: any\r\nssl-client-verify: NONE\r\n";
    for (certificate, status, verdict) in [(None, 400, None), (Some(&known), 200, Some("SUCCESS"))] {
        let answer = send(&mut connect(&adit, &offer(HOST, certificate)).await?, HOST, "/", upgrade).await?;
        assert_eq!((answer.status, answer.header("ssl-client-verify")), (status, verdict));
    }
    Ok(())
}
