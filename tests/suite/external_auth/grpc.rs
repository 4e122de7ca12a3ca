//! What servers of gRPC are asked, and what their answers mean.

use super::server::{Call, as_asked, next, server};
use super::{OK, ask, route};
use anyhow::{Context as _, Result};
use serde_json::json;
use tests::adit::{Adit, documents};
use tests::backend::refusing;
use tests::recorder::recorded_answering;
use tests::wire::header;

#[tokio::test]
async fn a_request_that_is_allowed_goes_on_as_the_server_says() -> Result<()> {
    let (backend, forwarded) = recorded_answering(OK).await?;
    let (auth, mut calls) = server(as_asked).await?;
    let adit = Adit::start(&documents(route("GRPC", &json!({}), backend, auth))).await?;
    let mut connection = adit.connect().await?;
    let response = ask(
        &mut connection,
        "PUT /a?b HTTP/1.1\r\nHost: h:8080\r\nX-User: forged\r\nX-Groups: a\r\nX-Secret: s\r\nCookie: c=d\r\n\
         X-Forwarded-For: 192.0.2.1\r\nContent-Length: 4\r\n\r\nbody",
    )
    .await?;
    assert_eq!((response.status, header(&response.headers, "x-seen").as_deref()), (200, Some("1")));
    let forwarded = forwarded.all().to_ascii_lowercase();
    for line in ["x-user: ann", "x-groups: a, b", "cookie: c=d"] {
        assert!(forwarded.contains(&format!("\r\n{line}\r\n")), "{line}: {forwarded}");
    }
    assert!(!forwarded.contains("forged") && !forwarded.contains("x-secret"), "{forwarded}");
    let Call { path, headers, request, source, tls_session, .. } = next(&mut calls).await?;
    assert_eq!(path, "/envoy.service.auth.v3.Authorization/Check");
    assert_eq!((&headers["content-type"], &headers["te"]), (&"application/grpc".parse()?, &"trailers".parse()?));
    assert_eq!((&*request.method, &*request.path, &*request.host), ("PUT", "/a?b", "h:8080"));
    assert_eq!((&*request.scheme, &*request.protocol, request.size), ("http", "HTTP/1.1", 4));
    assert_eq!((&*request.body, request.raw_body.len()), ("", 0), "no body without forwardBody");
    let sent = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!(
        (sent("x-user"), sent("cookie"), sent("x-forwarded-for")),
        (Some("forged"), Some("c=d"), Some("127.0.0.1"))
    );
    assert!(sent("x-request-id").is_some_and(|id| id == request.id));
    let address = source.address.and_then(|address| address.socket_address).context("an address")?;
    assert_eq!(address.address, "127.0.0.1");
    assert_ne!(address.port_value, 0);
    assert_eq!((&*source.principal, tls_session), ("", None));
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_not_allowed_reaches_no_backend() -> Result<()> {
    let (backend, forwarded) = recorded_answering(OK).await?;
    let (auth, mut calls) = server(as_asked).await?;
    let adit = Adit::start(&documents(route("GRPC", &json!({}), backend, auth))).await?;
    let mut connection = adit.connect().await?;
    for (query, status, body, why) in [
        ("deny", 403, Some(""), Some("because")),
        ("slower", 429, Some("slow down"), Some("because")),
        ("plainly", 403, None, None),
        ("error", 500, None, None),
        ("bytes", 500, None, None),
    ] {
        let response = ask(&mut connection, &format!("GET /?{query} HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
        assert_eq!(response.status, status, "{query}");
        assert!(body.is_none_or(|body| *response.body == *body.as_bytes()), "{query}: {:?}", response.body);
        assert_eq!(header(&response.headers, "x-why").as_deref(), why, "{query}");
        assert_eq!(header(&response.headers, "set-cookie").is_some(), why.is_some(), "{query}");
        assert_eq!(next(&mut calls).await?.connection, 1, "{query}: the connection is kept");
    }
    assert_eq!(forwarded.all(), "");
    let (_socket, refused) = refusing()?;
    let adit = Adit::start(&documents(route("GRPC", &json!({}), backend, refused))).await?;
    assert_eq!(ask(&mut adit.connect().await?, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?.status, 500);
    Ok(())
}

#[tokio::test]
async fn a_server_gets_what_the_filter_names() -> Result<()> {
    let (backend, forwarded) = recorded_answering(OK).await?;
    let (auth, mut calls) = server(as_asked).await?;
    let fields = json!({"grpc": {"allowedHeaders": ["X-Token"]}, "forwardBody": {"maxSize": 100_000}});
    let adit = Adit::start(&documents(route("GRPC", &fields, backend, auth))).await?;
    let long = "x".repeat(100_000);
    for body in [&b"text"[..], b"\xff\xfe", long.as_bytes()] {
        let mut connection = adit.connect().await?;
        let length = body.len();
        let head =
            format!("POST / HTTP/1.1\r\nHost: h\r\nX-Token: t\r\nX-Other: o\r\nContent-Length: {length}\r\n\r\n");
        connection.send([head.as_bytes(), body].concat()).await?;
        assert_eq!(connection.response("POST").await?.status, 200);
        let request = next(&mut calls).await?.request;
        assert_eq!(request.headers.into_iter().collect::<Vec<_>>(), [("x-token".to_owned(), "t".to_owned())]);
        match std::str::from_utf8(body) {
            Ok(text) => assert_eq!((&*request.body, request.raw_body.len()), (text, 0)),
            Err(_) => assert_eq!((&*request.body, &*request.raw_body), ("", body)),
        }
        assert!(forwarded.bytes().ends_with(body));
    }
    Ok(())
}
