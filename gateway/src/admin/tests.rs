use super::respond::respond;
use super::serve::{HEAD_LIMIT, PLACES};
use super::{Admin, Events, Following, Lifecycle, Page, serve};
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn admin() -> Admin {
    Admin {
        health_path: Admin::HEALTH_PATH.into(),
        lifecycle: Arc::new(Lifecycle::default()),
        metrics: Some(Arc::new(|| Ok("adit_table_revision 7\n".to_owned()))),
        lists: Arc::new(|list| Ok(json!({ "hosts": ["shop.example.com"], "list": format!("{list:?}") }))),
        explain: Arc::new(|query| match query.url.as_str() {
            "/bad" => Err("url '/bad' has no host: expected one".to_owned()),
            "/panic" => panic!("explain is broken"),
            _ => Ok(json!({ "method": query.method, "headers": query.headers })),
        }),
        dashboard: Some(Arc::new(|path, query| Page {
            status: StatusCode::OK,
            content_type: "text/html; charset=utf-8",
            body: format!("page {path:?} of shop with {query:?}"),
            has_script: path == "requests",
        })),
        following: Some(Following::new(|after| Events { last: after + 1, lines: vec![format!("<tr>{after}</tr>")] })),
    }
}

/// Starts the admin port, which ends with the runtime of the test.
async fn start(admin: Admin) -> SocketAddr {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("is bound");
    tokio::spawn(serve(listener, admin));
    address
}

async fn connect(address: SocketAddr, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the port is open");
    stream.write_all(sent.as_bytes()).await.expect("the port reads");
    stream
}

async fn read(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("the port answers and closes");
    text
}

/// Sends one request and gives the head and the body of the answer.
async fn send(address: SocketAddr, method: &str, target: &str) -> (String, String) {
    let text = read(connect(address, &format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await).await;
    let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
    (head.to_owned(), body.to_owned())
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).expect("a status")
}

/// What a peer at this address gets.
async fn from(peer: IpAddr, target: &str) -> (StatusCode, String) {
    from_with(peer, target, &["localhost:10254"]).await
}

/// The same for a request with these values of `Host`.
async fn from_with(peer: IpAddr, target: &str, hosts: &[&str]) -> (StatusCode, String) {
    let request = hosts.iter().fold(Request::get(target), |request, host| request.header(HOST, *host));
    let response = respond(&admin(), peer, request.body(Empty::new()).expect("valid"), || true).await;
    let status = response.status();
    let body = response.into_body().collect().await.expect("is in memory").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("is text"))
}

#[tokio::test]
async fn health_fails_once_terminating() {
    let admin = admin();
    let lifecycle = Arc::clone(&admin.lifecycle);
    let address = start(admin).await;
    let (head, body) = send(address, "GET", "/healthz").await;
    assert_eq!((status(&head), &*body), ("200", "ok"));
    lifecycle.terminating();
    assert_eq!(status(&send(address, "GET", "/healthz").await.0), "500");
}

#[tokio::test]
async fn the_health_path_can_be_set() {
    let address = start(Admin { health_path: "/alive".into(), ..admin() }).await;
    assert_eq!(status(&send(address, "GET", "/alive").await.0), "200");
    assert_eq!(status(&send(address, "GET", "/healthz").await.0), "404");
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let admin = admin();
    let lifecycle = Arc::clone(&admin.lifecycle);
    let address = start(admin).await;
    let (head, body) = send(address, "GET", "/readyz").await;
    assert_eq!(status(&head), "503");
    assert!(body.contains("configuration"), "{body}");
    lifecycle.published();
    lifecycle.listening();
    assert_eq!(status(&send(address, "GET", "/readyz").await.0), "200");
}

#[tokio::test]
async fn metrics_are_text() {
    let (head, body) = send(start(admin()).await, "GET", "/metrics").await;
    assert_eq!((status(&head), &*body), ("200", "adit_table_revision 7\n"));
    assert!(head.to_ascii_lowercase().contains("content-type: text/plain; version=0.0.4"), "{head}");
}

