//! FastCGI: what programs are told, and what becomes of what they answer. [`php`] is a real one.

mod bad_programs;
mod bodies;
mod php;
mod php_fpm;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tests::adit::{Adit, annotated};
use tests::backend::{accept, answering, refusing};
use tests::client::Response;
use tests::connection::Connection;
use tests::fastcgi::{Params, body, end, output, param, params};
use tests::http2::Http2;
use tests::wire::header;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const FCGI: (&str, &str) = ("backend-protocol", "FCGI");
const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Starts a program that runs `script` for each request, once it has read all of it.
async fn program<S, F>(script: S) -> Result<SocketAddr>
where
    S: Fn(Params, Vec<u8>, TcpStream) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    accept(move |_, mut stream| {
        let script = script.clone();
        async move {
            let (params, body) = (params(&mut stream).await?, body(&mut stream).await?);
            script(params, body, stream).await
        }
    })
    .await
}

/// A program that gives every request these records, and closes the connection.
async fn saying(records: Vec<u8>) -> Result<SocketAddr> {
    program(move |_, _, mut stream| {
        let records = records.clone();
        async move { Ok(stream.write_all(&records).await?) }
    })
    .await
}

/// A program that answers with the params, as JSON, and the length of the body.
async fn mirror() -> Result<SocketAddr> {
    program(|params, body, mut stream| async move {
        let names: BTreeMap<_, _> = params.iter().map(|(name, _)| (name, param(&params, name))).collect();
        let text = json!({"params": names, "body": body.len()}).to_string();
        Ok(stream.write_all(&[output(format!("Content-Type: application/json\n\n{text}")), end()].concat()).await?)
    })
    .await
}

/// Manifests for an Ingress with these annotations, with the ConfigMap `params`.
fn with_params(annotations: &[(&str, &str)], backend: SocketAddr, config: &Value, params: &Value) -> String {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "params"}, "data": params});
    let annotations = [annotations, &[FCGI, ("fastcgi-params-configmap", "params")]].concat();
    format!("{}---\n{map}\n", annotated(&annotations, &[backend], config))
}

async fn adit(program: SocketAddr) -> Result<Adit> {
    Adit::start(&annotated(&[FCGI], &[program], &json!({}))).await
}

async fn ask(client: &mut Connection, request: &str) -> Result<Response> {
    client.send(request).await?;
    client.response(request.split(' ').next().unwrap_or_default()).await
}

/// The params that a [`mirror`] shows.
fn seen(response: &Response) -> Result<Value> {
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    Ok(serde_json::from_slice(&response.body)?)
}

