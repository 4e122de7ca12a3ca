//! The dashboard, over sockets: what people see, and what is refused.

mod browser;
mod objects;

use anyhow::{Context as _, Result, ensure};
use controller::settings::ServeSettings;
use objects::{objects, shop};
use serde_json::{Value, json};
use tests::adit::{Adit, annotated, documents, manifests, on_loopback};
use tests::backend::answering;
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::html;
use tests::wire::Remaining;

/// What a browser at the machine gets.
async fn get(adit: &Adit, target: &str) -> Result<Response> {
    get_as(adit, "localhost:10254", target).await
}

async fn get_as(adit: &Adit, host: &str, target: &str) -> Result<Response> {
    let mut connection = Connection::open(adit.admin_address()?).await?;
    connection.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
    connection.response("GET").await
}

/// A page with this status, as HTML.
async fn html_of(adit: &Adit, status: u16, target: &str) -> Result<String> {
    let response = get(adit, target).await?;
    let body = String::from_utf8(response.body)?;
    assert_eq!(response.status, status, "{target}: {body}");
    Ok(body)
}

/// What a page says.
async fn page(adit: &Adit, target: &str) -> Result<String> {
    Ok(html::text(&html_of(adit, 200, target).await?))
}

fn assert_says(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

#[tokio::test]
async fn the_root_leads_to_it() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    for entrance in ["/", "/dashboard"] {
        let response = get(&adit, entrance).await?;
        assert_eq!((response.status, header(&response, "location")), (302, "/dashboard/"), "{entrance}");
    }
    let response = get(&adit, "/dashboard/").await?;
    assert_eq!(response.status, 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(header(&response, name), value);
    }
    let policy = header(&response, "content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let style = get(&adit, "/dashboard/style.css").await?;
    assert_eq!((style.status, header(&style, "content-type")), (200, "text/css; charset=utf-8"));
    Ok(())
}

#[tokio::test]
async fn problems_come_first() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    let overview = page(&adit, "/dashboard/").await?;
    assert_says(
        &overview,
        &[
            "Ingress shop/legacy",
            "metadata.annotations[nginx.ingress.kubernetes.io/proxy-body-size]",
            "8 megabytes is not valid: expected a number of bytes",
            "shop/reports:80",
            "no endpoint",
            "Secret shop/shop-tls",
            "days left",
        ],
    );
    let first = overview.find("Problems with objects").context("problems")?;
    assert!(first < overview.find("Ingress shop/legacy").context("the object")?);
    let data: Value = serde_json::from_str(&html_of(&adit, 200, "/dashboard/?format=json").await?)?;
    let problems = data["problems"]["entries"].as_array().context("a list")?;
    assert_eq!(problems[0]["facts"][0]["severity"], "error", "{data}");
    assert_eq!(data["hosts"], 4, "{data}");
    assert_eq!(data["troubledBackends"][0]["name"], "shop/reports:80", "{data}");
    assert_eq!(data["endingCertificates"][0]["secret"], "Secret shop/shop-tls", "{data}");
    Ok(())
}

#[tokio::test]
async fn a_good_configuration_has_no_problems() -> Result<()> {
    let overview = page(&Adit::start(&documents(shop())).await?, "/dashboard/").await?;
    assert_eq!(overview.matches("There are none.").count(), 3, "{overview}");
    Ok(())
}

#[tokio::test]
async fn hosts_are_found_and_have_routes_in_their_order() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    let hosts = page(&adit, "/dashboard/hosts?q=SHOP").await?;
    assert_says(&hosts, &["1 host", "shop.example.com"]);
    assert!(!hosts.contains("api.example.com"), "{hosts}");
    let host = page(&adit, "/dashboard/host?name=shop.example.com").await?;
    assert_says(
        &host,
        &[
            "Secret shop/shop-tls",
            "Ingress shop/shop: spec.rules[0].http.paths[1]",
            "shop/cart:80",
            "proxy-read-timeout",
        ],
    );
    let (exact, prefix) = (host.find("/cart/pay Exact"), host.find("/cart Prefix"));
    assert!(exact.is_some() && exact < prefix, "{host}");
    assert_says(&html::text(&html_of(&adit, 404, "/dashboard/host?name=nobody").await?), &["There is no host"]);
    Ok(())
}

