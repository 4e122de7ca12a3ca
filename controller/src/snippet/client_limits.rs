//! Limits on clients: zones, in which requests are counted, and how many may come.

use super::entry::{Call, Entry, HTTP_ONLY, HTTP_SERVER_LOCATION, OUTSIDE_IF, set_once};
use crate::registry::Value;
use gateway::config::{ConnectionLimit, LimitZone, Piece, RequestLimit, RequestZone, Variable};
use std::num::NonZero;
use std::sync::Arc;

/// So many limits of one kind may stand in a block.
const MAX_LIMITS: usize = 16;
/// So many zones there may be of one kind.
const MAX_ZONES: usize = 100;
/// nginx needs as much for a client, and this much for a zone.
const BYTES_OF_CLIENT: u64 = 128;
const LEAST_BYTES: u64 = 32 << 10;

const LOG: &str = "the access log has the reason of each refusal";

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "limit_req_zone",
        HTTP_ONLY,
        2..=3,
        "Makes a zone in which requests are counted: `limit_req_zone KEY zone=NAME:SIZE rate=RATE`. The key is a text with variables that \
         tells clients apart, those of `map` and `geo` included; requests with an empty one are not counted. The rate is such as `10r/s` \
         or `30r/m`, `1r/s` by default. Of a size of 1m the zone knows 8192 clients, at most those of 64m; beyond them it forgets those \
         whose last request is longest ago. The counts stay when the configuration changes, unless key or size do. All replicas of Adit \
         count for themselves, or with the ConfigMap's `limit-replicas` their part.",
        request_zone,
    ),
    Entry::works(
        "limit_req",
        HTTP_SERVER_LOCATION,
        1..=4,
        "Refuses requests that come faster than the rate of a zone: `limit_req zone=NAME burst=NUMBER nodelay`. So many more may come at \
         once, none by default. Those beyond the rate wait until it allows for them, but with `delay=NUMBER` so many go on at once, and \
         with `nodelay` all. Who is refused for another reason does not wait. All limits of a location hold, and what one refuses counts \
         for none. As in nginx a location with one of its own, or with `limit-rps` or `limit-rpm`, inherits none, and requests that \
         `return` answers are not counted.",
        limit_requests,
    ),
    Entry::works(
        "limit_req_status",
        OUTSIDE_IF,
        1..=1,
        "The status of requests above a rate, also above `limit-rps` and `limit-rpm`: 400 to 599, but not 444. Default the ConfigMap's \
         `limit-req-status-code`.",
        |call| {
            let status = status(call)?;
            set_once(&mut call.block.limits.requests.status, status)
        },
    ),
    Entry::works(
        "limit_req_dry_run",
        HTTP_SERVER_LOCATION,
        1..=1,
        "`on` counts requests, but refuses none and lets none wait, above `limit-rps` and `limit-rpm` neither.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.limits.requests.dry_run, is_on)
        },
    ),
    Entry::works(
        "limit_conn_zone",
        HTTP_ONLY,
        2..=2,
        "Makes a zone in which requests in progress are counted: `limit_conn_zone KEY zone=NAME:SIZE`. The key is as that of \
         `limit_req_zone`. The size bounds nothing: only what is in progress takes memory.",
        connection_zone,
    ),
    Entry::works(
        "limit_conn",
        HTTP_SERVER_LOCATION,
        2..=2,
        "Refuses requests of a client that has as many in progress: `limit_conn NAME NUMBER`. All limits of a location hold; what inherits \
         is as with `limit_req`, and `limit-connections`. The requests of a connection of HTTP/2 count one by one.",
        limit_connections,
    ),
    Entry::works(
        "limit_conn_status",
        OUTSIDE_IF,
        1..=1,
        "As `limit_req_status`, of `limit_conn` and `limit-connections`. Default the ConfigMap's `limit-conn-status-code`.",
        |call| {
            let status = status(call)?;
            set_once(&mut call.block.limits.connections.status, status)
        },
    ),
    Entry::works(
        "limit_conn_dry_run",
        HTTP_SERVER_LOCATION,
        1..=1,
        "As `limit_req_dry_run`, of `limit_conn` and `limit-connections`.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.limits.connections.dry_run, is_on)
        },
    ),
    Entry::idle("limit_req_log_level", HTTP_SERVER_LOCATION, LOG),
    Entry::idle("limit_conn_log_level", HTTP_SERVER_LOCATION, LOG),
];