#[tokio::test]
async fn a_program_is_told_what_nginx_tells_it() -> Result<()> {
    let adit = adit(mirror().await?).await?;
    let mut client = adit.connect().await?;
    let request =
        "GET /a%20b//c.php?x=%2f HTTP/1.1\r\nHost: h\r\nContent-Type: text/x\r\nAccept: a\r\naccept: b\r\n\r\n";
    let seen = seen(&ask(&mut client, request).await?)?;
    let expected = json!({
        "QUERY_STRING": "x=%2f",
        "REQUEST_METHOD": "GET",
        "CONTENT_TYPE": "text/x",
        "CONTENT_LENGTH": "",
        "SCRIPT_NAME": "/a b/c.php",
        "REQUEST_URI": "/a%20b//c.php?x=%2f",
        "DOCUMENT_URI": "/a b/c.php",
        "DOCUMENT_ROOT": "/usr/local/nginx/html",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_SCHEME": "http",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "nginx (adit)",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_ADDR": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_NAME": "h",
        "REDIRECT_STATUS": "200",
        "HTTP_HOST": "h",
        "HTTP_CONTENT_TYPE": "text/x",
        "HTTP_ACCEPT": "a, b",
        "HTTP_X_REAL_IP": "127.0.0.1",
        "HTTP_X_FORWARDED_PROTO": "http",
    });
    for (name, value) in expected.as_object().context("an object")? {
        assert_eq!(&seen["params"][name], value, "{name}");
    }
    for name in ["HTTPS", "HTTP_CONNECTION", "SCRIPT_FILENAME", "PATH_INFO", "REMOTE_USER"] {
        assert_eq!(seen["params"][name], Value::Null, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn params_of_a_config_map_replace_others_and_headers() -> Result<()> {
    let params = json!({
        "SCRIPT_FILENAME": "/srv$fastcgi_script_name",
        "REDIRECT_STATUS": "",
        "HTTPS": "on",
        "HTTP_X_MINE": "ours",
        "X": "$document_root|${fastcgi_path_info}|$arg_a|$args|$content_length|$http_x_mine",
    });
    let config = json!({});
    let annotations = [("fastcgi-index", "index.php")];
    let adit = Adit::start(&with_params(&annotations, mirror().await?, &config, &params)).await?;
    let mut client = adit.connect().await?;
    let request = "POST /blog/?a=b HTTP/1.1\r\nHost: h\r\nX-Mine: theirs\r\nContent-Length: 2\r\n\r\nhi";
    let seen = seen(&ask(&mut client, request).await?)?;
    for (name, value) in [
        ("SCRIPT_FILENAME", "/srv/blog/index.php"),
        ("SCRIPT_NAME", "/blog/index.php"),
        ("DOCUMENT_URI", "/blog/"),
        ("REDIRECT_STATUS", ""),
        ("HTTPS", "on"),
        ("HTTP_X_MINE", "ours"),
        ("X", "/usr/local/nginx/html||b|a=b|2|theirs"),
    ] {
        assert_eq!(seen["params"][name], value, "{name}");
    }
    Ok(())
}

/// A client chooses no param that is ours, nor any by another spelling.
#[tokio::test]
async fn clients_cannot_forge_params() -> Result<()> {
    let config = json!({"enable-underscores-in-headers": "true", "ignore-invalid-headers": "false"});
    let params = json!({"SCRIPT_FILENAME": "/srv$fastcgi_script_name"});
    let adit = Adit::start(&with_params(&[], mirror().await?, &config, &params)).await?;
    let mut client = adit.connect().await?;
    let request = "GET /../a/%2e%2e/b.php HTTP/1.1\r\nHost: h\r\nProxy: http://evil/\r\nX_Real_IP: 6.6.6.6\r\n\
                   X-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX.Real.IP: 6.6.6.6\r\n\
                   ssl_client_verify: SUCCESS\r\nSsl-Client-Verify: SUCCESS\r\nTransfer_Encoding: x\r\n\
                   Connection: X-Hop\r\nX-Hop: 1\r\nX-Stays: 1\r\n\r\n";
    assert_eq!(ask(&mut client, request).await?.status, 400, "above the root");
    let mut client = adit.connect().await?;
    let seen = seen(&ask(&mut client, &request.replace("/../a", "/a")).await?)?;
    for name in ["HTTP_PROXY", "HTTP_SSL_CLIENT_VERIFY", "HTTP_TRANSFER_ENCODING", "HTTP_CONNECTION", "HTTP_X_HOP"] {
        assert_eq!(seen["params"][name], Value::Null, "{name}");
    }
    for (name, value) in [
        ("HTTP_X_REAL_IP", "127.0.0.1"),
        ("HTTP_X_FORWARDED_FOR", "127.0.0.1"),
        ("HTTP_X_STAYS", "1"),
        ("SCRIPT_FILENAME", "/srv/b.php"),
    ] {
        assert_eq!(seen["params"][name], value, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_rewrite_changes_the_script_and_leads_out_of_no_directory() -> Result<()> {
    let annotations = [("rewrite-target", "/index.php/$1"), ("use-regex", "true"), FCGI];
    let manifests = annotated(&annotations, &[mirror().await?], &json!({}));
    let adit = Adit::start(&manifests.replace("\"path\":\"/\"", "\"path\":\"/app(.*)\"")).await?;
    let mut client = adit.connect().await?;
    let seen = seen(&ask(&mut client, "GET /appx?y=1 HTTP/1.1\r\nHost: h\r\n\r\n").await?)?;
    assert_eq!(seen["params"]["SCRIPT_NAME"], "/index.php/x");
    assert_eq!(seen["params"]["REQUEST_URI"], "/appx?y=1");
    assert_eq!(seen["params"]["QUERY_STRING"], "y=1");
    // Neither is an element of the path that the client sends.
    let response = ask(&mut client, "GET /app..%2Fx HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(response.status, 400);
    Ok(())
}

#[tokio::test]
async fn the_status_and_the_headers_are_the_programs() -> Result<()> {
    for (head, status, headers) in [
        ("Content-Type: a/b\n\n", 200, vec![("content-type", Some("a/b"))]),
        ("Status: 404 Not Found\r\nX-A: 1\r\nX-A: 2\r\n\r\n", 404, vec![("x-a", Some("1, 2")), ("status", None)]),
        ("Location: /elsewhere\n\n", 302, vec![("location", Some("/elsewhere"))]),
        ("Status: 201\nLocation: http://h/new\n\n", 201, vec![("location", Some("http://h/new"))]),
        (
            "Transfer-Encoding: chunked\nX-Accel-Expires: 1\nConnection: x\nX: y\n\n",
            200,
            vec![("x-accel-expires", None), ("x", None)],
        ),
    ] {
        let adit = adit(saying([output(head), output("body"), end()].concat()).await?).await?;
        let mut client = adit.connect().await?;
        for _ in 0..2 {
            let response = ask(&mut client, GET).await?;
            assert_eq!((response.status, &*response.body), (status, &b"body"[..]), "{head:?}");
            for (name, value) in &headers {
                assert_eq!(header(&response.headers, name).as_deref(), *value, "{head:?} {name}");
            }
        }
        let response = Http2::open(adit.address()?).await?.get("http://h/").await?;
        assert_eq!((response.status, &*response.body), (status, &b"body"[..]), "{head:?} over HTTP/2");
        let response = ask(&mut client, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
        assert_eq!((response.status, response.body.len()), (status, 0), "{head:?}");
    }
    Ok(())
}

#[tokio::test]
async fn another_endpoint_is_tried_where_one_cannot_be_reached() -> Result<()> {
    let (_taken, refusing) = refusing()?;
    let adit = Adit::start(&annotated(&[FCGI], &[refusing, mirror().await?], &json!({}))).await?;
    let mut client = adit.connect().await?;
    for _ in 0..2 {
        let post = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        assert_eq!(seen(&ask(&mut client, post).await?)?["body"], 2);
    }
    Ok(())
}

/// The backend of errors speaks HTTP.
#[tokio::test]
async fn errors_of_a_program_can_have_pages_of_another_backend() -> Result<()> {
    let pages = answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage").await?;
    let manifests = |program| {
        let errors = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "errors"}, "spec": {"ports": [{"port": 80}]}});
        let slice = tests::adit::slice("errors", 0, pages);
        let annotations = [FCGI, ("custom-http-errors", "404,502"), ("default-backend", "errors")];
        format!("{}---\n{errors}\n---\n{slice}\n", annotated(&annotations, &[program], &json!({})))
    };
    for program in [saying([output("Status: 404\n\nown"), end()].concat()).await?, saying(Vec::new()).await?] {
        let adit = Adit::start(&manifests(program)).await?;
        let mut client = adit.connect().await?;
        for _ in 0..2 {
            assert_eq!(ask(&mut client, GET).await?.body, b"page");
        }
    }
    Ok(())
}

#[tokio::test]
async fn params_have_a_bound() -> Result<()> {
    let params: BTreeMap<_, _> = (0..16).map(|number| (format!("P{number}"), "$request_uri$request_uri")).collect();
    let adit = Adit::start(&with_params(&[], mirror().await?, &json!({}), &json!(params))).await?;
    let mut client = adit.connect().await?;
    let request = |length| format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(length));
    assert_eq!(ask(&mut client, &request(100)).await?.status, 200);
    assert_eq!(ask(&mut client, &request(4000)).await?.status, 500);
    Ok(())
}

/// The access log and the metrics have a program's answers as those of any backend.
#[tokio::test]
async fn requests_are_logged_and_counted() -> Result<()> {
    let program = saying([output("Status: 404\nContent-Length: 3\n\nown"), end()].concat()).await?;
    let config = json!({"log-format-upstream": "$status $upstream_addr $upstream_status $upstream_response_length $fastcgi_script_name"});
    let (adit, mut log) = Adit::start_logging(&annotated(&[FCGI], &[program], &config)).await?;
    let mut client = adit.connect().await?;
    assert_eq!(ask(&mut client, "GET /a%20b HTTP/1.1\r\nHost: h\r\n\r\n").await?.status, 404);
    assert_eq!(log.recv().await.context("a line")?.trim_end(), format!("404 {program} 404 3 /a b"));
    let metrics = adit.metrics().await?;
    let counted = metrics
        .lines()
        .find(|line| line.starts_with("nginx_ingress_controller_requests{") && line.contains("status=\"404\""));
    assert!(counted.is_some_and(|line| line.ends_with(" 1")), "{counted:?}");
    Ok(())
}
