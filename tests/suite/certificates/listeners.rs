//! Certificates of the listeners of Gateways: told of where those of Ingresses are.

use super::{certificate, ingress};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::adit::{Adit, documents};
use tests::connection::Connection;
use tests::html;
use tests::objects;

/// A Gateway with a listener for a host over HTTPS, and its class.
fn gateway(host: &str, secret: &str) -> [Value; 2] {
    let tls = json!({"certificateRefs": [{"name": secret}]});
    let listener = json!({"name": "https", "port": 443, "protocol": "HTTPS", "hostname": host, "tls": tls});
    objects::gateway(&json!([listener]))
}

/// What the admin port answers.
async fn get(adit: &Adit, target: &str) -> Result<String> {
    let mut connection = Connection::open(adit.admin_address()?).await?;
    connection.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await?;
    let response = connection.response("GET").await?;
    let body = String::from_utf8(response.body)?;
    anyhow::ensure!(response.status == 200, "{target}: {body}");
    Ok(body)
}

/// The hosts whose certificates the metrics have, each with its Secret.
async fn measured(adit: &Adit) -> Result<BTreeSet<[String; 2]>> {
    let text = adit.metrics().await?;
    let samples = text.lines().filter(|line| line.starts_with("nginx_ingress_controller_ssl_expire_time_seconds{"));
    let label = |sample: &str, name: &str| {
        let value = sample.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
        value.map_or_else(String::new, |(value, _)| value.to_owned())
    };
    Ok(samples.map(|sample| ["host", "secret_name"].map(|name| label(sample, name))).collect())
}

fn one(host: &str, secret: &str) -> BTreeSet<[String; 2]> {
    BTreeSet::from([[host.to_owned(), secret.to_owned()]])
}

#[tokio::test]
async fn that_of_a_listener_is_measured_in_place_of_an_ingress_s() -> Result<()> {
    const HOST: &str = "shop.example";
    let secrets = [certificate("of-ingress", HOST)?.0, certificate("of-listener", HOST)?.0];
    let objects = |gateway: Option<[Value; 2]>| {
        let ingress = ingress("of-ingress", HOST);
        documents(secrets.iter().cloned().chain([ingress]).chain(gateway.into_iter().flatten()))
    };
    let mut adit = Adit::start(&objects(None)).await?;
    assert_eq!(measured(&adit).await?, one(HOST, "of-ingress"));
    adit.replace(&objects(Some(gateway(HOST, "of-listener")))).await?;
    assert_eq!(measured(&adit).await?, one(HOST, "of-listener"));
    adit.replace(&objects(Some(gateway("*.example", "of-listener")))).await?;
    let both = &one(HOST, "of-ingress") | &one("**.example", "of-listener");
    assert_eq!(measured(&adit).await?, both, "another host");
    adit.replace(&objects(None)).await?;
    assert_eq!(measured(&adit).await?, one(HOST, "of-ingress"));
    Ok(())
}

#[tokio::test]
async fn it_is_listed_and_leads_to_its_host() -> Result<()> {
    let secrets = [certificate("any", "shop.example")?.0, certificate("shop", "shop.example")?.0];
    let objects = secrets.into_iter().chain([ingress("shop", "shop.example")]).chain(gateway("*.example", "any"));
    let adit = Adit::start(&documents(objects)).await?;
    let listed: Value = serde_json::from_str(&get(&adit, "/debug/certificates").await?)?;
    let listed: BTreeSet<_> =
        listed.as_array().into_iter().flatten().map(|one| format!("{} {}", one["secret"], one["hosts"])).collect();
    let expected = [
        r#""Secret default/any" ["**.example (HTTPS)"]"#.to_owned(),
        r#""Secret default/shop" ["shop.example"]"#.to_owned(),
    ];
    assert_eq!(listed, BTreeSet::from(expected));
    let page = get(&adit, "/dashboard/certificates?q=any").await?;
    let link = page.split("href=\"host?").nth(1).and_then(|rest| rest.split('"').next());
    let host = get(&adit, &format!("/dashboard/host?{}", html::text(link.context("a link to the host")?))).await?;
    assert!(html::text(&host).contains("Secret default/any"), "{host}");
    Ok(())
}
