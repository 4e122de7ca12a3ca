//! Which certificates are valid: as OpenSSL has it, with OpenSSL asked as well.

use super::authority::{
    Authority, expired, expired_root, for_uses, intermediate, issued, named, numbered, revoking, root, self_signed,
};
use super::world::{HOST, ask, ask_every_way, authorities, guarded, ingress, start};
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway::config::{ClientVerification, Origin, Subject, VerifyClient};
use gateway::tls::client::{ClientVerifier, Verdict};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use tests::objects::{certificate, secret};
use tests::tls::ClientCertificate;

/// A certificate, and what it is judged by.
struct Trial {
    name: &'static str,
    client: ClientCertificate,
    /// PEM.
    authorities: String,
    lists: String,
    depth: usize,
    /// `$ssl_client_verify`.
    expected: &'static str,
}

impl Trial {
    fn new(name: &'static str, client: ClientCertificate, authorities: &[&Authority], expected: &'static str) -> Self {
        let authorities = authorities.iter().map(|authority| authority.pem()).collect();
        Self { name, client, authorities, lists: String::new(), depth: 1, expected }
    }

    fn lists(self, lists: &[String]) -> Self {
        Self { lists: lists.concat(), ..self }
    }

    fn depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    fn verdict(&self) -> Result<Verdict> {
        let der = CertificateDer::pem_slice_iter(self.authorities.as_bytes());
        let authorities = der.map(|der| Ok(der?.to_vec())).collect::<Result<_>>()?;
        let der = CertificateRevocationListDer::pem_slice_iter(self.lists.as_bytes());
        let revocation_lists = der.map(|der| Ok(der?.to_vec())).collect::<Result<_>>()?;
        let settings = ClientVerification {
            authorities,
            revocation_lists,
            verify: VerifyClient::On,
            depth: self.depth,
            error_page: None,
            subject: None,
            forward_certificate: false,
            origin: Origin::new(Subject::other("Secret default/ca"), "data"),
        };
        let verifier = ClientVerifier::compile(&settings).map_err(anyhow::Error::msg)?;
        let chain: Vec<_> = self.client.chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        Ok(verifier.verify(&chain, UnixTime::now()).into())
    }

    /// Whether OpenSSL takes it, set up as nginx does.
    fn openssl(&self, directory: &Path) -> Result<bool> {
        let write = |name: &str, text: &str| -> Result<String> {
            let path = directory.join(name);
            fs::write(&path, text)?;
            Ok(path.to_str().context("a path in UTF-8")?.to_owned())
        };
        let (leaf, along) = self.client.chain.split_first().context("a certificate")?;
        let along: String = along.iter().map(|der| pem(der)).collect();
        let mut command = Command::new("openssl");
        let depth = self.depth.to_string();
        command.args(["verify", "-no-CApath", "-no-CAstore", "-purpose", "sslclient", "-verify_depth", &depth]);
        command.args(["-CAfile", &write("ca.pem", &self.authorities)?]);
        if !along.is_empty() {
            command.args(["-untrusted", &write("along.pem", &along)?]);
        }
        if !self.lists.is_empty() {
            command.args(["-crl_check_all", "-CRLfile", &write("lists.pem", &self.lists)?]);
        }
        Ok(command.arg(write("leaf.pem", &pem(leaf))?).output()?.status.success())
    }
}

fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn uses(usages: &[KeyUsagePurpose]) -> Result<CertificateParams> {
    let mut params = named("client")?;
    params.key_usages = usages.to_vec();
    Ok(params)
}