#[tokio::test]
async fn backends_and_certificates_are_listed() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    let backends = page(&adit, "/dashboard/backends?q=cart").await?;
    assert_says(
        &backends,
        &["1 backend", "shop/cart:80", "10.244.1.7:8080 cart-0", "10.244.2.9:8080 cart-1", "0 requests in flight"],
    );
    let listed: Value = serde_json::from_str(&html_of(&adit, 200, "/debug/backends").await?)?;
    let pods: Vec<_> =
        listed[0]["endpoints"].as_array().into_iter().flatten().map(|endpoint| &endpoint["pod"]).collect();
    assert_eq!(pods, ["cart-0", "cart-1"], "kubectl adit backends: {listed}");
    let certificates = page(&adit, "/dashboard/certificates").await?;
    assert_says(&certificates, &["Secret shop/shop-tls", "for shop.example.com", "issued by CN=", "shop.example.com"]);
    Ok(())
}

#[tokio::test]
async fn why_says_who_wins_and_why_others_lose() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    assert_says(&page(&adit, "/dashboard/why").await?, &["Type a request"]);
    let query = "method=PUT&url=https%3A%2F%2Fshop.example.com%2Fcart%2Fpay&headers=X-User%3A+me%0D%0A";
    let why = page(&adit, &format!("/dashboard/why?{query}")).await?;
    assert_says(
        &why,
        &[
            "PUT https://shop.example.com/cart/pay",
            "forwarded to shop/pay:80 as /cart/pay",
            "Secret shop/shop-tls",
            "is exactly this host",
            "a more specific host comes first",
            "is the path, byte for byte",
            "matches, but Exact /cart/pay comes first",
            "Without it, the winner would be Ingress shop/shop: spec.rules[0].http.paths[1]",
            "comes to HTTPS, usually port 443",
            "a body of more than 8388608 bytes is refused with 413",
            "proxy-read-timeout",
        ],
    );
    let asked = html_of(&adit, 200, &format!("/dashboard/why?{query}")).await?;
    let link = |before: &str| {
        let rest = asked.split_once(&format!("href=\"{before}?")).map(|(_, rest)| rest);
        Some(html::text(rest?.split('"').next()?))
    };
    let json = link("../debug/explain").context("a link to the JSON")?;
    let explained: Value = serde_json::from_str(&html_of(&adit, 200, &format!("/debug/explain?{json}")).await?)?;
    assert_eq!(explained["request"], "PUT https://shop.example.com/cart/pay");
    let same = link("why").context("a link to the page")?;
    assert_says(&page(&adit, &format!("/dashboard/why?{same}")).await?, &["PUT https://shop.example.com/cart/pay"]);
    Ok(())
}

#[tokio::test]
async fn what_is_not_understood_is_named() -> Result<()> {
    let adit = Adit::start(&manifests(&[], &json!({}))).await?;
    for (target, status, parts) in [
        ("/dashboard/nothing", 404, &["This page does not exist."][..]),
        ("/dashboard/hosts/more", 404, &["This page does not exist."]),
        ("/dashboard/hosts?colour=red", 400, &["\"colour\"", "expected q, page or format"]),
        ("/dashboard/hosts?page=0", 400, &["page", "\"0\"", "expected a whole number from 1"]),
        ("/dashboard/hosts?format=xml", 400, &["\"xml\"", "expected html or json"]),
        ("/dashboard/host", 400, &["name is missing"]),
        ("/dashboard/why?url=ftp://h/", 400, &["is not a URL of HTTP"]),
        ("/dashboard/why?url=http://h/&headers=nocolon", 400, &["has no ':'"]),
    ] {
        assert_says(&html::text(&html_of(&adit, status, target).await?), parts);
    }
    Ok(())
}

#[tokio::test]
async fn backends_have_loads() -> Result<()> {
    let backend = answering("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n").await?;
    let adit = Adit::start(&manifests(&[backend], &json!({}))).await?;
    for _ in 0..2 {
        let mut connection = adit.connect().await?;
        connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
        assert_eq!(connection.response("GET").await?.status, 503);
    }
    let backend = once_counted(&adit, 2).await?;
    assert_eq!((&backend["name"], &backend["load"]["sinceStart"]["errors"]), (&json!("default/backend:80"), &json!(2)));
    assert_says(&page(&adit, "/dashboard/backends").await?, &["2 requests since the start, 2 of them failed, "]);
    Ok(())
}

