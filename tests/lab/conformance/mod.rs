//! The public conformance suites: [`gateway_api`] runs that of Gateway API, and [`gateway_services`] beside it what that does not
//! show of Gateways with Services of their own.
//!
//! The scenarios of ingress-controller-conformance, 30 executions in 5 features, against ports 80 and 443 of the first
//! address in the status. The suite expects Ingress v1 to the letter, so 30 of 30 are of `path-matching: strict`; what the
//! default mode answers, which is what ingress-nginx does, is told beside it.
//!
//! A feature's namespace, Deployments and Ingress are made once for all its scenarios, and end before the next feature's
//! come: some share hosts, and one has a default backend for everything.

mod background;
mod gateway_api;
mod gateway_services;
mod rows;

use anyhow::{Context as _, Result, ensure};
use background::{Background, ingress, rule};
use rows::Row;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use tests::lab::{Entry, Installed, Manifest, apply, certificate, eventually};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// How the gateway is told to match paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// By the letter of Ingress v1, and with a `Server` header, which the suite asks for.
    Strict,
    /// As it comes.
    Default,
}

/// Executions that passed and that did not, in either mode.
#[derive(Debug, Default)]
struct Score {
    strict: Outcomes,
    default: Outcomes,
}

#[derive(Debug, Default)]
struct Outcomes {
    passed: usize,
    failed: Vec<String>,
}

#[tokio::test]
async fn thirty_executions_of_thirty() -> Result<()> {
    let adit = Installed::own("conformance", Manifest::read("loadbalancer")?).await?;
    adit.assign(json!([{"ip": "203.0.113.10"}])).await?;
    let mut score = Score::default();
    default_backend(&adit, &mut score).await.context("default_backend")?;
    host_rules(&adit, &mut score).await.context("host_rules")?;
    ingress_class(&adit, &mut score).await.context("ingress_class")?;
    load_balancing(&adit, &mut score).await.context("load_balancing")?;
    path_rules(&adit, &mut score).await.context("path_rules")?;
    switch(&adit, Mode::Default).await?;

    let total = score.strict.passed + score.strict.failed.len();
    println!("strict: {} of {total}, default mode: {} of {total}", score.strict.passed, score.default.passed);
    println!("what the default mode answers otherwise:\n{}", score.default.failed.join("\n"));
    ensure!(score.strict.failed.is_empty(), "{}", score.strict.failed.join("\n"));
    ensure!(total == 30, "{total} executions");
    Ok(())
}

async fn default_backend(adit: &Installed, score: &mut Score) -> Result<()> {
    let backend = json!({"service": {"name": "echo-service", "port": {"number": 8080}}});
    let object = ingress(adit, "default-backend", json!({"defaultBackend": backend}));
    let background = Background::create("default_backend", &["echo-service"], 1, &[object]).await?;
    let entry = background.entry("default-backend").await?;
    score.play(adit, "default_backend", &rows::DEFAULT_BACKEND, &entry).await?;
    background.end("default-backend", entry, "my-host").await
}

async fn host_rules(adit: &Installed, score: &mut Score) -> Result<()> {
    let (secret, leaf) = certificate("conformance-tls", "foo.bar.com")?;
    let mut named = rule("foo.bar.com", &[("/", "Prefix", "foo-bar-com")]);
    named["http"]["paths"][0]["backend"]["service"]["port"] = json!({"name": "http"});
    let object = ingress(
        adit,
        "host-rules",
        json!({
            "tls": [{"hosts": ["foo.bar.com"], "secretName": "conformance-tls"}],
            "rules": [rule("*.foo.com", &[("/", "Prefix", "wildcard-foo-com")]), named],
        }),
    );
    let services = ["wildcard-foo-com", "foo-bar-com"];
    let background = Background::create("host_rules", &services, 1, &[secret, object]).await?;
    let entry = background.entry("host-rules").await?;
    shows_certificate(&entry, &leaf).await?;
    score.play(adit, "host_rules", &rows::HOST_RULES, &entry).await?;
    background.end("host-rules", entry, "bar.foo.com").await
}

/// The certificate is the Secret's, whose first name is the host's: self-signed, so that it is the one to verify by.
async fn shows_certificate(entry: &Entry, leaf: &[u8]) -> Result<()> {
    eventually("the certificate of the Secret", async || {
        let (_, shown) = entry.get_tls("foo.bar.com", "/").await?;
        ensure!(shown == leaf, "another certificate");
        let (_, certificate) = X509Certificate::from_der(&shown)?;
        let names = certificate.subject_alternative_name()?.context("no alternative name")?;
        let first = names.value.general_names.first();
        ensure!(matches!(first, Some(GeneralName::DNSName("foo.bar.com"))), "{first:?}");
        Ok(())
    })
    .await
}

