//! The pages in a real Chromium: nothing is refused or too wide, axe-core finds nothing, and pictures for the docs.

use super::objects::objects;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::env;
use std::path::Path;
use tests::adit::Adit;
use tests::browser::Browser;

/// Fetched by `make test`.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/axe-core/axe.min.js");

/// Where pictures are written to if this is set: `make screenshots` does so.
const PICTURES: &str = "ADIT_TEST_WRITE_SCREENSHOTS";

/// The longest picture in pixels.
const LONGEST: u32 = 2000;

/// Each page by the name of its picture.
const PAGES: [(&str, &str); 7] = [
    ("overview", ""),
    ("hosts", "hosts"),
    ("host", "host?name=shop.example.com"),
    ("backends", "backends"),
    ("certificates", "certificates"),
    ("why", "why?method=GET&url=https%3A%2F%2Fshop.example.com%2Fcart%2Fitems&headers=X-User%3A+me"),
    ("requests", "requests"),
];

/// A window on a desk and one on a phone, with what their users prefer.
const WINDOWS: [(&str, u32, u32, &str); 3] =
    [("desktop", 1000, 750, "light"), ("phone", 360, 740, "light"), ("dark", 360, 740, "dark")];

#[tokio::test]
async fn the_pages_are_for_everybody() -> Result<()> {
    ensure!(Path::new(AXE).exists(), "{AXE} is missing: `make test` fetches it");
    let axe = std::fs::read_to_string(AXE)?;
    let adit = Adit::start(&objects()?).await?;
    let mut browser = Browser::start().await?;
    // Whoever looks has requests kept.
    browser.open(&format!("http://{}/dashboard/requests", adit.admin_address()?)).await?;
    ask(&adit, &["/cart/items?id=7", "/cart/pay", "/static/logo.svg"]).await?;
    for (window, width, height, colours) in WINDOWS {
        browser.show_as(width, height, colours).await?;
        for (name, page) in PAGES {
            browser.open(&format!("http://{}/dashboard/{page}", adit.admin_address()?)).await?;
            let wide = browser.evaluate("document.documentElement.scrollWidth").await?;
            assert!(wide.as_u64() <= Some(width.into()), "{name} in {window}: {wide} pixels wide");
            if env::var_os(PICTURES).is_some() && window != "dark" {
                let length = browser.evaluate("document.body.scrollHeight").await?.as_u64().context("a length")?;
                browser.show_as(width, u32::try_from(length)?.min(LONGEST), colours).await?;
                write_picture(&mut browser, &format!("{name}-{window}")).await?;
                browser.show_as(width, height, colours).await?;
            }
            browser.evaluate(&axe).await.context("axe-core")?;
            let found =
                browser.evaluate("axe.run().then(found => [found.violations, found.passes.length > 9])").await?;
            assert_eq!(found, json!([[], true]), "{name} in {window}");
        }
    }
    assert_eq!(browser.complaints, [""; 0]);
    Ok(())
}

/// The first key that is pressed shows a way past the navigation.
#[tokio::test]
async fn a_keyboard_is_enough() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    let mut browser = Browser::start().await?;
    browser.open(&format!("http://{}/dashboard/why", adit.admin_address()?)).await?;
    let mut focused = Vec::new();
    for _ in 0..13 {
        browser.press_tab().await?;
        let at = "(document.activeElement.id || document.activeElement.textContent)
            + (document.activeElement.getBoundingClientRect().top < 0 ? ' is not seen' : '')";
        focused.push(browser.evaluate(at).await?.as_str().context("text")?.to_owned());
    }
    let navigation =
        ["Skip to the content", "Adit", "Overview", "Hosts", "Backends", "Certificates", "Why", "Requests"];
    assert_eq!(focused, [&navigation[..], &["method", "url", "headers", "Explain", "With other objects"]].concat());
    Ok(())
}

/// The form takes a draft, without any script, also one that is longer than the head of a request may be.
#[tokio::test]
async fn a_draft_is_explained() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    let mut browser = Browser::start().await?;
    browser
        .open(&format!("http://{}/dashboard/why?url=http%3A%2F%2Fnew.example.com%2F", adit.admin_address()?))
        .await?;
    let draft = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "new", "namespace": "shop", "annotations": {"example.com/note": "x".repeat(20_000)}},
        "spec": {"rules": [{"host": "new.example.com", "http": {"paths": [super::objects::path("/", "Prefix", "pay")]}}]},
    });
    browser.submit(&format!("document.getElementById('objects').value = {:?}", draft.to_string())).await?;
    let text = browser.evaluate("document.querySelector('main').textContent").await?;
    let text = text.as_str().context("text")?;
    for part in ["As it would be with Ingress shop/new", "forwarded to shop/pay:80", "shop/reports:80 has no endpoint"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let axe = std::fs::read_to_string(AXE)?;
    browser.evaluate(&axe).await.context("axe-core")?;
    assert_eq!(browser.evaluate("axe.run().then(found => found.violations)").await?, json!([]));
    assert_eq!(browser.complaints, [""; 0]);
    Ok(())
}

/// A script adds requests to their page as they end; a button stops it. Each leads to its explanation.
#[tokio::test]
async fn requests_are_added_as_they_end() -> Result<()> {
    let adit = Adit::start(&objects()?).await?;
    let mut browser = Browser::start().await?;
    let page = format!("http://{}/dashboard/requests", adit.admin_address()?);
    browser.open(&page).await?;
    let rows = "document.querySelectorAll('tbody tr').length";
    assert_eq!(browser.evaluate(rows).await?, 0);
    ask(&adit, &["/cart?first", "/nothing?<b>second"]).await?;
    let appear = "new Promise(seen => { const look = () =>
        document.querySelectorAll('tbody tr').length == 2 ? seen() : requestAnimationFrame(look); look(); })";
    browser.evaluate(appear).await?;
    let newest = browser.evaluate("document.querySelector('tbody a').textContent").await?;
    assert_eq!(newest, "GET http://shop.example.com/nothing?<b>second");
    let press = "document.getElementById('pause').click(), document.getElementById('pause').textContent";
    assert_eq!(browser.evaluate(press).await?, "Go on");
    let link = browser.evaluate("document.querySelector('tbody a').href").await?;
    browser.open(link.as_str().context("a link")?).await?;
    assert_eq!(browser.evaluate("document.querySelector('.request').textContent").await?, newest);
    assert_eq!(browser.complaints, [""; 0]);
    Ok(())
}

/// Asks on one connection, so that the requests end one after the other.
async fn ask(adit: &Adit, paths: &[&str]) -> Result<()> {
    let mut connection = adit.connect().await?;
    for path in paths {
        connection.send(format!("GET {path} HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")).await?;
        connection.response("GET").await?;
    }
    Ok(())
}

async fn write_picture(browser: &mut Browser, name: &str) -> Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dashboard");
    std::fs::create_dir_all(&directory)?;
    Ok(std::fs::write(directory.join(format!("{name}.png")), browser.screenshot().await?)?)
}
