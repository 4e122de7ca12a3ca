use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// GeoIP2 databases, and the variables that are made of them. `Default` is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GeoSettings {
    /// `use-geoip2`: the databases are read. Default false.
    pub is_enabled: bool,
    /// `geoip2-autoreload-in-minutes`: how often files that have changed are read again; zero is never. Default zero.
    pub reload: Duration,
    /// `--geoip-dir`: the directory of the databases. Default empty.
    pub directory: Arc<Path>,
    /// `--maxmind-edition-ids`: the databases, by their names without `.mmdb`. Default none.
    pub editions: Arc<[Arc<str>]>,
}

impl Default for GeoSettings {
    fn default() -> Self {
        Self { is_enabled: false, reload: Duration::ZERO, directory: Path::new("").into(), editions: Arc::from([]) }
    }
}

/// What a database is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GeoDatabase {
    /// `GeoLite2-Country`, `GeoIP2-Country`
    Country,
    /// `GeoLite2-City`, `GeoIP2-City`
    City,
    /// `GeoLite2-ASN`, `GeoIP2-ASN`
    Asn,
    /// `GeoIP2-ISP`
    Isp,
    /// `GeoIP2-Connection-Type`
    ConnectionType,
    /// `GeoIP2-Anonymous-IP`
    AnonymousIp,
}

impl GeoDatabase {
    /// What the database of this name is about; `None` if nothing of it makes variables.
    pub fn of_edition(edition: &str) -> Option<Self> {
        match edition {
            "GeoLite2-Country" | "GeoIP2-Country" => Some(Self::Country),
            "GeoLite2-City" | "GeoIP2-City" => Some(Self::City),
            "GeoLite2-ASN" | "GeoIP2-ASN" => Some(Self::Asn),
            "GeoIP2-ISP" => Some(Self::Isp),
            "GeoIP2-Connection-Type" => Some(Self::ConnectionType),
            "GeoIP2-Anonymous-IP" => Some(Self::AnonymousIp),
            _ => None,
        }
    }
}

/// A variable that a database makes of the client's address, as in ingress-nginx's template.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GeoVariable {
    /// Its name, without the `$`.
    pub name: &'static str,
    /// Where its value is, the first that has it.
    pub sources: &'static [GeoSource],
}

/// Where a database has a value.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GeoSource {
    /// Which database.
    pub database: GeoDatabase,
    /// The keys that lead to it; a number is a place in a list, from 0.
    pub path: &'static [&'static str],
    /// The value where the database has none.
    pub default: Option<&'static str>,
}

impl GeoVariable {
    /// The variable of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        name.starts_with("geoip2_").then(|| GEO_VARIABLES.iter().find(|variable| variable.name == name))?
    }
}

macro_rules! variables {
    ($($name:literal = $($database:ident [$($key:literal),*] $(or $default:literal)?),*;)*) => {
        /// All variables of databases.
        pub static GEO_VARIABLES: &[GeoVariable] = &[$(GeoVariable {
            name: $name,
            sources: &[$(GeoSource {
                database: GeoDatabase::$database,
                path: &[$($key),*],
                default: variables!(@default $($default)?),
            }),*],
        }),*];
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}

variables! {
    "geoip2_country_code" = Country ["country", "iso_code"];
    "geoip2_country_name" = Country ["country", "names", "en"];
    "geoip2_country_geoname_id" = Country ["country", "geoname_id"];
    "geoip2_continent_code" = Country ["continent", "code"];
    "geoip2_continent_name" = Country ["continent", "names", "en"];
    "geoip2_continent_geoname_id" = Country ["continent", "geoname_id"];
    "geoip2_city_country_code" = City ["country", "iso_code"];
    "geoip2_city_country_name" = City ["country", "names", "en"];
    "geoip2_city_country_geoname_id" = City ["country", "geoname_id"];
    "geoip2_city" = City ["city", "names", "en"];
    "geoip2_city_geoname_id" = City ["city", "geoname_id"];
    "geoip2_postal_code" = City ["postal", "code"];
    "geoip2_dma_code" = City ["location", "metro_code"];
    "geoip2_latitude" = City ["location", "latitude"];
    "geoip2_longitude" = City ["location", "longitude"];
    "geoip2_time_zone" = City ["location", "time_zone"];
    "geoip2_region_code" = City ["subdivisions", "0", "iso_code"];
    "geoip2_region_name" = City ["subdivisions", "0", "names", "en"];
    "geoip2_region_geoname_id" = City ["subdivisions", "0", "geoname_id"];
    "geoip2_subregion_code" = City ["subdivisions", "1", "iso_code"];
    "geoip2_subregion_name" = City ["subdivisions", "1", "names", "en"];
    "geoip2_subregion_geoname_id" = City ["subdivisions", "1", "geoname_id"];
    "geoip2_city_continent_code" = City ["continent", "code"];
    "geoip2_city_continent_name" = City ["continent", "names", "en"];
    "geoip2_asn" = Asn ["autonomous_system_number"], Isp ["autonomous_system_number"] or "0";
    "geoip2_org" = Asn ["autonomous_system_organization"];
    "geoip2_isp" = Isp ["isp"];
    "geoip2_isp_org" = Isp ["organization"];
    "geoip2_connection_type" = ConnectionType ["connection_type"];
    "geoip2_is_anon" = AnonymousIp ["is_anonymous"];
    "geoip2_is_anonymous" = AnonymousIp ["is_anonymous"] or "0";
    "geoip2_is_anonymous_vpn" = AnonymousIp ["is_anonymous_vpn"] or "0";
    "geoip2_is_hosting_provider" = AnonymousIp ["is_hosting_provider"] or "0";
    "geoip2_is_public_proxy" = AnonymousIp ["is_public_proxy"] or "0";
    "geoip2_is_tor_exit_node" = AnonymousIp ["is_tor_exit_node"] or "0";
}
