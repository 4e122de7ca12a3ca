//! Servers of HTTP: bodies and connections.

use super::{OK, ask, route};
use anyhow::Result;
use serde_json::json;
use tests::adit::{Adit, documents};
use tests::backend::scripted;
use tests::recorder::recorded_answering;

const DENIED: &str = "HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\ndenied";

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn the_firewall_inspects_a_body_that_the_auth_server_has_got() -> Result<()> {
    let (backend, forwarded) = recorded_answering(OK).await?;
    let (auth, asked) = recorded_answering(OK).await?;
    let mut objects = route("HTTP", &json!({"forwardBody": {"maxSize": 100_000}}), backend, auth);
    let rules = "SecRuleEngine On\nSecRule ARGS \"@contains evil\" \"id:7,phase:2,deny,status:406\"";
    objects[2]["spec"]["rules"][0]["filters"].as_array_mut().into_iter().for_each(|filters| {
        let reference = json!({"group": "adit.dev", "kind": "AditPolicy", "name": "waf"});
        filters.push(json!({"type": "ExtensionRef", "extensionRef": reference}));
    });
    objects.push(json!({"apiVersion": "adit.dev/v1alpha1", "kind": "AditPolicy", "metadata": {"name": "waf"},
        "spec": {"enableModsecurity": true, "modsecuritySnippet": rules}}));
    let allowed = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    let config = json!({"namespace": "adit", "name": "adit"});
    objects.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": config, "data": allowed}));
    let adit = Adit::start(&documents(objects)).await?;
    // Longer than what is read or kept in one piece.
    let long = "x".repeat(90_000);
    for (word, status) in [("evil", 406), ("good", 200)] {
        let mut connection = adit.connect().await?;
        let response = ask(&mut connection, &post(&format!("a={long}&b={word}"))).await?;
        assert_eq!(response.status, status, "{word}");
        assert!(asked.all().ends_with(&format!("&b={word}")), "the auth server is asked before");
    }
    let forwarded = forwarded.all();
    assert!(forwarded.ends_with("&b=good") && !forwarded.contains("evil") && forwarded.len() > 90_000, "{forwarded}");
    Ok(())
}

#[tokio::test]
async fn a_client_is_asked_for_its_body_where_somebody_gets_it() -> Result<()> {
    let (backend, forwarded) = recorded_answering(OK).await?;
    for (fields, is_invited) in [(json!({}), false), (json!({"forwardBody": {"maxSize": 10}}), true)] {
        let (auth, asked) = recorded_answering(DENIED).await?;
        let adit = Adit::start(&documents(route("HTTP", &fields, backend, auth))).await?;
        let mut connection = adit.connect().await?;
        connection.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await?;
        if is_invited {
            assert_eq!(connection.response_head().await?.status, 100);
            connection.send("body").await?;
        }
        let response = connection.response("POST").await?;
        assert_eq!((response.status, &*response.body), (403, &b"denied"[..]), "{fields}");
        let asked = asked.all();
        assert_eq!(asked.ends_with("\r\n\r\nbody"), is_invited, "{asked}");
        assert!(!asked.to_ascii_lowercase().contains("expect"), "{asked}");
    }
    assert_eq!(forwarded.all(), "", "nobody was let in");
    Ok(())
}

#[tokio::test]
async fn a_connection_is_kept_whatever_the_auth_server_answers() -> Result<()> {
    let (backend, _) = recorded_answering(OK).await?;
    for answer in [OK, DENIED, "HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndenied\r\n0\r\n\r\n"] {
        let (auth, asked) = recorded_answering(answer).await?;
        let fields = json!({"forwardBody": {"maxSize": 10}});
        let adit = Adit::start(&documents(route("HTTP", &fields, backend, auth))).await?;
        let mut connection = adit.connect().await?;
        for number in 0..3 {
            let response = ask(&mut connection, &post(&format!("n={number}"))).await?;
            assert!(response.status == 200 || &*response.body == b"denied", "{answer}: {}", response.status);
        }
        assert_eq!(asked.connections().len(), 1, "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_may_end_with_its_connection() -> Result<()> {
    let (backend, _) = recorded_answering(OK).await?;
    let auth = scripted(|_, mut connection| async move {
        if connection.request().await?.is_some() {
            connection.send("HTTP/1.1 403 No\r\n\r\ndenied").await?;
            connection.finish().await?;
        }
        Ok(())
    });
    let adit = Adit::start(&documents(route("HTTP", &json!({}), backend, auth.await?))).await?;
    let mut connection = adit.connect().await?;
    for _ in 0..2 {
        let response = ask(&mut connection, &post("")).await?;
        assert_eq!((response.status, &*response.body), (403, &b"denied"[..]));
    }
    Ok(())
}
