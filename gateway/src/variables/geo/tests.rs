use super::*;
use maxminddb_writer::Database as Writer;
use maxminddb_writer::metadata::IpVersion;
use maxminddb_writer::paths::IpAddrWithMask;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Writes a database with these networks.
fn write(directory: &Path, edition: &str, networks: &[(&str, Value)]) {
    let mut writer = Writer::default();
    writer.metadata.binary_format_major_version = 2;
    writer.metadata.ip_version = IpVersion::V6;
    for (network, value) in networks {
        let value = writer.insert_value(value).expect("serializable");
        writer.insert_node(network.parse::<IpAddrWithMask>().expect("a network"), value);
    }
    let bytes = writer.write_to(Vec::new()).expect("written");
    fs::write(directory.join(format!("{edition}.mmdb")), bytes).expect("a directory");
}

fn settings(directory: &Path, editions: &[&str]) -> GeoSettings {
    let editions = editions.iter().map(|edition| Arc::from(*edition)).collect();
    GeoSettings { is_enabled: true, directory: directory.into(), editions, reload: Duration::from_secs(60) }
}

fn value(databases: &GeoIp, name: &str, client: &str) -> Result<Option<String>, NoDatabase> {
    let variable = GeoVariable::named(name).expect(name);
    let mut out = Vec::new();
    let found = databases.value(variable, client.parse().expect("an address"), &mut out)?;
    assert!(found || out.is_empty(), "an absent value appends nothing");
    Ok(found.then(|| String::from_utf8(out).expect("text")))
}

fn country(code: &str) -> Value {
    json!({"country": {"iso_code": code}})
}

#[test]
fn values_are_written_as_nginx_writes_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let city = json!({
        "city": {"geoname_id": 2_643_743_u32, "names": {"en": "London"}},
        "location": {"latitude": 51.5, "longitude": -0.25},
        "subdivisions": [{"iso_code": "ENG"}, {"iso_code": "LND"}],
    });
    write(directory.path(), "GeoLite2-City", &[("2001:db8::/32", city)]);
    write(directory.path(), "GeoIP2-Anonymous-IP", &[("2001:db8::/32", json!({"is_anonymous": true}))]);
    write(directory.path(), "GeoIP2-ISP", &[("2001:db8::/32", json!({"isp": "i"}))]);
    let databases = GeoIp::default();
    let editions = ["GeoLite2-City", "GeoIP2-Anonymous-IP", "GeoIP2-ISP"];
    assert_eq!(databases.configure(&settings(directory.path(), &editions)), []);
    for (name, expected) in [
        ("geoip2_city", Some("London")),
        ("geoip2_city_geoname_id", Some("2643743")),
        ("geoip2_latitude", Some("51.50000")),
        ("geoip2_longitude", Some("-0.25000")),
        ("geoip2_region_code", Some("ENG")),
        ("geoip2_subregion_code", Some("LND")),
        ("geoip2_postal_code", None),
        ("geoip2_is_anonymous", Some("1")),
        ("geoip2_is_tor_exit_node", Some("0")),
        ("geoip2_asn", Some("0")),
        ("geoip2_isp", Some("i")),
    ] {
        assert_eq!(value(&databases, name, "2001:db8::1"), Ok(expected.map(str::to_owned)), "{name}");
    }
    assert_eq!(value(&databases, "geoip2_city", "2001:db9::1"), Ok(None), "an address that is not there");
    assert_eq!(value(&databases, "geoip2_is_anon", "2001:db9::1"), Ok(None));
    assert_eq!(value(&databases, "geoip2_country_code", "2001:db8::1"), Err(NoDatabase));
}

#[test]
fn what_cannot_be_read_is_named_and_leaves_the_others() {
    let directory = tempfile::tempdir().expect("a directory");
    write(directory.path(), "GeoIP2-Country", &[("2001:db8::/32", country("GB"))]);
    fs::write(directory.path().join("GeoLite2-City.mmdb"), "no database").expect("written");
    let databases = GeoIp::default();
    let editions = ["GeoLite2-City", "GeoIP2-Country", "GeoLite2-ASN", "GeoIP2-Planet"];
    let rejected = databases.configure(&settings(directory.path(), &editions));
    let values: Vec<_> = rejected.iter().map(|rejection| &*rejection.value).collect();
    assert_eq!(values, ["GeoLite2-City", "GeoLite2-ASN", "GeoIP2-Planet"], "{rejected:?}");
    assert_eq!(value(&databases, "geoip2_country_code", "2001:db8::1"), Ok(Some("GB".into())));
    assert_eq!(value(&databases, "geoip2_asn", "2001:db8::1"), Err(NoDatabase));
    let off = GeoSettings { is_enabled: false, ..settings(directory.path(), &editions) };
    assert_eq!(databases.configure(&off), []);
    assert_eq!(value(&databases, "geoip2_country_code", "2001:db8::1"), Err(NoDatabase));
}

#[tokio::test(start_paused = true)]
async fn files_that_change_are_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    write(directory.path(), "GeoIP2-Country", &[("2001:db8::/32", country("GB"))]);
    let databases = Arc::new(GeoIp::default());
    databases.configure(&settings(directory.path(), &["GeoIP2-Country"]));
    let following = tokio::spawn(databases.clone().follow());
    let code = || value(&databases, "geoip2_country_code", "2001:db8::1");
    let becomes = async |expected: &str| {
        while code() != Ok(Some(expected.to_owned())) {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    };
    write(directory.path(), "GeoIP2-Country", &[("2001:db8::/32", country("FRANCE"))]);
    becomes("FRANCE").await;
    fs::write(directory.path().join("GeoIP2-Country.mmdb"), "damaged").expect("written");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(code(), Ok(Some("FRANCE".into())), "what was there stays");
    write(directory.path(), "GeoIP2-Country", &[("2001:db8::/32", country("SE"))]);
    becomes("SE").await;
    following.abort();
}
