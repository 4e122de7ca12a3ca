//! What the objects of one tenant cannot do: reach what is not theirs, take a worker for themselves, or become more than
//! plain data.

use anyhow::{Context, Result};
use controller::cli::check::check;
use controller::diagnostic::Diagnostic;
use controller::settings::{ControllerSettings, ServeSettings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use tests::adit::{Adit, annotated, documents, manifests, on_loopback, slice};
use tests::backend::mirror;
use tests::checked::{diagnostics, said};
use tests::client::Response;
use tests::dns;
use tests::objects;

const METADATA: &str = "169.254.169.254";
/// Addresses that no backend may have, and names of this machine.
const OFF_LIMITS: [&str; 14] = [
    METADATA,
    "169.254.0.1",
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "fe80::1",
    "ff02::1",
    "::1",
    "::",
    "::ffff:169.254.169.254",
    "fd00:ec2::254",
    "localhost",
];

/// An Ingress for all of a host of the same name, and its annotations.
fn ingress(host: &str, path: &str, annotations: &Value) -> Value {
    let backend = json!({"service": {"name": host, "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": host, "annotations": annotations},
        "spec": {"rules": [{"host": host, "http": {"paths": [
            {"path": path, "pathType": "ImplementationSpecific", "backend": backend},
        ]}}]},
    })
}

fn annotation(name: &str, value: &str) -> Value {
    json!({format!("nginx.ingress.kubernetes.io/{name}"): value})
}

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
}

