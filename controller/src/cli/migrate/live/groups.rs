//! Requests whose answers differ alike, counted.

use super::address::Address;
use super::answer::MOST;
use super::difference::{Difference, LEFT_OUT};
use super::sample::{LeftOut, Request, Sample};
use crate::cli::counted::counted;
use crate::cli::migrate::shown::shown;
use crate::diagnostic::Escaped;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How two gateways answer a request, where they do not answer alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli::migrate) enum Kind {
    /// Differently.
    Different,
    /// Alike, but for what the first one answers differently each time.
    Unstable,
}

impl Kind {
    pub(in crate::cli::migrate) fn name(self) -> &'static str {
        match self {
            Self::Different => "different",
            Self::Unstable => "unstable",
        }
    }
}

/// Requests of one route that differ alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::cli::migrate) struct Group {
    pub(in crate::cli::migrate) kind: Kind,
    pub(in crate::cli::migrate) requests: usize,
    /// Host, path and Ingress of the route; empty where no route takes them.
    pub(in crate::cli::migrate) route: String,
    pub(in crate::cli::migrate) differences: Vec<Difference>,
    /// Method, host and path of the first of them, without a query.
    pub(in crate::cli::migrate) example: String,
}

/// What came of all requests.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli::migrate) struct Comparison {
    /// The URL of ingress-nginx.
    pub(in crate::cli::migrate) against: String,
    /// The URL of Adit.
    pub(in crate::cli::migrate) with: String,
    /// How many requests there were to choose from.
    pub(in crate::cli::migrate) suitable: u64,
    /// Requests that were answered differently.
    pub(in crate::cli::migrate) different: usize,
    /// Requests that were answered alike, but for what the first gateway answers differently each time.
    pub(in crate::cli::migrate) unstable: usize,
    /// Requests that were answered alike.
    pub(in crate::cli::migrate) same: usize,
    /// Those that differ first, the most frequent first; without those that are the same.
    pub(in crate::cli::migrate) groups: Vec<Group>,
    /// Headers that are not compared.
    pub(in crate::cli::migrate) left_out_headers: Vec<&'static str>,
    /// What was not sent, and what was not looked at.
    pub(in crate::cli::migrate) notes: Vec<String>,
}

impl Comparison {
    /// The numbers of requests, with what each means.
    pub(in crate::cli::migrate) fn sums(&self) -> [(usize, &'static str); 3] {
        [
            (self.different, "requests are answered differently"),
            (
                self.unstable,
                "requests are answered alike, but for what the first gateway answers differently each time",
            ),
            (self.same, "requests are answered alike"),
        ]
    }
}

/// All groups.
pub(super) struct Groups {
    groups: BTreeMap<(Kind, String, Vec<Difference>), Group>,
    comparison: Comparison,
}

impl Groups {
    pub(super) fn new(against: &Address, with: &Address, sample: &Sample) -> Self {
        let comparison = Comparison {
            against: against.to_string(),
            with: with.to_string(),
            suitable: sample.suitable,
            different: 0,
            unstable: 0,
            same: 0,
            groups: Vec::new(),
            left_out_headers: LEFT_OUT.to_vec(),
            notes: notes(sample.left_out),
        };
        Self { groups: BTreeMap::new(), comparison }
    }

    pub(super) fn add(&mut self, request: &Request, differences: Vec<Difference>, is_unstable: bool) {
        let (kind, count) = match (differences.is_empty(), is_unstable) {
            (false, _) => (Kind::Different, &mut self.comparison.different),
            (true, true) => (Kind::Unstable, &mut self.comparison.unstable),
            (true, false) => {
                self.comparison.same += 1;
                return;
            }
        };
        *count += 1;
        let key = (kind, request.route.clone(), differences);
        let group = self.groups.entry(key).or_insert_with_key(|(kind, route, differences)| Group {
            kind: *kind,
            requests: 0,
            route: Escaped(route).to_string(),
            differences: differences.clone(),
            example: example(request),
        });
        group.requests += 1;
    }

    /// So many requests are not sent, since there are no answers.
    pub(super) fn give_up(&mut self, left: usize) {
        let note =
            format!("{left} requests were not sent: there was no answer to the ones before, one after the other");
        self.comparison.notes.push(note);
    }

    pub(super) fn finish(self) -> Comparison {
        let mut groups: Vec<_> = self.groups.into_values().collect();
        groups.sort_by(|a, b| (a.kind, Reverse(a.requests), &a.route).cmp(&(b.kind, Reverse(b.requests), &b.route)));
        Comparison { groups, ..self.comparison }
    }
}

fn notes(left_out: LeftOut) -> Vec<String> {
    let left_out = [
        (left_out.unsafe_methods, "of other methods than GET and HEAD"),
        (left_out.credentials, "with parameters that are named as credentials are"),
        (left_out.unsendable, "without a host, or with a path that a client cannot send"),
    ];
    let left_out = left_out.into_iter().filter(|(count, _)| *count > 0);
    let left_out = left_out.map(|(count, which)| format!("not sent: {} of the log {which}", counted(count, "request")));
    let mut notes: Vec<_> = left_out.collect();
    notes.push(format!("of a body, the first {} MiB are compared", MOST >> 20));
    notes.push("not sent: cookies, passwords and other headers of the log, but for User-Agent".to_owned());
    notes
}

/// A query may hold secrets.
fn example(request: &Request) -> String {
    let (path, query) = match request.target.split_once('?') {
        Some((path, _)) => (path, "?..."),
        None => (&*request.target, ""),
    };
    let method = if request.is_head { "HEAD" } else { "GET" };
    shown(&format!("{method} {}{path}{query}", request.host))
}
