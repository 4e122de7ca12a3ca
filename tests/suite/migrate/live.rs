//! Two gateways that run are asked the same, and only what they answer differently is told.

use super::one;
use crate::ADIT;
use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;
use serde_json::Value;
use std::net::SocketAddr;
use std::process::Output;
use std::sync::Arc;
use tests::backend::{accept, answering, refusing, scripted, scripted_tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

const INGRESS: &str = r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  rules:
    - host: shop.example.com
      http:
        paths:
          - {path: /cart, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
          - {path: /items, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
          - {path: "/old/[0-9]+", pathType: ImplementationSpecific, backend: {service: {name: shop, port: {number: 80}}}}
"#;

const OK: &str = "HTTP/1.1 200 OK\r\nDate: Mon, 30 Nov 2026 09:00:00 GMT\r\nContent-Length: 2\r\n\r\nok";

/// What a gateway has been asked: request lines with their headers.
type Asked = Arc<Mutex<Vec<String>>>;

/// A gateway that answers by the path.
async fn gateway(asked: Asked, answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> Result<SocketAddr> {
    scripted(move |_, mut connection| {
        let (asked, answer) = (asked.clone(), answer.clone());
        async move {
            while let Some(head) = connection.request().await? {
                let headers: String = head.headers.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                asked.lock().push(format!("{} {}{headers}", head.method, head.target));
                connection.send(answer(&head.target)).await?;
            }
            Ok(())
        }
    })
    .await
}

async fn migrate(arguments: &[&str], log: Option<&str>) -> Result<Output> {
    let folder = tempfile::tempdir()?;
    let (objects, lines) = (folder.path().join("objects.yaml"), folder.path().join("log"));
    std::fs::write(&objects, INGRESS)?;
    let mut command = Command::new(ADIT);
    command.arg("migrate").arg(&objects).arg("--rate=1000").args(arguments).kill_on_drop(true);
    if let Some(log) = log {
        std::fs::write(&lines, log)?;
        command.arg("--log").arg(&lines);
    }
    Ok(command.output().await?)
}

async fn compare(urls: [&str; 2], more: &[&str], log: Option<&str>) -> Result<Value> {
    let [against, with] = [format!("--against={}", urls[0]), format!("--with={}", urls[1])];
    let output = migrate(&[&[&*against, &*with, "--output=json"], more].concat(), log).await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice::<Value>(&output.stdout)?["comparison"].take())
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn counts(comparison: &Value) -> [u64; 3] {
    ["different", "unstable", "same"].map(|kind| comparison[kind].as_u64().unwrap_or(u64::MAX))
}

#[tokio::test]
async fn one_request_for_each_host_and_path_is_sent_to_both() -> Result<()> {
    let (asked, also_asked) = (Asked::default(), Asked::default());
    let against = gateway(asked.clone(), |_| OK.to_owned()).await?;
    let with = gateway(also_asked.clone(), |path| match path {
        "/items" => {
            "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/?token=x\r\nContent-Length: 0\r\n\r\n".to_owned()
        }
        _ => OK.replace("Date:", "X-Request-ID: 7\r\nDate:").replace("09:00:00", "09:00:01"),
    })
    .await?;
    let comparison = compare([&url(against), &url(with)], &[], None).await?;
    assert_eq!(counts(&comparison), [1, 0, 3], "{comparison:#}");
    let group = one(&comparison["groups"], &[("kind", "different")]);
    assert_eq!(group["route"], "shop.example.com: /items of Ingress shop/shop");
    assert_eq!(group["differences"][0], serde_json::json!({"what": "status", "against": "200", "with": "302"}));
    assert_eq!(group["example"], "GET shop.example.com/items");

    let mut seen = also_asked.lock().clone();
    seen.sort();
    let agent = format!("host=shop.example.com user-agent=adit-migrate/{} accept=*/*", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen, ["/", "/cart", "/items", "/old/"].map(|path| format!("GET {path} {agent}")));
    // What differs is asked of the first one again.
    assert_eq!(asked.lock().len(), 5);
    Ok(())
}

#[tokio::test]
async fn what_differs_by_itself_is_no_difference() -> Result<()> {
    let count = Arc::new(Mutex::new(0));
    let against = gateway(Asked::default(), move |_| {
        *count.lock() += 1;
        format!("HTTP/1.1 200 OK\r\nX-Count: {}\r\nX-Own: a\r\nContent-Length: 0\r\n\r\n", count.lock())
    })
    .await?;
    let with = answering("HTTP/1.1 200 OK\r\nX-Own: a\r\nContent-Length: 0\r\n\r\n").await?;
    assert_eq!(counts(&compare([&url(against), &url(with)], &[], None).await?), [0, 4, 0]);
    let with = answering("HTTP/1.1 200 OK\r\nX-Own: b\r\nContent-Length: 0\r\n\r\n").await?;
    let comparison = compare([&url(against), &url(with)], &[], None).await?;
    assert_eq!(counts(&comparison), [4, 0, 0]);
    assert_eq!(comparison["groups"][0]["differences"].as_array().map(Vec::len), Some(1), "{comparison:#}");
    Ok(())
}

#[tokio::test]
async fn of_a_log_only_what_is_safe_is_sent_without_credentials() -> Result<()> {
    let asked = Asked::default();
    let against = gateway(asked.clone(), |_| OK.to_owned()).await?;
    let line = |method: &str, uri: &str| {
        format!(
            r#"{{"host":"shop.example.com","request_method":"{method}","request_uri":"{uri}","status":200,"http_user_agent":"own/1","http_referer":"https://secret.example.com/","remote_user":"ann","http_authorization":"Basic eDp5","http_cookie":"a=b"}}"#
        ) + "\n"
    };
    let log = [
        line("GET", "/cart?page=1"),
        line("GET", "/cart?page=1"),
        line("HEAD", "/cart"),
        line("POST", "/cart"),
        line("GET", "/cart?token=secret"),
        line("GET", "http://ann:secret@shop.example.com/items"),
    ]
    .concat();
    let comparison = compare([&url(against), &url(against)], &[], Some(&log)).await?;
    assert_eq!(counts(&comparison), [0, 0, 3], "{comparison:#}");
    let seen = asked.lock().concat();
    assert_eq!(asked.lock().len(), 6);
    for absent in ["secret", "referer", "authorization", "cookie", "POST", "ann"] {
        assert!(!seen.contains(absent), "{absent}: {seen}");
    }
    assert!(seen.contains("GET /cart?page=1 host=shop.example.com user-agent=own/1"), "{seen}");
    let notes = comparison["notes"].to_string();
    assert!(
        notes.contains("not sent: 1 request of the log of other methods") && notes.contains("as credentials"),
        "{notes}"
    );

    asked.lock().clear();
    let few = compare([&url(against), &url(against)], &["--requests=2"], Some(&log)).await?;
    assert!(asked.lock().len() <= 4, "{few:#}");
    Ok(())
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_named_before_anything_is_sent() -> Result<()> {
    let asked = Asked::default();
    let against = gateway(asked.clone(), |_| OK.to_owned()).await?;
    let (_socket, gone) = refusing()?;
    let output = migrate(&[&format!("--against={}", url(against)), &format!("--with={}", url(gone))], None).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains(&format!("--with: cannot connect to http://{gone}")), "{said}");
    assert_eq!(*asked.lock(), [""; 0]);
    for wrong in ["10.0.0.1", "http://10.0.0.1/path", "ftp://10.0.0.1", "http://a:b@10.0.0.1"] {
        let output = migrate(&[&format!("--against={wrong}"), "--with=http://10.0.0.1"], None).await?;
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn who_answers_slowly_or_breaks_off_fails_by_itself() -> Result<()> {
    let against = answering(OK).await?;
    let silent = accept(|_, mut stream| async move {
        stream.read_to_end(&mut Vec::new()).await?;
        Ok(())
    })
    .await?;
    let comparison = compare([&url(against), &url(silent)], &["--timeout=1"], None).await?;
    assert_eq!(counts(&comparison), [4, 0, 0]);
    let told = comparison["groups"].to_string();
    assert!(told.contains("no whole answer in 1 s"), "{told}");
    let cut = answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nok").await?;
    let comparison = compare([&url(against), &url(cut)], &["--timeout=1"], None).await?;
    assert_eq!(counts(&comparison), [4, 0, 0], "{comparison:#}");
    Ok(())
}

/// A gateway whose bodies have no end, as far as anybody reads them.
async fn endless(first: u8) -> Result<SocketAddr> {
    accept(move |_, mut stream| async move {
        let (mut reader, mut writer) = stream.split();
        reader.read_u8().await?;
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n").await?;
        writer.write_u8(first).await?;
        let block = vec![b'x'; 1 << 20];
        while writer.write_all(&block).await.is_ok() {}
        Ok(())
    })
    .await
}

#[tokio::test]
async fn of_a_large_body_the_beginning_is_compared() -> Result<()> {
    let (a, b) = (endless(b'a').await?, endless(b'b').await?);
    let log = r#"{"host":"shop.example.com","request":"GET /cart HTTP/1.1","status":200}"#;
    let patient = &["--timeout=600"];
    assert_eq!(counts(&compare([&url(a), &url(a)], patient, Some(log)).await?), [0, 0, 1]);
    let comparison = compare([&url(a), &url(b)], patient, Some(log)).await?;
    assert_eq!(comparison["groups"][0]["differences"][0]["against"], "more than 67108864 bytes", "{comparison:#}");
    Ok(())
}

#[tokio::test]
async fn certificates_are_verified_unless_they_need_not_be() -> Result<()> {
    let gateway = scripted_tls(|_, mut connection| async move {
        while connection.request().await?.is_some() {
            connection.send(OK).await?;
        }
        Ok(())
    })
    .await?;
    let (plain, tls) = (url(answering(OK).await?), format!("https://{gateway}"));
    let strict = compare([&plain, &tls], &[], None).await?;
    assert_eq!(counts(&strict), [4, 0, 0]);
    assert!(strict["groups"].to_string().contains("certificate"), "{strict:#}");
    assert_eq!(counts(&compare([&plain, &tls], &["--insecure"], None).await?), [0, 0, 4]);
    Ok(())
}

#[tokio::test]
async fn people_are_told_what_differs_in_words_and_on_a_page() -> Result<()> {
    let (against, with) =
        (url(answering(OK).await?), url(answering(OK.replace("200 OK", "404 Not Found").leak()).await?));
    let urls = [format!("--against={against}"), format!("--with={with}")];
    let output = migrate(&[&*urls[0], &*urls[1]], None).await?;
    let text = String::from_utf8(output.stdout)?;
    for said in
        [&*format!("answers of {against} and {with}"), "4 requests are answered differently", "status: 200 | 404"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    let output = migrate(&[&*urls[0], &*urls[1], "--output=html"], None).await?;
    let page = String::from_utf8(output.stdout)?;
    let (_, section) = page.split_once("<h2>Answers of ").context("no section")?;
    assert!(section.contains("status: <code>200</code> | <code>404</code>"), "{section}");
    Ok(())
}