fn external(name: &str, target: &str) -> Value {
    let spec = json!({"type": "ExternalName", "externalName": target, "ports": [{"port": 80}]});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

/// A host `good` that is served by this backend, whatever stands beside it.
fn good(backend: SocketAddr) -> [Value; 3] {
    [ingress("good", "/", &json!({})), service("good"), slice("good", 0, backend)]
}

async fn get(adit: &Adit, host: &str, target: &str) -> Result<Response> {
    let mut connection = adit.connect().await?;
    connection.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
    connection.response("GET").await
}

/// The status of a request, and what of it the backend saw.
async fn seen(adit: &Adit, host: &str, target: &str) -> Result<(u16, String)> {
    let response = get(adit, host, target).await?;
    Ok((response.status, String::from_utf8_lossy(&response.body).lines().next().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn fault_m4_an_external_name_that_is_off_limits_is_refused() -> Result<()> {
    let objects = OFF_LIMITS.iter().enumerate().flat_map(|(number, target)| {
        let name = format!("t{number}");
        [ingress(&name, "/", &json!({})), external(&name, target)]
    });
    let objects = documents(objects.chain(good(mirror().await?)));
    let adit = Adit::start(&objects).await?;
    let said = said(&objects)?;
    for (number, target) in OFF_LIMITS.iter().enumerate() {
        assert_eq!(get(&adit, &format!("t{number}"), "/").await?.status, 503, "{target}");
        let expected = format!("whose externalName {target:?} is not allowed");
        assert!(said.iter().any(|said| said.contains(&expected)), "{target}: {said:?}");
    }
    assert_eq!(seen(&adit, "good", "/").await?, (200, "GET /".to_owned()));
    Ok(())
}

#[tokio::test]
async fn attack_38_names_and_endpoints_that_lead_to_metadata_are_refused() -> Result<()> {
    let names =
        [("rebind.example.com", METADATA), ("six.example.com", "fd00:ec2::254"), ("mapped.example.com", "fe80::1")];
    let known = names.map(|(name, address)| (name.to_owned(), address.parse().expect("an address")));
    let dns = dns::serve(BTreeMap::from(known)).await?;
    let mut endpoint = slice("endpoint", 0, SocketAddr::new(METADATA.parse()?, 80));
    endpoint["endpoints"][0]["addresses"] = json!([METADATA, "0.0.0.0"]);
    let objects = documents(
        names
            .iter()
            .enumerate()
            .flat_map(|(number, (name, _))| {
                let (direct, asked) = (format!("d{number}"), format!("a{number}"));
                let auth = annotation("auth-url", &format!("http://{name}/latest/meta-data"));
                [
                    ingress(&direct, "/", &json!({})),
                    external(&direct, name),
                    ingress(&asked, "/", &auth),
                    external(&asked, name),
                ]
            })
            .chain([ingress("endpoint", "/", &json!({})), service("endpoint"), endpoint])
            .chain(good(mirror().await?)),
    );
    let serve = ServeSettings { dns_servers: vec![dns], ..on_loopback(ServeSettings::default()) };
    let adit = Adit::start_on(serve, &objects).await?;
    for number in 0..names.len() {
        assert_eq!(get(&adit, &format!("d{number}"), "/").await?.status, 503);
        let asked = get(&adit, &format!("a{number}"), "/").await?.status;
        assert!([500, 503].contains(&asked), "{asked}");
    }
    assert_eq!(get(&adit, "endpoint", "/").await?.status, 503);
    let said = said(&objects)?;
    assert!(said.iter().any(|said| said.contains("whose endpoint 0.0.0.0 is not used")), "{said:?}");
    assert_eq!(get(&adit, "good", "/").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn attack_38_an_auth_server_that_is_off_limits_is_refused() -> Result<()> {
    let url =
        |target: &str| if target.contains(':') { format!("http://[{target}]/x") } else { format!("http://{target}/x") };
    let objects = OFF_LIMITS.iter().enumerate().flat_map(|(number, target)| {
        let name = format!("t{number}");
        [ingress(&name, "/", &annotation("auth-url", &url(target))), service(&name)]
    });
    let objects = documents(objects.chain(good(mirror().await?)));
    let adit = Adit::start(&objects).await?;
    for (number, target) in OFF_LIMITS.iter().enumerate() {
        assert_eq!(get(&adit, &format!("t{number}"), "/").await?.status, 503, "{target}");
        let field = format!("Ingress default/t{number}: metadata.annotations[nginx.ingress.kubernetes.io/auth-url]");
        let said = said(&objects)?;
        assert!(said.iter().any(|said| said.contains(&field) && said.contains("is not allowed")), "{target}: {said:?}");
    }
    assert_eq!(get(&adit, "good", "/").await?.status, 200);
    Ok(())
}

/// In ingress-nginx these texts become lines of nginx's configuration.
#[tokio::test]
async fn attack_38_paths_and_annotations_are_plain_data() -> Result<()> {
    let backend = mirror().await?;
    let path = "/a\"'};#{$x";
    let named = [
        ("rewrite-target", "/x\n} location /evil { return 200; }"),
        ("upstream-vhost", "a\"; return 200; #"),
        ("app-root", "/x\"; }"),
        ("permanent-redirect", "https://a.example/\"; }"),
        ("x-forwarded-prefix", "/x\r\nX-Evil: 1"),
        ("auth-url", "http://a.example/\n} #"),
        ("server-alias", "b.example { } #"),
    ];
    let objects = named.iter().enumerate().flat_map(|(number, (name, value))| {
        let host = format!("t{number}");
        [ingress(&host, "/", &annotation(name, value)), service(&host), slice(&host, 0, backend)]
    });
    let plain = [ingress("plain", path, &json!({})), service("plain"), slice("plain", 0, backend)];
    let objects = documents(objects.chain(plain).chain(good(backend)));
    let adit = Adit::start(&objects).await?;
    let target = "/a%22'%7D;%23%7B$x";
    assert_eq!(seen(&adit, "plain", target).await?, (200, format!("GET {target}")));
    let said = said(&objects)?;
    for (number, (name, _)) in named.iter().enumerate() {
        let field = format!("Ingress default/t{number}: metadata.annotations[nginx.ingress.kubernetes.io/{name}]");
        assert!(said.iter().any(|said| said.contains(&field)), "{name}: {said:?}");
        let response = get(&adit, &format!("t{number}"), "/evil").await?;
        assert!(!String::from_utf8_lossy(&response.body).contains("evil: 1"), "{name}");
    }
    assert_eq!(seen(&adit, "good", "/evil").await?, (200, "GET /evil".to_owned()));
    Ok(())
}

const REGEX: &str = "nginx.ingress.kubernetes.io/use-regex";

#[tokio::test]
async fn fault_m1_what_a_match_may_cost_is_bounded() -> Result<()> {
    let backend = mirror().await?;
    let hostile = "/([a-z]*.{1,400}){1,20}y$";
    let objects =
        [ingress("hostile", hostile, &json!({REGEX: "true"})), service("hostile"), slice("hostile", 0, backend)];
    let adit = Adit::start(&documents(objects.into_iter().chain(good(backend)))).await?;
    assert_eq!(get(&adit, "hostile", &format!("/{}", "a".repeat(7800))).await?.status, 500);
    assert_eq!(get(&adit, "hostile", "/short-y").await?.status, 200);
    assert_eq!(get(&adit, "good", &format!("/{}", "a".repeat(7800))).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn fault_m1_patterns_are_bounded_alone_and_per_host() -> Result<()> {
    let mut many = ingress("many", "/", &json!({REGEX: "true"}));
    let path = |path: String| json!({"path": path, "pathType": "ImplementationSpecific", "backend": {"service": {"name": "good", "port": {"number": 80}}}});
    let paths =
        (0..23).map(|number| path(format!("/{number}[a-z]{{4500}}"))).chain([path("/x[a-z]{20000}".to_owned())]);
    many["spec"]["rules"][0]["http"]["paths"] = paths.collect();
    let said = said(&documents([many].into_iter().chain(good(mirror().await?))))?;
    let refused = |path: &str, why: &str| said.iter().any(|said| said.contains(path) && said.contains(why));
    assert!(refused("/x[a-z]{20000}", "is too large when its repetitions are expanded"), "{said:?}");
    assert!(refused("/22[a-z]{4500}", "is one regular expression too many"), "{said:?}");
    assert_eq!(said.len(), 2, "{said:?}");
    Ok(())
}

#[tokio::test]
async fn attack_32_regular_expressions_that_explode_elsewhere_are_matched_in_bounded_time() -> Result<()> {
    let backend = mirror().await?;
    let patterns = ["/(a+)+$", "/(a|a)*b", "/(.*)*c$", "/(?=(a|a)*\\1b)(?:a|a|ab)*\\1$"];
    let objects = patterns.iter().enumerate().flat_map(|(number, pattern)| {
        let host = format!("t{number}");
        [ingress(&host, pattern, &json!({REGEX: "true"})), service(&host), slice(&host, 0, backend)]
    });
    let adit = Adit::start(&documents(objects.chain(good(backend)))).await?;
    for (number, pattern) in patterns.iter().enumerate() {
        let status = get(&adit, &format!("t{number}"), &format!("/{}!", "a".repeat(7000))).await?.status;
        assert!([404, 500].contains(&status), "{pattern}: {status}");
    }
    assert_eq!(get(&adit, "t0", &format!("/{}", "a".repeat(64 << 10))).await?.status, 414, "the path alone is bounded");
    assert_eq!(get(&adit, "good", "/").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn fault_m2_rewrites_are_bounded_when_read_and_when_rendered() -> Result<()> {
    let backend = mirror().await?;
    let rewriting = |host: &str, name: &str, groups: usize| {
        let mut annotations = annotation("rewrite-target", "/$1");
        annotations[format!("nginx.ingress.kubernetes.io/{name}")] = format!("/{}", "$1".repeat(groups)).into();
        [ingress(host, "/(.*)", &annotations), service(host), slice(host, 0, backend)]
    };
    let objects = [
        rewriting("long", "rewrite-target", 50_000),
        rewriting("prefix", "x-forwarded-prefix", 50_000),
        rewriting("most", "rewrite-target", 20),
    ];
    let objects = documents(objects.into_iter().flatten().chain(good(backend)));
    let adit = Adit::start(&objects).await?;
    for host in ["long", "prefix"] {
        assert_eq!(get(&adit, host, "/a").await?.status, 503, "{host}");
    }
    assert_eq!(seen(&adit, "most", "/a").await?, (200, format!("GET /{}", "a".repeat(20))));
    assert_eq!(get(&adit, "most", &format!("/{}", "a".repeat(7000))).await?.status, 414);
    let said = said(&objects)?;
    assert_eq!(
        said.iter().filter(|said| said.contains("is too long: expected at most 2048 bytes")).count(),
        2,
        "{said:?}"
    );
    assert_eq!(get(&adit, "good", "/").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn fault_l3_headers_that_frame_messages_cannot_be_set() -> Result<()> {
    let framing = ["Transfer-Encoding", "content-length", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade"];
    let mut headers: BTreeMap<&str, &str> = framing.iter().map(|name| (*name, "7")).collect();
    headers.insert("X-Good", "1");
    let map = objects::config_map("headers", &json!(headers));
    let config = json!({"proxy-set-headers": "adit/headers", "add-headers": "adit/headers"});
    let objects = manifests(&[mirror().await?], &config) + &documents([map]);
    let adit = Adit::start(&objects).await?;
    let response = get(&adit, "h", "/").await?;
    let names: Vec<_> = response.headers.iter().filter(|(_, value)| value == "7").collect();
    assert!(names.is_empty(), "{names:?}");
    assert!(response.headers.contains(&("x-good".to_owned(), "1".to_owned())), "{response:?}");
    let backend = String::from_utf8(response.body)?;
    assert!(backend.contains("x-good: 1\n") && !backend.contains(": 7\n"), "{backend}");
    let said = said(&objects)?;
    for (name, key) in framing.iter().flat_map(|name| ["proxy-set-headers", "add-headers"].map(|key| (name, key))) {
        let complaint = format!("{name:?}, which is not valid: {} frames messages", name.to_lowercase());
        let field = format!("data.{key}");
        assert!(said.iter().any(|said| said.contains(&complaint) && said.contains(&field)), "{name} {key}: {said:?}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_l3_headers_that_frame_messages_can_be_neither_hidden_nor_taken_from_an_auth_server() -> Result<()> {
    let backend = mirror().await?;
    let auth = [("auth-url", "http://auth.example.com/"), ("auth-response-headers", "X-User, Transfer-Encoding")];
    let objects = annotated(&auth, &[backend], &json!({"hide-headers": "X-A, Content-Length"}));
    assert_eq!(get(&Adit::start(&objects).await?, "h", "/").await?.status, 503);
    let said = said(&objects)?;
    for (field, name) in [("data.hide-headers", "content-length"), ("auth-response-headers]", "transfer-encoding")] {
        let complaint = format!("is not valid: {name} frames messages");
        assert!(said.iter().any(|said| said.contains(field) && said.contains(&complaint)), "{field}: {said:?}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_l4_names_with_control_bytes_are_refused_and_escaped() -> Result<()> {
    let forged = "x\nerror: Ingress default/forged: all is lost\u{1b}[2J";
    let named = |kind: &str, version: &str, metadata: Value| json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {"rules": [{"host": "h"}], "ports": []}});
    let mut secret = ingress("secret", "/", &json!({}));
    secret["spec"]["tls"] = json!([{"hosts": ["secret"], "secretName": forged}]);
    let mut annotated = ingress("annotated", "/", &json!({}));
    annotated["metadata"]["annotations"] = json!({format!("nginx.ingress.kubernetes.io/{forged}"): "x"});
    let objects = [
        named("Ingress", "networking.k8s.io/v1", json!({"name": forged})),
        named("Ingress", "networking.k8s.io/v1", json!({"name": "good", "namespace": forged})),
        named("Service", "v1", json!({"name": forged})),
        secret,
        annotated,
    ];
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join("a.yaml"), documents(objects))?;
    let report = check(&[directory.path().to_owned()], ControllerSettings::default());
    let text = report.to_string();
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("error: Ingress default/forged")), "{text}");
    let refused = report.diagnostics.iter().filter(|found| found.message.contains("the object is not read")).count();
    assert_eq!(refused, 3, "{text}");
    assert_eq!(report.ingresses, 2, "{text}");
    Ok(())
}

#[tokio::test]
async fn fault_l7_credentials_are_not_shown() -> Result<()> {
    let secret = "hunter2";
    let values = [
        ("auth-url", format!("http://user:{secret}@auth.example.com/")),
        ("auth-url", format!("ftp://auth.example.com/?token={secret}")),
        ("auth-signin", format!("https://user:{secret}@a.example/ x")),
        ("permanent-redirect", format!("https://user:{secret}@a.example/;")),
        ("mirror-target", format!("https://{secret}@a.example/")),
        ("configuration-snippet", format!("proxy_set_header Authorization \"Basic {secret}\";")),
    ];
    for (name, value) in &values {
        let config = json!({"global-auth-url": format!("http://user:{secret}@a.example/")});
        let found = diagnostics(ControllerSettings::default(), &annotated(&[(name, value)], &[], &config))?;
        let of_annotation = |found: &&Diagnostic| found.field.contains(name);
        let shown = found.iter().find(of_annotation).with_context(|| format!("{name}: {found:?}"))?;
        assert!(shown.value.as_ref().is_some_and(|shown| shown.contains('…')), "{shown:?}");
        let all = format!("{found:?}");
        assert!(!all.contains(secret), "{all}");
    }
    let map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "headers", "namespace": "adit"},
        "data": {"Authorization": format!("{secret}\n")},
    });
    let objects = manifests(&[], &json!({"proxy-set-headers": "adit/headers"})) + &documents([map]);
    let said = said(&objects)?;
    assert!(said.iter().any(|said| said.contains("whose value of \"Authorization\"")), "{said:?}");
    assert!(!said.iter().any(|said| said.contains(secret)), "{said:?}");
    Ok(())
}