/// As nginx: ngx_http_limit_req_zone.
fn request_zone(call: &mut Call<'_>) -> Result<(), String> {
    let (mut zone, mut rate) = (None, (NonZero::<u32>::MIN, false));
    for parameter in &call.arguments[1..] {
        match parameter.split_once('=') {
            Some(("zone", text)) => set_once(&mut zone, text)?,
            Some(("rate", text)) => rate = self::rate(text)?,
            _ => return Err(format!("has the parameter {parameter:?}: expected zone=NAME:SIZE and rate=RATE")),
        }
    }
    let zone = new_zone(call, zone.ok_or("has no zone: expected zone=NAME:SIZE")?)?;
    let (rate, per_minute) = rate;
    let zones = &mut call.block.zones.requests;
    zones.push(Arc::new(RequestZone { zone, rate, per_minute }));
    within(zones.len(), MAX_ZONES)
}

/// As nginx: ngx_http_limit_conn_zone.
fn connection_zone(call: &mut Call<'_>) -> Result<(), String> {
    let text = call.argument(1).strip_prefix("zone=").ok_or("has no zone: expected zone=NAME:SIZE")?;
    let zone = new_zone(call, text)?;
    let zones = &mut call.block.zones.connections;
    zones.push(Arc::new(zone));
    within(zones.len(), MAX_ZONES)
}

/// The zone of a directive whose first argument is the key.
fn new_zone(call: &Call<'_>, text: &str) -> Result<LimitZone, String> {
    const EXPECTED: &str = "has a zone that is not valid: expected zone=NAME:SIZE, such as zone=clients:10m";
    let key = call.variables.template(call.argument(0))?;
    if key.0.iter().any(is_late) {
        return Err("has a key with a variable that is not known when a request arrives, such as $status".into());
    }
    let (name, size) = text.split_once(':').filter(|(name, _)| !name.is_empty()).ok_or(EXPECTED)?;
    let bytes = Value::from(size).size().map_err(|_| EXPECTED)?;
    if bytes < LEAST_BYTES {
        return Err("has a zone that is too small, in nginx, too: expected at least 32k".into());
    }
    let zones = &call.block.zones;
    let mut names = zones.requests.iter().map(|zone| &zone.zone).chain(zones.connections.iter().map(|zone| &**zone));
    if names.any(|zone| *zone.name == *name) {
        return Err(format!("makes the zone {name:?} once more: nginx takes each name only once"));
    }
    let clients = u32::try_from(bytes / BYTES_OF_CLIENT).unwrap_or(u32::MAX).min(LimitZone::MAX_CLIENTS);
    Ok(LimitZone { name: name.into(), key, clients })
}

/// So many requests, and whether they are those of a minute.
fn rate(text: &str) -> Result<(NonZero<u32>, bool), String> {
    let (number, per_minute) = match text.strip_suffix("r/m") {
        Some(number) => (number, true),
        None => (text.strip_suffix("r/s").unwrap_or(text), false),
    };
    let expected = || format!("has the rate {text:?}: expected such as \"10r/s\" or \"30r/m\"");
    Ok((positive(number).ok_or_else(expected)?, per_minute))
}

/// As nginx: ngx_http_limit_req.
fn limit_requests(call: &mut Call<'_>) -> Result<(), String> {
    let (mut name, mut burst, mut delay) = (None, 0, 0);
    for parameter in call.arguments {
        let number = |text| {
            let number = positive::<NonZero<u32>>(text).map(NonZero::get);
            number.ok_or_else(|| format!("has the parameter {parameter:?}: expected a number above 0"))
        };
        match parameter.split_once('=') {
            Some(("zone", text)) => set_once(&mut name, text)?,
            Some(("burst", text)) => burst = number(text)?,
            Some(("delay", text)) => delay = number(text)?,
            None if parameter == "nodelay" => delay = u32::MAX,
            _ => return Err(format!("has the parameter {parameter:?}: expected zone=NAME, burst=NUMBER and nodelay")),
        }
    }
    let name = name.ok_or("has no zone: expected zone=NAME")?;
    let zone = call.zones.requests.iter().find(|zone| *zone.zone.name == *name);
    let zone = Arc::clone(zone.ok_or_else(|| unknown(name, "limit_req_zone"))?);
    let limits = &mut call.block.limits.requests.limits;
    if limits.iter().any(|other| other.zone == zone) {
        return Err("stands here twice for one zone: nginx takes it only once".into());
    }
    limits.push(RequestLimit { zone, burst, delay });
    within(limits.len(), MAX_LIMITS)
}

