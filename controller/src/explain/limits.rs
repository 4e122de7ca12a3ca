//! The limits that a request meets, in words.

use gateway::config::{ClientLimits, ResponseRate, RoutePolicies};
use gateway::exchange::Decision;
use std::num::NonZero;

/// A sentence for each limit.
pub(super) fn list(decision: &Decision) -> Vec<String> {
    let Some(route) = &decision.route else { return Vec::new() };
    let policies: &RoutePolicies = &route.policies;
    let of_client = policies.client_limits.iter().flat_map(|limits| of_client(limits, decision));
    let replicas = decision.settings.limits.replicas.get();
    let shared = policies.client_limits.iter().filter(|_| replicas > 1);
    let shared = shared.map(|_| format!("of these limits on clients, this replica has one part in {replicas}"));
    of_client.chain(shared).chain(of_response(policies.response_rate)).collect()
}

fn of_client(limits: &ClientLimits, decision: &Decision) -> impl Iterator<Item = String> {
    let settings = &decision.settings.limits;
    let rate = |requests: Option<NonZero<u32>>, time: &str| {
        let burst = u64::from(requests?.get()) * u64::from(limits.burst_multiplier.get());
        let (requests, status) = (requests?, settings.request_status);
        Some(format!("at most {requests} requests a {time} of one client, and {burst} more at once, else {status}"))
    };
    let in_progress = limits
        .connections
        .map(|most| format!("at most {most} requests of one client in progress, else {}", settings.connection_status));
    [rate(limits.per_second, "second"), rate(limits.per_minute, "minute"), in_progress].into_iter().flatten()
}

fn of_response(rate: ResponseRate) -> Option<String> {
    let kilobytes = rate.bytes_per_second?.get() >> 10;
    Some(match rate.after >> 10 {
        0 => format!("the body at {kilobytes} kB a second at most"),
        after => format!("the body at {kilobytes} kB a second at most, after the first {after} kB"),
    })
}
