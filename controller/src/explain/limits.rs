//! The limits that a request meets, in words.

use gateway::config::{
    ClientLimits, ConnectionLimit, LimitSettings, RequestLimit, RequestZone, ResponseRate, RoutePolicies, SnippetLimits,
};
use gateway::exchange::Decision;
use std::num::NonZero;

/// A sentence for each limit.
pub(super) fn list(decision: &Decision) -> Vec<String> {
    let rate = decision.route.as_ref().and_then(|route| of_response(route.policies.response_rate));
    of_clients(decision).into_iter().chain(rate).collect()
}

/// The same of those on clients.
pub(super) fn of_clients(decision: &Decision) -> Vec<String> {
    let Some(route) = &decision.route else { return Vec::new() };
    let policies: &RoutePolicies = &route.policies;
    let Excess { above_rate, above_number } = &Excess::new(policies.snippet_limits.as_ref(), &decision.settings.limits);
    let of_client = policies.client_limits.iter().flat_map(|limits| of_client(limits, above_rate, above_number));
    let of_snippets = policies.snippet_limits.iter().flat_map(|limits| {
        let rates = limits.requests.limits.iter().map(|limit| of_zone(limit, above_rate));
        rates.chain(limits.connections.limits.iter().map(|limit| in_progress(limit, above_number)))
    });
    let limits: Vec<_> = of_client.chain(of_snippets).collect();
    let replicas = decision.settings.limits.replicas.get();
    let is_shared = replicas > 1 && !limits.is_empty();
    let shared = is_shared.then(|| format!("of these limits on clients, this replica has one part in {replicas}"));
    limits.into_iter().chain(shared).collect()
}

/// What becomes of requests above a limit: the end of a sentence.
struct Excess {
    above_rate: String,
    above_number: String,
}

impl Excess {
    fn new(snippets: Option<&SnippetLimits>, settings: &LimitSettings) -> Self {
        let words = |of_snippets: Option<(Option<u16>, bool)>, default: u16| match of_snippets {
            Some((_, true)) => "which is only tried out: none is refused".to_owned(),
            Some((status, false)) => format!("else {}", status.unwrap_or(default)),
            None => format!("else {default}"),
        };
        let (rate, number) = (snippets.map(|limits| &limits.requests), snippets.map(|limits| &limits.connections));
        Self {
            above_rate: words(rate.map(|limits| (limits.status, limits.dry_run)), settings.request_status),
            above_number: words(number.map(|limits| (limits.status, limits.dry_run)), settings.connection_status),
        }
    }
}

fn of_client(limits: &ClientLimits, above_rate: &str, above_number: &str) -> impl Iterator<Item = String> {
    let rate = |requests: Option<NonZero<u32>>, time: &str| {
        let burst = u64::from(requests?.get()) * u64::from(limits.burst_multiplier.get());
        let requests = requests?;
        Some(format!("at most {requests} requests a {time} of one client, and {burst} more at once, {above_rate}"))
    };
    let in_progress =
        limits.connections.map(|most| format!("at most {most} requests of one client in progress, {above_number}"));
    [rate(limits.per_second, "second"), rate(limits.per_minute, "minute"), in_progress].into_iter().flatten()
}

fn of_zone(RequestLimit { zone, burst, delay }: &RequestLimit, above_rate: &str) -> String {
    let RequestZone { zone, rate, per_minute } = &**zone;
    let time = if *per_minute { "minute" } else { "second" };
    let name = &zone.name;
    let waiting = match burst.saturating_sub(*delay) {
        0 => String::new(),
        waiting => format!(", {waiting} of which wait for their turn"),
    };
    format!(
        "at most {rate} requests a {time} of one client of the zone {name:?}, and {burst} more at once{waiting}, {above_rate}"
    )
}

fn in_progress(ConnectionLimit { zone, most }: &ConnectionLimit, above_number: &str) -> String {
    format!("at most {most} requests of one client of the zone {:?} in progress, {above_number}", zone.name)
}

/// How fast the body of a response goes out, where that is limited.
pub(super) fn of_response(rate: ResponseRate) -> Option<String> {
    let kilobytes = rate.bytes_per_second?.get() >> 10;
    Some(match rate.after >> 10 {
        0 => format!("the body at {kilobytes} kB a second at most"),
        after => format!("the body at {kilobytes} kB a second at most, after the first {after} kB"),
    })
}
