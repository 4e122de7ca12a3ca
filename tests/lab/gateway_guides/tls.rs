//! Certificates of listeners, one for a host and one for all others of a domain; and a redirect for who comes without TLS.

use super::{SERVED, address_of, adit, comes_back, comes_to};
use anyhow::{Result, ensure};
use tests::lab::{Echo, Entry, Namespace, certificate, eventually};

/// The listeners for HTTPS, by their places in the Gateway.
const LISTENERS: [&str; 2] = ["/listeners/1", "/listeners/2"];

#[tokio::test]
async fn listeners_show_their_certificates_and_http_leads_to_https() -> Result<()> {
    let _adit = adit().await?;
    let namespace = Namespace::create("guide-tls").await?;
    Echo::start_all(&["shop", "others"].map(Echo::new), &namespace).await?;
    namespace.apply(include_str!("tls/gateway.yaml")).await?;
    namespace.apply(include_str!("tls/routes.yaml")).await?;
    let entry = address_of(&namespace, "secure").await?;
    let without = ["ResolvedRefs False InvalidCertificateRef", "Programmed False Invalid"];
    for listener in LISTENERS {
        comes_to(&namespace, "gateway secure", listener, &without).await?;
    }

    let (shop, of_shop) = certificate("shop-certificate", "shop.tls.example.com")?;
    let (wildcard, of_others) = certificate("wildcard-certificate", "*.tls.example.com")?;
    namespace.apply(&format!("{shop}\n---\n{wildcard}")).await?;
    let with = ["ResolvedRefs True ResolvedRefs", "Programmed True Programmed"];
    for listener in LISTENERS {
        comes_to(&namespace, "gateway secure", listener, &with).await?;
    }
    for route in ["to-https", "shop", "others"] {
        comes_to(&namespace, &format!("httproute {route}"), "/parents/0", &SERVED).await?;
    }
    shows(&entry, "shop.tls.example.com", "shop", &of_shop).await?;
    shows(&entry, "blog.tls.example.com", "others", &of_others).await?;
    for host in ["shop.tls.example.com", "blog.tls.example.com"] {
        let there = Some(format!("https://{host}/cart?item=1"));
        comes_back(&entry, (host, "/cart?item=1"), &[], |answer| {
            let location = answer.header("location");
            ensure!(answer.status == 301 && location == there, "status {} to {location:?}", answer.status);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Waits until a host shows this certificate, and is served by this Service.
async fn shows(entry: &Entry, host: &str, service: &str, certificate: &[u8]) -> Result<()> {
    eventually(&format!("the certificate of https://{host}/ and an answer by {service}"), async || {
        for _ in 0..super::IN_A_ROW {
            let (answer, shown) = entry.get_tls(host, "/").await?;
            super::is_from(&answer, service)?;
            ensure!(shown == certificate, "another certificate");
        }
        Ok(())
    })
    .await
}