/// The suite waits for five minutes; here another Ingress, made later, gets its address in the meantime.
async fn ingress_class(adit: &Installed, score: &mut Score) -> Result<()> {
    let rules = |host| json!([rule(host, &[("/", "Prefix", "echo-service")])]);
    let object =
        ingress(adit, "other", json!({"ingressClassName": "some-invalid-class-name", "rules": rules("other")}));
    let background = Background::create("ingress_class", &["echo-service"], 1, &[object]).await?;
    background.apply(&ingress(adit, "ours", json!({"rules": rules("ours")}))).await?;
    let entry = background.entry("ours").await?;
    for mode in [Mode::Strict, Mode::Default] {
        let status = background.status("other").await?;
        score.count(
            mode,
            "ingress_class: no address",
            (|| {
                ensure!(status.is_empty(), "its status has {status}");
                Ok(())
            })(),
        );
    }
    background.end("ours", entry, "ours").await
}

async fn load_balancing(adit: &Installed, score: &mut Score) -> Result<()> {
    const PODS: u32 = 10;
    let backend = json!({"service": {"name": "echo-service", "port": {"number": 8080}}});
    let object = ingress(adit, "load-balancing", json!({"defaultBackend": backend}));
    let background = Background::create("load_balancing", &["echo-service"], PODS, &[object]).await?;
    let entry = background.entry("load-balancing").await?;
    for mode in [Mode::Strict, Mode::Default] {
        switch(adit, mode).await?;
        let outcome = eventually("every Pod in 100 answers", async || {
            let mut pods = BTreeSet::new();
            for _ in 0..100 {
                pods.insert(entry.get("load-balancing", "/").await?.pod()?);
            }
            ensure!(pods.len() == PODS as usize, "{} Pods", pods.len());
            Ok(())
        })
        .await;
        score.count(mode, "load_balancing: 10 Pods in 100 answers", outcome);
    }
    background.end("load-balancing", entry, "load-balancing").await
}

async fn path_rules(adit: &Installed, score: &mut Score) -> Result<()> {
    let rules = json!([
        rule("exact-path-rules", &[("/foo", "Exact", "foo-exact")]),
        rule(
            "prefix-path-rules",
            &[
                ("/foo", "Prefix", "foo-prefix"),
                ("/aaa/bbb", "Prefix", "aaa-slash-bbb-prefix"),
                ("/aaa", "Prefix", "aaa-prefix")
            ]
        ),
        rule("mixed-path-rules", &[("/foo", "Prefix", "foo-prefix"), ("/foo", "Exact", "foo-exact")]),
        rule(
            "trailing-slash-path-rules",
            &[("/aaa/bbb/", "Prefix", "aaa-slash-bbb-slash-prefix"), ("/foo/", "Exact", "foo-slash-exact")]
        ),
    ]);
    let services = [
        "foo-exact",
        "foo-prefix",
        "aaa-slash-bbb-prefix",
        "aaa-prefix",
        "aaa-slash-bbb-slash-prefix",
        "foo-slash-exact",
    ];
    let object = ingress(adit, "path-rules", json!({"rules": rules}));
    let background = Background::create("path_rules", &services, 1, &[object]).await?;
    let entry = background.entry("path-rules").await?;
    score.play(adit, "path_rules", &rows::PATH_RULES, &entry).await?;
    background.end("path-rules", entry, "prefix-path-rules").await
}

impl Score {
    /// Plays rows in both modes.
    async fn play(&mut self, adit: &Installed, feature: &str, rows: &[Row], entry: &Entry) -> Result<()> {
        for mode in [Mode::Strict, Mode::Default] {
            switch(adit, mode).await?;
            for row in rows {
                let Row { method, scheme, host, path, .. } = row;
                self.count(mode, &format!("{feature}: {method} {scheme}://{host}{path}"), row.play(entry).await);
            }
        }
        Ok(())
    }

    fn count(&mut self, mode: Mode, what: &str, outcome: Result<()>) {
        let outcomes = if mode == Mode::Strict { &mut self.strict } else { &mut self.default };
        match outcome {
            Ok(()) => outcomes.passed += 1,
            Err(error) => {
                let mut line = String::new();
                // Writing to a String does not fail.
                let _ = write!(line, "    {what}: {error:#}");
                outcomes.failed.push(line);
            }
        }
    }
}

/// Has every replica serve in a mode, which shows in whether it names itself.
async fn switch(adit: &Installed, mode: Mode) -> Result<()> {
    let strict = mode == Mode::Strict;
    let data = if strict { json!({"path-matching": "strict", "server-tokens": "true"}) } else { json!({}) };
    let metadata = json!({"name": "adit", "namespace": adit.name});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
    apply(&map.to_string()).await?;
    for entry in adit.pods().await? {
        eventually("the setting in every replica", async || {
            let names_itself = entry.get("nobody.example.com", "/").await?.header("server").is_some();
            ensure!(names_itself == strict, "its Server header is another mode's");
            Ok(())
        })
        .await?;
    }
    Ok(())
}