#[tokio::test]
async fn metrics_that_are_off_are_not_found() {
    let (head, body) = send(start(Admin { metrics: None, ..admin() }).await, "GET", "/metrics").await;
    assert_eq!(status(&head), "404");
    assert!(body.contains("--enable-metrics"), "{body}");
}

#[tokio::test]
async fn head_has_no_body() {
    let (head, body) = send(start(admin()).await, "HEAD", "/healthz").await;
    assert_eq!((status(&head), &*body), ("200", ""));
    assert!(head.to_ascii_lowercase().contains("content-length: 2"), "{head}");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let address = start(admin()).await;
    assert_eq!(status(&send(address, "GET", "/nothing").await.0), "404");
    assert_eq!(status(&send(address, "GET", "/debug/").await.0), "404");
    let (head, _) = send(address, "POST", "/healthz").await;
    assert_eq!(status(&head), "405");
    assert!(head.to_ascii_lowercase().contains("allow: get, head"), "{head}");
}

#[tokio::test]
async fn debugging_answers_on_loopback() {
    let address = start(admin()).await;
    let (head, body) = send(address, "GET", "/debug/table").await;
    assert_eq!(status(&head), "200");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&body).expect("JSON")["hosts"][0], "shop.example.com");
    let (_, body) = send(address, "GET", "/debug/explain?url=/&method=PUT&header=X-A:1").await;
    let explained: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(explained, json!({ "method": "PUT", "headers": [["X-A", "1"]] }));
}

#[tokio::test]
async fn debugging_answers_nobody_else() {
    let others: [IpAddr; 3] = [
        Ipv4Addr::new(10, 0, 0, 1).into(),
        Ipv6Addr::UNSPECIFIED.into(),
        Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().into(),
    ];
    for peer in others {
        for target in ["/debug/table", "/debug/explain?url=/", "/", "/dashboard/"] {
            let (status, body) = from(peer, target).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{peer} {target}");
            assert!(!body.contains("shop"), "{body}");
        }
        assert_eq!(from(peer, "/healthz").await.0, StatusCode::OK);
    }
    for peer in [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), LOOPBACK] {
        assert_eq!(from(peer, "/debug/table").await.0, StatusCode::OK, "{peer}");
    }
}