/// As nginx: ngx_http_limit_conn.
fn limit_connections(call: &mut Call<'_>) -> Result<(), String> {
    let name = call.argument(0);
    let most = positive(call.argument(1)).ok_or("has a number that is not valid: expected 1 to 65535")?;
    let zone = call.zones.connections.iter().find(|zone| *zone.name == *name);
    let zone = Arc::clone(zone.ok_or_else(|| unknown(name, "limit_conn_zone"))?);
    let limits = &mut call.block.limits.connections.limits;
    if limits.iter().any(|other| other.zone == zone) {
        return Err("stands here twice for one zone: nginx takes it only once".into());
    }
    limits.push(ConnectionLimit { zone, most });
    within(limits.len(), MAX_LIMITS)
}

fn unknown(name: &str, directive: &str) -> String {
    format!(
        "names the zone {name:?}, which is not there: expected one of a {directive} in the ConfigMap's http-snippet"
    )
}

fn within(count: usize, most: usize) -> Result<(), String> {
    if count > most { Err(format!("is one too many: expected at most {most}")) } else { Ok(()) }
}

fn status(call: &Call<'_>) -> Result<u16, String> {
    Value::from(call.argument(0)).refusal_status().map_err(|error| error.to_string())
}

/// A number above zero, in digits only.
fn positive<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Whether this has no value yet when a request is counted, or is another one for each request.
pub(crate) fn is_late(piece: &Piece) -> bool {
    use Variable as V;
    let Piece::Variable(variable) = piece else { return false };
    match variable {
        // Of the end of a request.
        V::BodyBytesSent | V::BytesSent | V::RequestLength | V::RequestTime | V::Status => true,
        V::BrotliRatio | V::GzipRatio | V::ZstdRatio => true,
        V::UpstreamAddr | V::UpstreamConnectTime | V::UpstreamHeaderTime => true,
        V::UpstreamResponseLength | V::UpstreamResponseTime | V::UpstreamStatus => true,
        V::SentHeader(_) | V::UpstreamHeader(_) => true,
        // Other for each request.
        V::Msec | V::RequestId | V::RequestIdNginx | V::TimeIso8601 | V::TimeLocal => true,
        // Of TCP and UDP services.
        V::BytesReceived | V::Protocol | V::SessionTime | V::SslPrereadServerName => true,
        V::UpstreamBytesReceived | V::UpstreamBytesSent => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::route_defaults::{LimitZones, SnippetBlock};
    use crate::snippet::finding::{Place, Verdict};
    use crate::snippet::{Context, read};
    use gateway::config::{LimitZone, Subject, Template};
    use std::collections::BTreeSet;

    /// What a text says, or what is wrong with it.
    fn read_in(text: &str, context: Context, zones: &LimitZones) -> Result<SnippetBlock, String> {
        let object = Subject::other("ConfigMap adit/adit");
        let place = Place { object: &object, field: "snippet", context, services: None, zones };
        let snippet = read(text, &place, &BTreeSet::new());
        let mut verdicts = snippet.findings.into_iter().map(|finding| finding.verdict);
        match verdicts.find_map(|verdict| if let Verdict::Fault(fault) = verdict { Some(fault) } else { None }) {
            None => Ok(snippet.block),
            Some(fault) => Err(fault),
        }
    }

    fn zones(text: &str) -> Result<LimitZones, String> {
        read_in(text, Context::Http, &LimitZones::default()).map(|block| block.zones)
    }

    #[test]
    fn zones_have_keys_sizes_and_rates() {
        let zones = zones(
            "limit_req_zone $binary_remote_addr zone=a:10m rate=10r/s;\
             limit_req_zone \"$http_x$cookie_y\" rate=30r/m zone=b:32k;\
             limit_req_zone all zone=c:1g;\
             limit_conn_zone $server_name zone=d:64m;",
        );
        let zones = zones.expect("no fault");
        let rates =
            zones.requests.iter().map(|zone| (&*zone.zone.name, zone.zone.clients, zone.rate.get(), zone.per_minute));
        let expected = [("a", 81_920, 10, false), ("b", 256, 30, true), ("c", LimitZone::MAX_CLIENTS, 1, false)];
        assert_eq!(rates.collect::<Vec<_>>(), expected);
        assert_eq!(zones.requests[1].zone.key, Template::parse("$http_x$cookie_y").expect("a template"));
        assert_eq!(zones.connections[0].clients, LimitZone::MAX_CLIENTS);
    }

    #[test]
    fn faults_of_zones() {
        for (text, part) in [
            ("limit_req_zone $host zone=a rate=1r/s;", "zone=NAME:SIZE"),
            ("limit_req_zone $host zone=:1m rate=1r/s;", "zone=NAME:SIZE"),
            ("limit_req_zone $host zone=a:1x rate=1r/s;", "zone=NAME:SIZE"),
            ("limit_req_zone $host zone=a:31k rate=1r/s;", "at least 32k"),
            ("limit_req_zone $host rate=1r/s;", "has no zone"),
            ("limit_req_zone $host zone=a:1m rate=0r/s;", "10r/s"),
            ("limit_req_zone $host zone=a:1m rate=1r/h;", "10r/s"),
            ("limit_req_zone $host zone=a:1m rate=+1r/s;", "10r/s"),
            ("limit_req_zone $host zone=a:1m sync;", "sync"),
            ("limit_req_zone $status zone=a:1m;", "$status"),
            ("limit_req_zone $nope zone=a:1m;", "$nope"),
            ("limit_req_zone $host zone=a:1m; limit_conn_zone $host zone=a:1m;", "once more"),
            ("limit_conn_zone $host a:1m;", "has no zone"),
            ("limit_req_status 429;", "expected it in a server or a location"),
        ] {
            let fault = zones(text).expect_err(text);
            assert!(fault.contains(part), "{text}: {fault}");
        }
        let many: String = (0..101).map(|number| format!("limit_req_zone $host zone={number}:1m;\n")).collect();
        assert!(zones(&many).expect_err("101 zones").contains("at most 100"));
    }

    #[test]
    fn faults_of_limits() {
        let text = "limit_req_zone $host zone=a:1m; limit_conn_zone $host zone=b:1m;";
        let zones = zones(text).expect("no fault");
        for (text, part) in [
            ("limit_req zone=b;", "limit_req_zone in the ConfigMap"),
            ("limit_conn a 1;", "limit_conn_zone in the ConfigMap"),
            ("limit_req zone=a burst=0 nodelay;", "above 0"),
            ("limit_req burst=5 nodelay;", "has no zone"),
            ("limit_req zone=a; limit_req zone=a burst=1 nodelay;", "twice"),
            ("limit_conn b 0;", "1 to 65535"),
            ("limit_conn b 65536;", "1 to 65535"),
            ("limit_req_status 444;", "not 444"),
        ] {
            let fault = read_in(text, Context::Location, &zones).expect_err(text);
            assert!(fault.contains(part), "{text}: {fault}");
        }
    }

    #[test]
    fn a_block_with_limits_inherits_none_but_the_status() {
        let zones = zones("limit_req_zone $host zone=a:1m; limit_conn_zone $host zone=b:1m;").expect("no fault");
        let read = |text| read_in(text, Context::Location, &zones).expect(text).limits;
        let outer =
            read("limit_req zone=a burst=5 nodelay; limit_conn b 1; limit_req_status 429; limit_conn_dry_run on;");
        let limits = read("limit_req zone=a;").over(&outer).expect("limits");
        assert_eq!((limits.requests.limits[0].burst, outer.requests.limits[0].delay), (0, u32::MAX));
        assert_eq!((limits.requests.status, limits.connections.limits[0].most.get()), (Some(429), 1));
        assert!(limits.connections.dry_run && !limits.requests.dry_run);
        assert_eq!(read("").over(&read("")), None);
    }
}