fn as_authority(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn with_uses(purpose: ExtendedKeyUsagePurpose) -> Result<CertificateParams> {
    Ok(for_uses(named("client")?, &[purpose]))
}

#[test]
fn certificates_are_judged_as_openssl_does() -> Result<()> {
    const SUCCESS: &str = "SUCCESS";
    const UNKNOWN: &str = "FAILED:unable to verify the first certificate";
    const PURPOSE: &str = "FAILED:unsuitable certificate purpose";
    const NO_LIST: &str = "FAILED:unable to get certificate CRL";
    let (root, other, old) = (root("root")?, root("other")?, expired_root("old")?);
    let first = intermediate("first", &root)?;
    let second = intermediate("second", &first)?;
    let client = || named("client");
    let (pinned, pinned_pem) = self_signed(&client()?)?;
    let (pinned_ca, pinned_ca_pem) = self_signed(&as_authority(client()?))?;
    let listed = |trial: Trial, pem: &str| Trial { authorities: pem.to_owned(), ..trial };
    let none_revoked = |issuer| revoking(&[], issuer, false);
    let trials = [
        Trial::new("direct", issued(&client()?, &root, &[])?, &[&root], SUCCESS),
        Trial::new("with its root", issued(&client()?, &root, &[&root])?, &[&root], SUCCESS),
        Trial::new("one of two roots", issued(&client()?, &root, &[])?, &[&other, &root], SUCCESS),
        Trial::new("foreign", issued(&client()?, &other, &[])?, &[&root], UNKNOWN),
        Trial::new(
            "foreign with its root",
            issued(&client()?, &other, &[&other])?,
            &[&root],
            "FAILED:self-signed certificate in certificate chain",
        ),
        Trial::new("self-signed", self_signed(&client()?)?.0, &[&root], "FAILED:self-signed certificate"),
        Trial::new("expired", issued(&expired(client()?), &root, &[])?, &[&root], "FAILED:certificate has expired"),
        Trial::new("expired root", issued(&client()?, &old, &[])?, &[&old], "FAILED:certificate has expired"),
        Trial::new("through an intermediate", issued(&client()?, &first, &[&first])?, &[&root], SUCCESS),
        Trial::new("intermediate in the Secret", issued(&client()?, &first, &[])?, &[&first, &root], SUCCESS),
        Trial::new("intermediate missing", issued(&client()?, &first, &[])?, &[&root], UNKNOWN),
        Trial::new(
            "too deep",
            issued(&client()?, &second, &[&second, &first])?,
            &[&root],
            "FAILED:certificate chain too long",
        ),
        Trial::new("deep enough", issued(&client()?, &second, &[&second, &first])?, &[&root], SUCCESS).depth(2),
        Trial::new("out of order", issued(&client()?, &second, &[&first, &second])?, &[&root], SUCCESS).depth(2),
        Trial::new(
            "for clients",
            issued(&with_uses(ExtendedKeyUsagePurpose::ClientAuth)?, &root, &[])?,
            &[&root],
            SUCCESS,
        ),
        Trial::new(
            "for servers",
            issued(&with_uses(ExtendedKeyUsagePurpose::ServerAuth)?, &root, &[])?,
            &[&root],
            PURPOSE,
        ),
        Trial::new("for anything", issued(&with_uses(ExtendedKeyUsagePurpose::Any)?, &root, &[])?, &[&root], PURPOSE),
        Trial::new("to sign", issued(&uses(&[KeyUsagePurpose::DigitalSignature])?, &root, &[])?, &[&root], SUCCESS),
        Trial::new("to encrypt", issued(&uses(&[KeyUsagePurpose::KeyEncipherment])?, &root, &[])?, &[&root], PURPOSE),
        Trial::new("an authority's", issued(&as_authority(client()?), &root, &[])?, &[&root], SUCCESS),
        listed(Trial::new("pinned", pinned, &[], SUCCESS), &pinned_pem),
        listed(Trial::new("pinned authority", pinned_ca, &[], SUCCESS), &pinned_ca_pem),
        Trial::new("revoked", issued(&numbered(client()?, 7), &root, &[])?, &[&root], "FAILED:certificate revoked")
            .lists(&[revoking(&[7], &root, false)?]),
        Trial::new("not revoked", issued(&numbered(client()?, 8), &root, &[])?, &[&root], SUCCESS).lists(&[revoking(
            &[7],
            &root,
            false,
        )?]),
        Trial::new("list expired", issued(&client()?, &root, &[])?, &[&root], "FAILED:CRL has expired")
            .lists(&[revoking(&[], &root, true)?]),
        Trial::new("list of another", issued(&client()?, &root, &[])?, &[&root], NO_LIST)
            .lists(&[none_revoked(&other)?]),
        Trial::new("list of one of two", issued(&client()?, &first, &[&first])?, &[&root], NO_LIST)
            .lists(&[none_revoked(&root)?]),
        Trial::new("lists of both", issued(&client()?, &first, &[&first])?, &[&root], SUCCESS)
            .lists(&[none_revoked(&root)?, none_revoked(&first)?]),
        Trial::new(
            "an authority's, revoked",
            issued(&numbered(as_authority(client()?), 7), &root, &[])?,
            &[&root],
            "FAILED:certificate revoked",
        )
        .lists(&[revoking(&[7], &root, false)?]),
        Trial::new("an authority's, without a list", issued(&as_authority(client()?), &root, &[])?, &[&root], NO_LIST)
            .lists(&[none_revoked(&other)?]),
        Trial::new(
            "an authority's, expired",
            issued(&expired(as_authority(client()?)), &root, &[])?,
            &[&root],
            "FAILED:certificate has expired",
        ),
        Trial::new(
            "a forged root",
            issued(&client()?, &super::authority::root("root")?, &[])?,
            &[&root],
            "FAILED:certificate signature failure",
        ),
    ];
    for trial in trials {
        let directory = tempfile::tempdir()?;
        let name = trial.name;
        assert_eq!(trial.verdict()?.text(), trial.expected, "{name}");
        assert_eq!(trial.openssl(directory.path())?, trial.expected == SUCCESS, "OpenSSL: {name}");
    }
    Ok(())
}

/// Who is believed alone must not let in others by issuing certificates.
#[test]
fn a_pinned_certificate_issues_none() -> Result<()> {
    let key = rcgen::KeyPair::generate()?;
    let pinned = rcgen::CertifiedIssuer::self_signed(named("pinned")?, key)?;
    let trial = Trial::new("issued by a pinned one", issued(&named("admin")?, &pinned, &[])?, &[&pinned], "");
    assert!(matches!(trial.verdict()?, Verdict::Failed(_)));
    assert!(!trial.openssl(tempfile::tempdir()?.path())?);
    Ok(())
}

/// Certificates of version 1, which `openssl x509 -req` has made for years, and the example of ingress-nginx with it.
const VERSION_1: &str = include_str!("version-1.pem");

#[tokio::test]
async fn a_certificate_of_version_1_comes_in() -> Result<()> {
    let blocks: Vec<_> = VERSION_1.split_inclusive("-----END CERTIFICATE-----\n").collect();
    let [authority, leaf, key] = blocks.as_slice() else { anyhow::bail!("{} blocks", blocks.len()) };
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes())?;
    let chain = vec![CertificateDer::from_pem_slice(leaf.as_bytes())?.to_vec()];
    let client = ClientCertificate { chain, key: key.secret_pkcs8_der().to_vec() };
    let ca = secret("ca", &json!({"ca.crt": *authority}));
    let adit = start([certificate(HOST)?, ingress(HOST, &[super::world::SECRET]), ca]).await?;
    let answer = ask_every_way(&adit, Some(&client)).await?;
    assert_eq!((answer.status, super::world::subject(&answer)?), (200, "CN=Version 1"));
    let (other, _) = guarded(&[]).await?;
    assert_eq!(ask_every_way(&other, Some(&client)).await?.status, 400);
    Ok(())
}

