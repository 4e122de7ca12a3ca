//! What the requests of a log would get.

use super::{CONTROLLER, INGRESSES, directory, one, report, run, select, text, usual};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use tempfile::{NamedTempFile, TempDir};

/// A line as ingress-nginx writes it. `address` is that of the backend, `-` where none was asked.
fn line(client: &str, request: &str, status: u16, upstream: &str, address: &str) -> String {
    format!(
        "{client} - - [30/Nov/2026:05:00:00 +0000] \"{request}\" {status} 10 \"-\" \"curl/8.0\" 90 0.010 [{upstream}] [] \
         {address} 10 0.009 {status} 0123456789abcdef\n"
    )
}

fn get(path: &str, status: u16, upstream: &str) -> String {
    line("192.0.2.7", &format!("GET {path} HTTP/1.1"), status, upstream, "10.0.0.1:8080")
}

fn log(bytes: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(bytes.as_ref()).expect("it is written");
    file
}

fn replay_of(objects: &TempDir, bytes: impl AsRef<[u8]>) -> Value {
    let file = log(bytes);
    let mut report = report(objects, &["--log", file.path().to_str().expect("a path")]);
    report["replay"].take()
}

fn replay(bytes: impl AsRef<[u8]>) -> Value {
    replay_of(&usual(), bytes)
}

#[test]
fn requests_of_a_log_without_hosts_have_known_answers() {
    let own =
        |path: &str, status, upstream: &str| line("192.0.2.7", &format!("GET {path} HTTP/1.1"), status, upstream, "-");
    let lines = [
        get("/cart/a", 200, "shop-cart-80"),
        get("/cart/b?secret=1", 200, "shop-cart-80"),
        get("/post", 200, "shop-blog-http"),
        own("/post", 308, "shop-blog-http"),
        get("/admin/x", 200, "shop-admin-8080"),
        get("/admin/x", 200, "shop-blog-http"),
        own("/post", 403, "shop-blog-http"),
        get("/", 502, "shop-web-80"),
        line("203.0.113.9", "GET / HTTP/1.1", 200, "shop-web-80", "10.0.0.1:80"),
        own("/x", 404, "upstream-default-backend"),
        get("/", 200, "shop-gone-80"),
    ];
    let replay = replay(lines.concat());
    assert_eq!([&replay["changes"], &replay["same"], &replay["untold"]], [4, 4, 3], "{replay:#}");
    let groups = &replay["groups"];
    for (kind, host, outcome, log, requests) in [
        ("changes", "shop.example.com", "answered 503: denied", "200 from shop-cart-80", 2),
        ("changes", "blog.example.com", "forwarded to shop/admin:8080", "200 from shop-blog-http", 1),
        ("changes", "blog.example.com", "forwarded to shop/blog:http", "403 of nginx itself, for shop-blog-http", 1),
        ("untold", "", "several hosts have such a route, and differ", "200 from shop-web-80", 1),
        ("untold", "", "the log has no host, and no rule had taken it", "404 without a rule", 1),
        ("untold", "", "no rule of these objects leads to its upstream", "200 from shop-gone-80", 1),
    ] {
        let group = one(groups, &[("kind", kind), ("host", host), ("outcome", outcome), ("log", log)]);
        assert_eq!(group["requests"], requests);
    }
    for (outcome, host) in [
        ("forwarded to shop/blog:http", "blog.example.com"),
        ("answered 308: https-redirect", "blog.example.com"),
        ("forwarded to shop/admin:8080", "blog.example.com"),
        ("forwarded to shop/web:80", "office.example.com"),
    ] {
        assert_eq!(one(groups, &[("kind", "same"), ("host", host), ("outcome", outcome)])["requests"], 1);
    }
    assert_eq!(groups[0]["requests"], 2, "what changes most comes first");
    assert!(!replay.to_string().contains("secret"), "queries are not shown");
}

#[test]
fn lines_of_json_say_host_and_scheme() {
    let entry = |host: &str, scheme: &str, client: &str, path: &str, status: u16, upstream: &str| {
        let object = json!({
            "host": host, "scheme": scheme, "remote_addr": client, "request_method": "GET", "request_uri": path,
            "status": status.to_string(), "proxy_upstream_name": upstream, "time": 1.5, "tags": [{"status": 1}],
        });
        format!("{object}\n")
    };
    let lines = [
        entry("office.example.com", "https", "203.0.113.9", "/", 200, "shop-web-80"),
        entry("www.example.com:443", "https", "203.0.113.9", "/", 200, "shop-web-80"),
        entry("nobody.example.com", "http", "203.0.113.9", "/", 404, "upstream-default-backend"),
        entry("blog.example.com", "http", "203.0.113.9", "/", 200, "shop-blog-http"),
        entry("<b>\u{202e}", "http", "203.0.113.9", "/", 404, "-"),
        entry("bad\nhost", "http", "203.0.113.9", "/", 404, "-"),
    ];
    let replay = replay(lines.concat());
    let groups = &replay["groups"];
    for (kind, host, outcome) in [
        ("changes", "office.example.com", "answered 403: source-range"),
        ("same", "www.example.com", "forwarded to shop/web:80"),
        ("same", "nobody.example.com", "answered 404: no-route"),
        ("changes", "blog.example.com", "answered 308: https-redirect"),
        ("untold", "bad\\nhost", "the host is not one of HTTP"),
    ] {
        assert_eq!(one(groups, &[("kind", kind), ("host", host), ("outcome", outcome)])["requests"], 1);
    }
    assert_eq!(replay["unreadable"], 0);
}

