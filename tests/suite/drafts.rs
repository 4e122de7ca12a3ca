//! Drafted objects: a request is explained as it would be with them, and nothing that is served changes.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::adit::{Adit, documents, manifests, slice};
use tests::backend::answering;
use tests::client::Response;
use tests::connection::Connection;
use tests::html;

const FORM: &str = "application/x-www-form-urlencoded";
const EXPLAIN: &str = "/debug/explain?url=http://h/cart";

/// An Ingress of the host `h` in place of the one that there is, or beside it.
fn ingress(name: &str, path: &str, service: &str, annotations: &Value) -> Value {
    let backend = json!({"service": {"name": service, "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"rules": [{"host": "h", "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}]},
    })
}

/// The Service `new` with an endpoint.
fn new_service() -> Result<[Value; 2]> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "new"}, "spec": {"ports": [{"port": 80}]},
    });
    Ok([service, slice("new", 0, "127.0.0.1:1".parse()?)])
}

async fn post(adit: &Adit, target: &str, headers: &str, body: &str) -> Result<Response> {
    let mut connection = Connection::open(adit.admin_address()?).await?;
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\r\nHost: localhost:10254\r\nContent-Length: {length}\r\n{headers}\r\n");
    connection.send(head + body).await?;
    connection.response("POST").await
}

/// What the draft makes of `GET http://h/cart`.
async fn explained(adit: &Adit, draft: &str) -> Result<Value> {
    let response = post(adit, EXPLAIN, "", draft).await?;
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    Ok(serde_json::from_slice(&response.body)?)
}

#[tokio::test]
async fn a_draft_is_put_over_what_is_served_and_changes_nothing() -> Result<()> {
    let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
    let adit = Adit::start(&manifests(&[backend], &json!({}))).await?;
    let cart = ingress("cart", "/cart", "new", &json!({}));
    let explanation = explained(&adit, &documents(new_service()?.into_iter().chain([cart]))).await?;
    assert_eq!(explanation["action"]["forward"]["backend"], "default/new:80", "{explanation}");
    let draft = &explanation["draft"];
    assert_eq!(draft["now"]["forward"]["backend"], "default/backend:80", "{draft}");
    let objects = draft["objects"].as_array().context("a list")?;
    assert!(
        objects.contains(&json!("Ingress default/cart")) && objects.contains(&json!("Service default/new")),
        "{draft}"
    );
    assert_eq!(draft["diagnostics"], json!([]), "{draft}");

    // In place of the one of its name: what it served is gone.
    let other = explained(&adit, &documents([ingress("h", "/other", "backend", &json!({}))])).await?;
    assert_eq!(other["action"]["reply"]["status"], 404, "{other}");

    let mut connection = adit.connect().await?;
    connection.send("GET /cart HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(connection.response("GET").await?.status, 200);
    let mut connection = Connection::open(adit.admin_address()?).await?;
    connection.send(format!("GET {EXPLAIN} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await?;
    let now: Value = serde_json::from_slice(&connection.response("GET").await?.body)?;
    assert_eq!((&now["action"], &now["draft"]), (&draft["now"], &Value::Null));
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_draft_is_said() -> Result<()> {
    let adit = Adit::start(&manifests(&["127.0.0.1:1".parse()?], &json!({}))).await?;
    let misspelt = json!({"nginx.ingress.kubernetes.io/proxy-read-timeut": "30"});
    let explanation = explained(&adit, &documents([ingress("cart", "/cart", "missing", &misspelt)])).await?;
    let facts = explanation["draft"]["diagnostics"].to_string();
    assert!(facts.contains("proxy-read-timeut") && facts.contains("missing"), "{facts}");
    assert_eq!(explanation["action"]["reply"]["status"], 503, "{explanation}");
    let nothing = documents([json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}})]);
    for (draft, part) in [("", "no object"), (&*nothing, "no object of a kind that Adit reads"), ("a: [", "draft")] {
        let response = post(&adit, EXPLAIN, "", draft).await?;
        let said = String::from_utf8(response.body)?;
        assert!(response.status == 400 && said.contains(part), "{draft:?}: {} {said}", response.status);
    }
    Ok(())
}

#[tokio::test]
async fn the_page_has_a_form_for_drafts() -> Result<()> {
    let adit = Adit::start(&manifests(&["127.0.0.1:1".parse()?], &json!({}))).await?;
    let draft = documents(new_service()?.into_iter().chain([ingress("cart", "/cart", "new", &json!({}))]));
    let pairs = [("url", "http://h/cart"), ("method", "GET"), ("headers", ""), ("objects", &*draft)];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let own = format!("Content-Type: {FORM}\r\nOrigin: http://localhost:10254\r\n");
    let response = post(&adit, "/dashboard/why", &own, &form).await?;
    let page = String::from_utf8(response.body)?;
    assert_eq!(response.status, 200, "{page}");
    let text = html::text(&page);
    for part in [
        "As it would be with",
        "Ingress default/cart",
        "forwarded to default/new:80",
        "forwarded to default/backend:80",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let foreign = own.replace("localhost:10254", "attacker.example");
    assert_eq!(post(&adit, "/dashboard/why", &foreign, &form).await?.status, 403);
    assert_eq!(post(&adit, EXPLAIN, &foreign, &draft).await?.status, 403);
    for target in ["/dashboard/", "/dashboard/hosts", "/debug/table", "/metrics"] {
        assert_eq!(post(&adit, target, &own, &form).await?.status, 405, "{target}");
    }
    assert_eq!(post(&adit, EXPLAIN, "", &"#".repeat((256 << 10) + 1)).await?.status, 413);
    Ok(())
}