/// The first backend, once so many requests to it are counted: that is just after their answers.
async fn once_counted(adit: &Adit, requests: u64) -> Result<Value> {
    let backend = async || loop {
        let data: Value = serde_json::from_str(&html_of(adit, 200, "/dashboard/backends?format=json").await?)?;
        let backend = data["entries"][0].clone();
        if backend["load"]["sinceStart"]["requests"] == requests {
            return anyhow::Ok(backend);
        }
    };
    tokio::time::timeout(PATIENCE, backend()).await.context("nothing is counted")?
}

/// Nothing is kept until somebody looks, and then neither headers nor what is not logged.
#[tokio::test]
async fn requests_are_listed_once_somebody_looks() -> Result<()> {
    let backend = answering("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await?;
    let silent = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "silent", "annotations": {"nginx.ingress.kubernetes.io/enable-access-log": "false"}},
        "spec": {"rules": [{"host": "h", "http": {"paths": [objects::path("/silent", "Prefix", "backend")]}}]},
    });
    let adit = Adit::start(&(manifests(&[backend], &json!({})) + &documents([silent]))).await?;
    // One connection, so that they end one after the other.
    let mut connection = adit.connect().await?;
    let mut ask = async |path: &str| {
        let secrets = "Cookie: session=hunter2\r\nAuthorization: Basic aHVudGVyMg==\r\n";
        connection.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n{secrets}\r\n")).await?;
        connection.response("GET").await
    };
    ask("/before").await?;
    once_counted(&adit, 1).await?;
    assert_says(&page(&adit, "/dashboard/requests").await?, &["Requests, the newest first", "Load again"]);
    for path in ["/first?a=1", "/silent", "/second"] {
        ask(path).await?;
    }
    let listed = async || loop {
        // A request is kept just after its answer.
        let data: Value = serde_json::from_str(&html_of(&adit, 200, "/dashboard/requests?format=json").await?)?;
        if data.as_array().is_some_and(|requests| requests.len() >= 2) {
            return anyhow::Ok(data);
        }
    };
    let data = tokio::time::timeout(PATIENCE, listed()).await.context("nothing is kept")??;
    let urls: Vec<_> = data.as_array().context("a list")?.iter().map(|request| &request["url"]).collect();
    assert_eq!(urls, ["http://h/first?a=1", "http://h/second"]);
    assert_eq!((&data[0]["status"], &data[0]["service"]), (&json!(201), &json!("default/backend")), "{data}");
    let html = html_of(&adit, 200, "/dashboard/requests").await?;
    assert!(!html.contains("hunter2") && !html.contains("aHVudGVyMg"), "{html}");
    assert!(html.contains("href=\"why?method=GET&amp;url=http%3A%2F%2Fh%2Ffirst%3Fa%3D1\""), "{html}");
    Ok(())
}

/// Only that page has a script; and no more than four follow at once.
#[tokio::test]
async fn who_follows_requests_is_told_and_bounded() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    for (target, has_script) in [("/dashboard/requests", true), ("/dashboard/", false), ("/dashboard/why", false)] {
        let response = get(&adit, target).await?;
        let policy = header(&response, "content-security-policy").to_owned();
        let page = String::from_utf8(response.body)?;
        assert_eq!(
            (policy.contains("script-src 'self'"), page.contains("<script")),
            (has_script, has_script),
            "{target}"
        );
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    let mut following = Vec::new();
    for _ in 0..4 {
        following.push(follow(&adit).await?.context("a place")?);
    }
    assert!(follow(&adit).await?.is_none());
    assert_eq!(get_as(&adit, "attacker.example", "/dashboard/requests/events").await?.status, 403);
    let mut asking = adit.connect().await?;
    asking.send("GET /cart HTTP/1.1\r\nHost: shop.example.com\r\n\r\n").await?;
    asking.response("GET").await?;
    let (connection, remaining) = &mut following[0];
    let mut told = String::new();
    while !told.contains("GET http://shop.example.com/cart") {
        told += str::from_utf8(&connection.piece(remaining).await?.context("it ends")?)?;
    }
    assert!(told.contains("\nid: 1\ndata: <tr>") || told.starts_with("id: 1\ndata: <tr>"), "{told}");
    drop(following);
    let again = async || {
        while follow(&adit).await?.is_none() {}
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, again()).await.context("no place comes back")?
}

