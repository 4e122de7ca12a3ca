//! What is refused, in the cases of ingress-nginx's own tests; and that what is allowed is served.

use super::{Answer, Reviewing};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{documents, slice};
use tests::backend::answering;
use tests::connection::Connection;
use tests::objects;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An Ingress for paths of host `h`.
fn ingress(name: &str, annotations: &[(&str, &str)], paths: &[&str]) -> Value {
    let mut ingress = objects::ingress("h", annotations);
    let path = |path: &&str| {
        let mut declared = ingress["spec"]["rules"][0]["http"]["paths"][0].clone();
        declared["path"] = json!(path);
        declared
    };
    let paths: Vec<_> = paths.iter().map(path).collect();
    (ingress["metadata"]["name"], ingress["spec"]["rules"][0]["http"]["paths"]) = (json!(name), json!(paths));
    ingress
}

fn config(data: &Value) -> Value {
    objects::config_map("adit", data)
}

/// What comes of an Ingress beside these objects.
async fn reviewed(there: impl IntoIterator<Item = Value>, ingress: &Value) -> Result<Answer> {
    Reviewing::start(&documents(there)).await?.create(ingress).await
}

#[track_caller]
fn assert_refused(answer: &Answer, message: &str) {
    assert!(!answer.allowed && answer.message.contains(message), "{message}: {answer:?}");
}

#[tokio::test]
async fn v01_a_path_of_another_ingress_is_refused() -> Result<()> {
    let answer = reviewed([ingress("first-ingress", &[], &["/"])], &ingress("second", &[], &["/"])).await?;
    assert_refused(&answer, r#"host "h" and path "/" is already defined in ingress default/first-ingress"#);
    Ok(())
}

#[tokio::test]
async fn v02_one_of_several_paths_is_enough() -> Result<()> {
    let first = ingress("first-ingress", &[], &["/safe-path-1", "/conflict-path"]);
    let answer = reviewed([first], &ingress("second", &[], &["/safe-path-2", "/conflict-path"])).await?;
    assert_refused(
        &answer,
        r#"host "h" and path "/conflict-path" is already defined in ingress default/first-ingress"#,
    );
    Ok(())
}

#[tokio::test]
async fn v03_a_canary_is_accepted() -> Result<()> {
    let canary = ingress("second", &[("canary", "true"), ("canary-by-header", "X")], &["/"]);
    let answer = reviewed([ingress("first-ingress", &[], &["/"])], &canary).await?;
    assert!(answer.allowed, "{answer:?}");
    Ok(())
}

async fn refuses_a_blocked_word(word: &str, value: &str) -> Result<()> {
    let blocking = config(&json!({"annotation-value-word-blocklist": word}));
    let answer = reviewed([blocking], &ingress("one", &[("connection-proxy-header", value)], &["/"])).await?;
    assert_refused(&answer, "connection-proxy-header");
    assert_refused(&answer, &format!("{word:?}, which the ConfigMap's annotation-value-word-blocklist forbids"));
    Ok(())
}

#[tokio::test]
async fn v05_a_blocked_character_is_refused() -> Result<()> {
    refuses_a_blocked_word("}", "a;}").await
}

#[tokio::test]
async fn v06_a_blocked_word_is_refused() -> Result<()> {
    refuses_a_blocked_word("set_by_lua", "set_by_lua").await
}

async fn is_accepted_and_served(ingress: Value) -> Result<()> {
    let backend = answering(OK).await?;
    let service = [objects::backend(), slice("backend", 0, backend)];
    let mut reviewing = Reviewing::start(&documents(service.clone())).await?;
    let answer = reviewing.create(&ingress).await?;
    assert!(answer.allowed && answer.warnings == "[]", "{answer:?}");
    reviewing.adit.replace(&documents(service.into_iter().chain([ingress]))).await?;
    assert_eq!(status(reviewing.adit.address()?).await?, 200);
    Ok(())
}

async fn status(address: SocketAddr) -> Result<u16> {
    let mut connection = Connection::open(address).await?;
    connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    Ok(connection.response("GET").await?.status)
}

#[tokio::test]
async fn v08_what_is_valid_is_accepted_and_served() -> Result<()> {
    let mut ingress = ingress("one", &[], &["/"]);
    ingress["spec"]["ingressClassName"] = json!("nginx");
    is_accepted_and_served(ingress).await
}

#[tokio::test]
async fn v09_the_class_may_be_an_annotation() -> Result<()> {
    let mut ingress = ingress("one", &[], &["/"]);
    ingress["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": "nginx"});
    is_accepted_and_served(ingress).await
}