/// What is wrong with a certificate costs a page, not the handshake.
#[tokio::test]
async fn the_handshake_succeeds_whatever_is_wrong() -> Result<()> {
    let authority = root("authority")?;
    let objects = [
        certificate(HOST)?,
        ingress(HOST, &[super::world::SECRET]),
        authorities(&[&authority], Some(&revoking(&[7], &authority, false)?)),
    ];
    let adit = start(objects).await?;
    let good = issued(&numbered(named("client")?, 8), &authority, &[])?;
    assert_eq!(ask_every_way(&adit, Some(&good)).await?.status, 200);
    let junk = ClientCertificate { chain: vec![good.chain[0].clone(), b"no certificate".to_vec()], ..good.clone() };
    assert_eq!(ask(&adit, Some(&junk)).await?.status, 200, "what is sent along is not needed");
    for bad in [
        issued(&numbered(named("client")?, 7), &authority, &[])?,
        issued(&numbered(expired(named("client")?), 8), &authority, &[])?,
        issued(&with_uses(ExtendedKeyUsagePurpose::ServerAuth)?, &authority, &[])?,
        issued(&named("client")?, &root("another")?, &[])?,
        self_signed(&named("client")?)?.0,
    ] {
        assert_eq!(ask_every_way(&adit, Some(&bad)).await?.status, 400);
    }
    Ok(())
}