/// Somebody who follows the requests, if there is a place.
async fn follow(adit: &Adit) -> Result<Option<(Connection, Remaining)>> {
    let mut connection = Connection::open(adit.admin_address()?).await?;
    connection.send("GET /dashboard/requests/events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    let head = connection.response_head().await?;
    ensure!([200, 503].contains(&head.status), "{head:?}");
    Ok((head.status == 200).then(|| (connection, Remaining::of_response("GET", &head))))
}

/// What others have written never becomes markup.
#[tokio::test]
async fn hostile_text_is_escaped() -> Result<()> {
    const SCRIPT: &str = "<script>alert(1)</script>\"'>\u{202e}";
    let hostile = annotated(&[("proxy-body-size", SCRIPT)], &[], &json!({}));
    let adit = Adit::start(&hostile).await?;
    let quoted: String = form_urlencoded::byte_serialize(SCRIPT.as_bytes()).collect();
    let mut seen = 0;
    for (status, target) in [
        (200, "/dashboard/".to_owned()),
        (200, "/dashboard/hosts".to_owned()),
        (200, "/dashboard/host?name=h".to_owned()),
        (200, format!("/dashboard/hosts?q={quoted}")),
        (200, format!("/dashboard/backends?q={quoted}")),
        (200, format!("/dashboard/certificates?q={quoted}")),
        (404, format!("/dashboard/host?name={quoted}")),
        (400, format!("/dashboard/hosts?{quoted}={quoted}")),
        (400, format!("/dashboard/hosts?page={quoted}")),
        (400, format!("/dashboard/why?url={quoted}&method={quoted}&headers={quoted}")),
        (200, format!("/dashboard/why?url=http://h/{quoted}&headers=X:{quoted}")),
    ] {
        let html = html_of(&adit, status, &target).await?;
        assert!(!html.contains("<script"), "{target}: {html}");
        seen += usize::from(html.contains("&lt;script&gt;alert(1)"));
    }
    assert!(seen > 8, "the text is on {seen} pages only");
    Ok(())
}

/// Names in a DNS rebinding attack, and the switch.
#[tokio::test]
async fn others_are_refused() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    for target in ["/", "/dashboard/", "/dashboard/hosts", "/dashboard/style.css"] {
        let refused = get_as(&adit, "attacker.example", target).await?;
        assert_eq!(refused.status, 403, "{target}");
        assert!(!String::from_utf8(refused.body)?.contains("shop"), "{target}");
    }
    let serve = on_loopback(ServeSettings { dashboard: false, ..ServeSettings::default() });
    let off = Adit::start_on(serve, &documents(shop())).await?;
    for target in ["/", "/dashboard/", "/dashboard/style.css"] {
        assert_eq!(get(&off, target).await?.status, 404, "{target}");
    }
    Ok(())
}

#[tokio::test]
async fn ten_thousand_hosts_come_in_parts() -> Result<()> {
    let host = |number: usize| format!("h{number:05}.example.com");
    let ingress = |number: usize| {
        let hosts = (0..100).map(
            |of| json!({"host": host(number * 100 + of), "http": {"paths": [objects::path("/", "Prefix", "cart")]}}),
        );
        objects::ingress(&format!("many-{number}"), &json!({}), &json!({"rules": hosts.collect::<Vec<_>>()}))
    };
    let adit = Adit::start(&documents((0..100).map(ingress).chain(shop()))).await?;
    let first = html_of(&adit, 200, "/dashboard/hosts").await?;
    assert_says(&html::text(&first), &["10002 hosts, 1 to 100 shown", "Page 1 of 101"]);
    assert!(first.len() < 100_000, "{} bytes", first.len());
    let last = page(&adit, "/dashboard/hosts?page=100").await?;
    assert_says(&last, &[&host(9899), "Previous", "Next"]);
    let found = html_of(&adit, 200, "/dashboard/hosts?q=h099").await?;
    assert_says(&html::text(&found), &["100 hosts", &host(9999)]);
    for (target, most) in [("/dashboard/", 100_000), ("/dashboard/backends", 100_000)] {
        let length = html_of(&adit, 200, target).await?.len();
        assert!(length < most, "{target}: {length} bytes");
    }
    Ok(())
}