#[test]
fn what_cannot_be_read_is_counted_and_shown_harmlessly() {
    let hostile = b"\x1b[31m<script>alert(1)</script>\xff\xfe \"not a line\n";
    let garbage = line("192.0.2.7", r"\x16\x03\x01", 400, "", "-");
    let long = format!("{}\n", "x".repeat(200_000));
    let lines =
        [&hostile.repeat(7), garbage.as_bytes(), long.as_bytes(), b"\r\n", get("/", 200, "shop-web-80").as_bytes()]
            .concat();
    let replay = replay(&lines);
    assert_eq!(
        [&replay["lines"], &replay["unreadable"], &replay["noRequest"], &replay["same"]],
        [10, 8, 1, 1],
        "{replay:#}"
    );
    let shown = replay["firstUnreadable"].as_array().expect("lines");
    assert_eq!(shown.len(), 5);
    assert!(shown.iter().all(|line| line.as_str().is_some_and(|line| !line.contains('\u{1b}'))), "{shown:?}");
    let (objects, log) = (usual(), log(&lines));
    let path = |path: &Path| path.to_str().expect("a path").to_owned();
    let page = text([path(objects.path()), "--log".to_owned(), path(log.path()), "-ohtml".to_owned()]);
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
}

#[test]
fn a_log_may_be_compressed_or_cut_or_come_from_standard_input() {
    let lines = get("/post", 200, "shop-blog-http").repeat(2000);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(lines.as_bytes()).expect("it is compressed");
    let compressed = encoder.finish().expect("it ends");
    assert_eq!(replay(&compressed)["same"], 2000);
    let cut = replay(&compressed[..compressed.len() - 9]);
    let notes = cut["notes"].as_array().expect("notes");
    assert!(
        notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains("the log ends early"))),
        "{notes:?}"
    );

    let objects = usual();
    let output = run([objects.path().to_str().expect("a path"), "--log=-", "-ojson"], &compressed);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["replay"]["same"], 2000);
    let both = run(["-", "--log=-"], b"");
    assert!(!both.status.success() && String::from_utf8_lossy(&both.stderr).contains("--log:"), "{both:?}");
    assert!(!run([objects.path().to_str().expect("a path"), "--log=/nowhere"], b"").status.success());
}

#[test]
fn hosts_of_clients_do_not_grow_the_report_without_end() {
    const HOSTS: usize = 10_500;
    let line = |number| format!("{{\"host\":\"h{number}.example\",\"request\":\"GET / HTTP/1.1\",\"status\":404}}\n");
    let replay = replay((0..HOSTS).map(line).collect::<String>());
    assert_eq!(replay["same"], HOSTS);
    assert_eq!(replay["groups"].as_array().expect("groups").len(), 10_000);
    assert_eq!(replay["ungrouped"], HOSTS - 10_000);
}

/// Which of many hosts a request was for, nobody knows: it is not said to change where all cannot be tried.
#[test]
fn hosts_are_tried_up_to_a_bound() {
    let rule = |number| {
        format!(
            "  - host: h{number}.example.com\n    http:\n      paths:\n      - {{path: /p{number}, pathType: Exact, backend: \
             {{service: {{name: web, port: {{number: 80}}}}}}}}\n"
        )
    };
    let ingress = |hosts: std::ops::Range<u32>| {
        let head = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: many, namespace: shop}\nspec:\n  rules:\n";
        directory(&[("many.yaml", &format!("{head}{}", hosts.map(rule).collect::<String>()))])
    };
    let lines = get("/p12", 200, "shop-web-80") + &get("/none", 200, "shop-web-80");
    let few = replay_of(&ingress(10..14), &lines);
    assert_eq!([&few["same"], &few["changes"], &few["untold"]], [1, 1, 0], "{few:#}");
    let many = replay_of(&ingress(10..40), &lines);
    assert_eq!([&many["same"], &many["changes"], &many["untold"]], [1, 0, 1], "{many:#}");
}

#[test]
fn a_log_that_changes_nothing_says_so() {
    let objects = directory(&[("controller.yaml", CONTROLLER), ("ingresses.yaml", INGRESSES)]);
    let replay = replay_of(&objects, get("/post", 200, "shop-blog-http"));
    assert_eq!(replay["changes"], 0);
    assert!(select(&replay["groups"], &[("kind", "changes")]).is_empty());
}
