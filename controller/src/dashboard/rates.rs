use gateway::telemetry::{ServiceName, Traffic};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Looks that follow each other more quickly are one.
const SHORTEST: Duration = Duration::from_secs(1);

/// What requests to a Service come to: all of them, and those between two looks at the page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Load {
    /// Since the process started.
    pub(super) since_start: Flow,
    /// Between the last two looks, whoever looked; `None` before the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lately: Option<Recent>,
}

/// Requests of some time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flow {
    /// How many there were.
    pub(super) requests: u64,
    /// How many of them were answered with a status from 500 on.
    pub(super) errors: u64,
    /// How long one took on average, in seconds; `None` where that is not measured, or there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mean_seconds: Option<f64>,
}

/// Requests between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recent {
    /// The time between them, in seconds.
    pub(super) seconds: f64,
    /// The requests.
    #[serde(flatten)]
    pub(super) flow: Flow,
}

/// What was counted at the last looks. It has an entry for each Service with requests.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<Option<Looks>>);

#[derive(Debug)]
struct Looks {
    last: Look,
    before: Option<Look>,
}

#[derive(Debug)]
struct Look {
    at: Instant,
    traffic: BTreeMap<ServiceName, Traffic>,
}

impl Rates {
    /// Takes in what is counted now. Gives all loads.
    pub(super) fn look(&self, at: Instant, traffic: BTreeMap<ServiceName, Traffic>) -> BTreeMap<ServiceName, Load> {
        let mut looks = self.0.lock();
        let now = Look { at, traffic };
        let next = match looks.take() {
            None => Looks { last: now, before: None },
            Some(Looks { last, before: Some(before) }) if at.duration_since(last.at) < SHORTEST => {
                Looks { last: now, before: Some(before) }
            }
            Some(Looks { last, .. }) => Looks { last: now, before: Some(last) },
        };
        looks.insert(next).loads()
    }
}

impl Looks {
    fn loads(&self) -> BTreeMap<ServiceName, Load> {
        let load = |service: &ServiceName, now: &Traffic| Load {
            since_start: flow(*now),
            lately: self.before.as_ref().map(|before| Recent {
                seconds: self.last.at.duration_since(before.at).as_secs_f64(),
                flow: flow(difference(*now, before.traffic.get(service).copied().unwrap_or_default())),
            }),
        };
        self.last.traffic.iter().map(|(service, now)| (service.clone(), load(service, now))).collect()
    }
}

/// What has come since. The counts of routes that are gone are gone, too.
fn difference(now: Traffic, before: Traffic) -> Traffic {
    Traffic {
        requests: now.requests.saturating_sub(before.requests),
        errors: now.errors.saturating_sub(before.errors),
        seconds: (now.seconds - before.seconds).max(0.0),
    }
}

fn flow(Traffic { requests, errors, seconds }: Traffic) -> Flow {
    let is_measured = requests > 0 && seconds > 0.0;
    Flow { requests, errors, mean_seconds: is_measured.then(|| seconds / requests as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_time_between_two_looks() {
        let service: ServiceName = ("shop".into(), "cart".into());
        let counted =
            |requests, errors, seconds| BTreeMap::from([(service.clone(), Traffic { requests, errors, seconds })]);
        let (rates, start) = (Rates::default(), Instant::now());
        let look = |after: u64, traffic| {
            let loads = rates.look(start + Duration::from_millis(after), traffic);
            (loads[&service].since_start, loads[&service].lately)
        };
        let first = Flow { requests: 4, errors: 1, mean_seconds: Some(0.5) };
        assert_eq!(look(0, counted(4, 1, 2.0)), (first, None));
        let flow = Flow { requests: 10, errors: 2, mean_seconds: Some(0.1) };
        assert_eq!(look(5000, counted(14, 3, 3.0)).1, Some(Recent { seconds: 5.0, flow }));
        let flow = Flow { requests: 11, errors: 2, mean_seconds: Some(2.0 / 11.0) };
        assert_eq!(look(5500, counted(15, 3, 4.0)).1, Some(Recent { seconds: 5.5, flow }), "the same look");
        let flow = Flow { requests: 0, errors: 0, mean_seconds: None };
        assert_eq!(look(7500, counted(3, 0, 1.0)).1, Some(Recent { seconds: 2.0, flow }), "a route is gone");
    }
}