#[tokio::test]
async fn v12_a_snippet_is_refused_in_the_words_of_ingress_nginx() -> Result<()> {
    let answer = reviewed([], &ingress("one", &[("configuration-snippet", "return 200;")], &["/"])).await?;
    assert_refused(
        &answer,
        "nginx.ingress.kubernetes.io/configuration-snippet annotation cannot be used. Snippet directives are disabled by \
         the Ingress administrator",
    );
    Ok(())
}

#[tokio::test]
async fn v17_an_auth_url_with_a_directive_is_refused() -> Result<()> {
    let answer = reviewed([], &ingress("one", &[("auth-url", "http://x/\";}\n evil")], &["/"])).await?;
    assert_refused(&answer, "auth-url");
    Ok(())
}

#[tokio::test]
async fn v20_a_subject_must_start_with_cn() -> Result<()> {
    let annotations = [("auth-tls-secret", "default/ca"), ("auth-tls-match-cn", "foo")];
    let answer = reviewed([], &ingress("one", &annotations, &["/"])).await?;
    assert_refused(&answer, r#"auth-tls-match-cn]: "foo" is not valid: expected "CN=""#);
    Ok(())
}

#[tokio::test]
async fn risk_levels_and_path_types_hold() -> Result<()> {
    let low = || config(&json!({"annotations-risk-level": "Low"}));
    let answer = reviewed([low()], &ingress("one", &[("rewrite-target", "/x")], &["/"])).await?;
    assert_refused(&answer, "has the risk level Medium");
    let answer = reviewed([], &ingress("one", &[], &["/a(b)"])).await?;
    assert_refused(&answer, r#"spec.rules[0].http.paths[0].path: "/a(b)" contains characters"#);
    let lax = config(&json!({"strict-validate-path-type": "false"}));
    assert!(reviewed([lax], &ingress("one", &[], &["/a(b)"])).await?.allowed);
    Ok(())
}

/// What is served now counts: the webhook follows the objects.
#[tokio::test]
async fn a_path_is_free_once_its_ingress_is_gone() -> Result<()> {
    let (first, second) = (ingress("first", &[], &["/"]), ingress("second", &[], &["/"]));
    let mut reviewing = Reviewing::start(&documents([first])).await?;
    ensure!(!reviewing.create(&second).await?.allowed);
    reviewing.adit.replace("").await?;
    ensure!(reviewing.create(&second).await?.allowed);
    let metrics = reviewing.adit.metrics().await?;
    for (outcome, count) in [("refused", 1), ("allowed", 1)] {
        let is_counted = |line: &str| {
            line.starts_with("adit_admission_reviews_total{")
                && line.contains(&format!("outcome=\"{outcome}\""))
                && line.ends_with(&format!(" {count}"))
        };
        assert!(metrics.lines().any(is_counted), "{outcome}: {metrics}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_value_of_the_configmap_is_refused_and_harms_nobody() -> Result<()> {
    let backend = answering(OK).await?;
    let objects = |data: &Value| {
        documents([objects::backend(), slice("backend", 0, backend), ingress("one", &[], &["/"]), config(data)])
    };
    let mut reviewing = Reviewing::start(&objects(&json!({"whitelist-source-range": "127.0.0.0/8"}))).await?;
    let wrong = json!({"whitelist-source-range": "127.0.0.1/99"});
    let answer = reviewing.create(&config(&wrong)).await?;
    assert_refused(
        &answer,
        "ConfigMap adit/adit: data.whitelist-source-range: \"127.0.0.1/99\" is not valid: expected IP",
    );
    // As if nobody had asked.
    reviewing.adit.replace(&objects(&wrong)).await?;
    assert_eq!(status(reviewing.adit.address()?).await?, 200);
    let metrics = reviewing.adit.metrics().await?;
    let is_told = |line: &str| line.starts_with("adit_configmap_invalid_values{") && line.ends_with(" 1");
    assert!(metrics.lines().any(is_told), "{metrics}");
    // Who starts with it knows nothing that was right.
    let fresh = Reviewing::start(&objects(&wrong)).await?;
    assert_eq!(status(fresh.adit.address()?).await?, 503);
    Ok(())
}
