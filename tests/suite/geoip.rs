//! Variables of GeoIP2 databases: in the access log, in headers and in rules of snippets.

use anyhow::{Context, Result, ensure};
use controller::settings::ControllerSettings;
use maxminddb_writer::Database;
use maxminddb_writer::paths::IpAddrWithMask;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::adit::{Adit, annotated};
use tests::backend::mirror;
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tokio::time::timeout;

const SNIPPET: &str = "if ($geoip2_city_country_code = KP) { return 451; }\n\
                       more_set_headers \"X-Country: $geoip2_city_country_code\";\n";
const HTTP_SNIPPET: &str = "map $geoip2_city_country_code $near { GB yes; default no; }\n";

/// Directories with the database of cities, of two countries.
fn databases() -> Result<TempDir> {
    let mut database = Database::default();
    database.metadata.binary_format_major_version = 2;
    for (network, code) in [("192.0.2.0/24", "GB"), ("198.51.100.0/24", "KP")] {
        let value = database.insert_value(json!({"country": {"iso_code": code}}))?;
        database.insert_node(network.parse::<IpAddrWithMask>().ok().context("a network")?, value);
    }
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("GeoLite2-City.mmdb"), database.write_to(Vec::new())?)?;
    Ok(directory)
}

fn settings(directory: &TempDir) -> ControllerSettings {
    let geoip_editions = vec!["GeoLite2-City".to_owned()];
    ControllerSettings { geoip: directory.path().to_owned(), geoip_editions, ..ControllerSettings::default() }
}

fn config(more: &[(&str, &str)]) -> Value {
    let mut data = json!({
        "use-forwarded-headers": "true",
        "allow-snippet-annotations": "true",
        "annotations-risk-level": "Critical",
        "http-snippet": HTTP_SNIPPET,
    });
    for (key, value) in more {
        data[key] = json!(value);
    }
    data
}

async fn ask(adit: &Adit, client: &str) -> Result<Response> {
    let mut connection = Connection::open(adit.address()?).await?;
    connection.send(format!("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: {client}\r\n\r\n")).await?;
    connection.response("GET").await
}

#[tokio::test]
async fn rules_headers_and_log_know_the_country_of_a_client() -> Result<()> {
    let files = databases()?;
    let snippet = format!("{SNIPPET}proxy_set_header X-Near $near;\n");
    let annotations = [("configuration-snippet", &*snippet)];
    let config = config(&[("use-geoip2", "true"), ("log-format-upstream", "[$geoip2_city_country_code] $status")]);
    let manifests = annotated(&annotations, &[mirror().await?], &config);
    let (adit, mut log) = Adit::start_logging_as(settings(&files), &manifests).await?;
    for (client, status, code, near) in
        [("192.0.2.7", 200, "GB", "yes"), ("203.0.113.1", 200, "-", "no"), ("198.51.100.7", 451, "KP", "")]
    {
        let response = ask(&adit, client).await?;
        assert_eq!(response.status, status, "{client}");
        let line = timeout(PATIENCE, log.recv()).await?.context("no line")?;
        assert_eq!(line.trim_end(), format!("[{code}] {status}"), "{client}");
        let seen = String::from_utf8(response.body)?.to_ascii_lowercase();
        ensure!(status != 200 || seen.contains(&format!("x-near: {near}\n")), "{client}: {seen}");
    }
    Ok(())
}

#[tokio::test]
async fn no_rule_is_passed_by_for_want_of_a_database() -> Result<()> {
    let empty = tempfile::tempdir()?;
    let annotations = [("configuration-snippet", SNIPPET)];
    for (config, is_reported) in [(config(&[("use-geoip2", "true")]), true), (config(&[]), false)] {
        let manifests = annotated(&annotations, &[mirror().await?], &config);
        let adit = Adit::start_as(settings(&empty), &manifests).await?;
        assert_eq!(ask(&adit, "192.0.2.7").await?.status, 500);
        let diagnostics = adit.state()?.borrow().diagnostics.clone();
        let said: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
        let names_it = |said: &String| said.contains("GeoLite2-City") && said.contains("cannot be read");
        assert_eq!(said.iter().any(names_it), is_reported, "{said:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_asks_for_no_database_serves_without_one() -> Result<()> {
    let empty = tempfile::tempdir()?;
    let config = config(&[("use-geoip2", "true"), ("log-format-upstream", "$geoip2_city")]);
    let adit = Adit::start_as(settings(&empty), &annotated(&[], &[mirror().await?], &config)).await?;
    assert_eq!(ask(&adit, "192.0.2.7").await?.status, 200);
    Ok(())
}
