//! PHP behind Adit, as people run it.

use super::php_fpm::PhpFpm;
use super::{ask, with_params};
use crate::ADIT;
use anyhow::Result;
use bytes::Bytes;
use serde_json::{Value, json};
use tests::adit::Adit;
use tests::connection::Connection;
use tests::http2::Http2;
use tests::process::Process;
use tests::wire::header;

/// Does what the argument `do` says.
const SCRIPT: &str = r#"<?php
switch ($_GET['do'] ?? 'show') {
case 'show':
    header('Content-Type: application/json');
    $server = array_intersect_key($_SERVER, array_flip(['SCRIPT_FILENAME', 'REQUEST_URI', 'PHP_SELF', 'REQUEST_METHOD', 'HTTP_HOST', 'HTTPS', 'HTTP_PROXY']));
    echo json_encode(['server' => $server, 'get' => $_GET, 'post' => $_POST, 'body' => strlen(file_get_contents('php://input'))]);
    break;
case 'redirect':
    header('Location: /elsewhere');
    break;
case 'status':
    http_response_code(418);
    setcookie('a', '1');
    setcookie('b', '2');
    break;
case 'large':
    for ($i = 0; $i < 1000; $i++) echo str_repeat('x', 10000);
    break;
case 'warn':
    error_log('a word to the log');
    echo 'fine';
    break;
case 'fail':
    throw new Exception('out of luck');
case 'die':
    header('Content-Type: text/plain');
    echo 'half';
    while (ob_get_level()) ob_end_flush();
    flush();
    posix_kill(getmypid(), 9);
case 'vanish':
    posix_kill(getmypid(), 9);
}
"#;

async fn manifests(php: &PhpFpm) -> Result<String> {
    let script = format!("{}$fastcgi_script_name", php.directory().display());
    let annotations = [("fastcgi-index", "index.php")];
    Ok(with_params(&annotations, php.address, &json!({}), &json!({"SCRIPT_FILENAME": script})))
}

async fn get(client: &mut Connection, action: &str) -> Result<tests::client::Response> {
    ask(client, &format!("GET /?do={action} HTTP/1.1\r\nHost: h\r\nProxy: http://evil/\r\n\r\n")).await
}

#[tokio::test]
async fn scripts_are_served() -> Result<()> {
    let php = PhpFpm::start(SCRIPT).await?;
    let adit = Adit::start(&manifests(&php).await?).await?;
    let mut client = adit.connect().await?;
    let shown: Value = serde_json::from_slice(&get(&mut client, "show").await?.body)?;
    let file = php.directory().join("index.php");
    assert_eq!(shown["server"]["SCRIPT_FILENAME"], json!(file));
    assert_eq!(shown["server"]["REQUEST_URI"], "/?do=show");
    assert_eq!(shown["server"]["PHP_SELF"], "/index.php");
    assert_eq!(shown["server"]["HTTP_HOST"], "h");
    assert_eq!((&shown["server"]["HTTPS"], &shown["server"]["HTTP_PROXY"]), (&Value::Null, &Value::Null));
    let response = get(&mut client, "redirect").await?;
    assert_eq!((response.status, header(&response.headers, "location").as_deref()), (302, Some("/elsewhere")));
    let response = get(&mut client, "status").await?;
    assert_eq!((response.status, header(&response.headers, "set-cookie").as_deref()), (418, Some("a=1, b=2")));
    assert_eq!(get(&mut client, "large").await?.body.len(), 10_000_000);
    assert_eq!(ask(&mut client, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").await?.status, 200);
    assert_eq!(ask(&mut client, "GET /nothing.php HTTP/1.1\r\nHost: h\r\n\r\n").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn forms_and_uploads_arrive() -> Result<()> {
    let php = PhpFpm::start(SCRIPT).await?;
    let adit = Adit::start(&manifests(&php).await?).await?;
    let mut client = adit.connect().await?;
    const FORM: &str = "Host: h\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for request in [
        format!("POST / HTTP/1.1\r\n{FORM}Content-Length: 7\r\n\r\na=1&b=2"),
        format!("POST / HTTP/1.1\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n"),
    ] {
        let shown: Value = serde_json::from_slice(&ask(&mut client, &request).await?.body)?;
        assert_eq!(shown["post"], json!({"a": "1", "b": "2"}));
    }
    let http2 = Http2::open(adit.address()?).await?;
    let mut stream = http2.start(http::Request::put("http://h/").body(())?, false).await?;
    stream.body(Bytes::from(vec![b'x'; 500_000]), true).await?;
    let shown: Value = serde_json::from_slice(&stream.response().await?.body)?;
    assert_eq!((&shown["body"], &shown["server"]["REQUEST_METHOD"]), (&json!(500_000), &json!("PUT")));
    Ok(())
}

#[tokio::test]
async fn a_script_that_dies_costs_its_own_request() -> Result<()> {
    let php = PhpFpm::start(SCRIPT).await?;
    let adit = Adit::start(&manifests(&php).await?).await?;
    let http2 = Http2::open(adit.address()?).await?;
    for _ in 0..3 {
        assert_eq!(get(&mut adit.connect().await?, "vanish").await?.status, 502);
        assert!(get(&mut adit.connect().await?, "die").await.is_err());
        assert!(http2.get("http://h/?do=die").await.is_err());
        assert_eq!(http2.get("http://h/?do=vanish").await?.status, 502);
        assert_eq!(get(&mut adit.connect().await?, "show").await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn errors_of_scripts_are_logged() -> Result<()> {
    let php = PhpFpm::start(SCRIPT).await?;
    let mut process = Process::start(ADIT, &[], &manifests(&php).await?).await?;
    let mut client = Connection::open(process.http).await?;
    assert_eq!(get(&mut client, "warn").await?.body, b"fine");
    process.says("a word to the log").await?;
    assert_eq!(get(&mut client, "fail").await?.status, 500);
    process.says("out of luck").await?;
    Ok(())
}