#[tokio::test]
async fn the_dashboard_has_pages() {
    let address = start(admin()).await;
    for entrance in ["/", "/dashboard"] {
        let (head, _) = send(address, "GET", entrance).await;
        assert_eq!(status(&head), "302", "{entrance}");
        assert!(head.to_ascii_lowercase().contains("location: /dashboard/\r\n"), "{head}");
    }
    let (head, body) = send(address, "GET", "/dashboard/hosts?q=a%20b").await;
    assert_eq!((status(&head), &*body), ("200", "page \"hosts\" of shop with \"q=a%20b\""));
    let head = head.to_ascii_lowercase();
    for header in [
        "content-type: text/html; charset=utf-8",
        "cache-control: no-store",
        "content-security-policy: default-src 'none'; style-src 'self';",
        "x-content-type-options: nosniff",
        "referrer-policy: same-origin",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    assert_eq!(status(&send(address, "POST", "/dashboard/").await.0), "405");
}

#[tokio::test]
async fn the_dashboard_can_be_off() {
    let address = start(Admin { dashboard: None, ..admin() }).await;
    for target in ["/", "/dashboard", "/dashboard/"] {
        assert_eq!(status(&send(address, "GET", target).await.0), "404", "{target}");
    }
}

#[tokio::test]
async fn bad_queries_are_named() {
    for (target, named) in [("/debug/explain", "url"), ("/debug/explain?url=/bad", "no host")] {
        let (status, body) = from(LOOPBACK, target).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{target}");
        assert!(body.contains(named), "{body}");
    }
}

#[tokio::test]
async fn a_panic_is_one_answer() {
    let address = start(admin()).await;
    assert_eq!(status(&send(address, "GET", "/debug/explain?url=/panic").await.0), "500");
    assert_eq!(status(&send(address, "GET", "/healthz").await.0), "200");
}

#[tokio::test]
async fn debugging_is_not_asked_by_names_of_others() {
    for hosts in [
        &["localhost"][..],
        &["LOCALHOST:10254"],
        &["127.0.0.1:10254"],
        &["10.0.0.7"],
        &["[::1]:10254"],
        &["localhost", "127.0.0.1"],
    ] {
        assert_eq!(from_with(LOOPBACK, "/debug/table", hosts).await.0, StatusCode::OK, "{hosts:?}");
    }
    for hosts in [
        &[][..],
        &[""],
        &["attacker.example"],
        &["attacker.example:10254"],
        &["localhost.attacker.example"],
        &["127.0.0.1.attacker.example"],
        &["localhost@attacker.example"],
        &["a b"],
        &["localhost", "attacker.example"],
    ] {
        for target in ["/debug/table", "/debug/explain?url=/", "/", "/dashboard/hosts"] {
            assert_eq!(from_with(LOOPBACK, target, hosts).await.0, StatusCode::FORBIDDEN, "{hosts:?}");
        }
        assert_eq!(from_with(LOOPBACK, "/healthz", hosts).await.0, StatusCode::OK, "{hosts:?}");
    }
    let absolute = "http://attacker.example/debug/table";
    assert_eq!(from_with(LOOPBACK, absolute, &["localhost"]).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let address = start(admin()).await;
    assert_eq!(status(&read(connect(address, "\u{1}\r\n\r\n").await).await), "400");
    assert_eq!(status(&send(address, "GET", "/healthz").await.0), "200");
}

#[tokio::test]
async fn heads_are_bounded() {
    let address = start(admin()).await;
    // A byte more than fits, so that all is read before the answer closes the connection.
    let start = "GET /healthz HTTP/1.1\r\nHost: a\r\nX: ";
    let head = format!("{start}{}", "a".repeat(HEAD_LIMIT - start.len()));
    assert_eq!(status(&read(connect(address, &head).await).await), "431");
    assert_eq!(status(&send(address, "GET", "/healthz").await.0), "200");
}

/// With time paused, it runs on as soon as everybody waits: the silent connections time out at once.
#[tokio::test(start_paused = true)]
async fn silent_clients_end_in_time() {
    let address = start(admin()).await;
    for sent in ["", "GET /healthz HTTP/1.1\r\n"] {
        assert_eq!(read(connect(address, sent).await).await, "", "{sent:?}");
    }
}

/// All places are taken by requests for metrics that never come to their ends.
#[tokio::test]
async fn probes_need_no_place() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = parking_lot::Mutex::new(held);
    let (entered, mut entries) = tokio::sync::mpsc::unbounded_channel();
    let metrics = move || {
        entered.send(()).expect("the test waits");
        // Ends when the test does.
        let _ = held.lock().recv();
        Ok(String::new())
    };
    let admin = Admin { metrics: Some(Arc::new(metrics)), ..admin() };
    admin.lifecycle.published();
    admin.lifecycle.listening();
    let address = start(admin).await;
    let mut waiting = Vec::new();
    for _ in 0..PLACES {
        waiting.push(connect(address, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await);
    }
    for _ in 0..PLACES {
        entries.recv().await.expect("a request for metrics");
    }
    assert_eq!(status(&send(address, "GET", "/metrics").await.0), "503");
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(status(&send(address, "GET", probe).await.0), "200");
    }
    drop(release);
    for stream in waiting {
        assert_eq!(status(read(stream).await.split_once("\r\n\r\n").expect("a head").0), "200");
    }
}
