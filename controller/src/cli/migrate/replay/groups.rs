//! Requests that are like each other, counted. However hostile a log is, there are only so many groups.

use super::entry::{Entry, Upstream};
use super::outcome::{Fate, Outcome};
use crate::cli::migrate::shown::shown;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

/// The most groups. Requests beyond them are only counted.
const MOST: usize = 10_000;

/// Whether a request would get what it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli::migrate) enum Kind {
    /// It would get something else.
    Changes,
    /// That could not be told.
    Untold,
    /// It would get the same.
    Same,
}

impl Kind {
    pub(in crate::cli::migrate) fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Untold => "untold",
            Self::Same => "same",
        }
    }
}

/// What is told of a request.
#[derive(Debug)]
pub(super) struct Told<'t> {
    pub(super) kind: Kind,
    /// The host at which it was put to the table; empty if there is none.
    pub(super) host: &'t str,
    /// What it would get there.
    pub(super) outcome: Option<Outcome>,
    /// Why that could not be told.
    pub(super) why: &'static str,
}

impl<'t> Told<'t> {
    pub(super) fn untold(host: &'t str, why: &'static str) -> Self {
        Self { kind: Kind::Untold, host, outcome: None, why }
    }
}

/// Requests with one host, route and outcome; of those that change or are not told, with one entry in the log, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::cli::migrate) struct Group {
    pub(in crate::cli::migrate) kind: Kind,
    /// How many there are.
    pub(in crate::cli::migrate) requests: u64,
    /// The host of the route, else of the request; empty where the log has none.
    pub(in crate::cli::migrate) host: String,
    /// Path and Ingress of the route; empty where no route takes them.
    pub(in crate::cli::migrate) route: String,
    /// What they would get, or why that could not be told.
    pub(in crate::cli::migrate) outcome: String,
    /// What the log says: status and upstream.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::cli::migrate) log: String,
    /// Method and path of the first of them, without a query.
    pub(in crate::cli::migrate) example: String,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: HashMap<Box<str>, Group>,
    /// The requests beyond the most groups.
    beyond: u64,
    /// The group of the last request, as text.
    key: String,
}

impl Groups {
    /// Counts a request. It allocates only for the first one of a group.
    pub(super) fn add(&mut self, told: &Told<'_>, entry: &Entry<'_>) {
        self.key.clear();
        let parts = write_key(&mut self.key, told, entry);
        if let Some(group) = self.groups.get_mut(&*self.key) {
            group.requests += 1;
        } else if self.groups.len() < MOST {
            let [host, route, outcome, log] = parts.map(|part| shown(&self.key[part]));
            let example = example(entry);
            let group = Group { kind: told.kind, requests: 1, host, route, outcome, log, example };
            self.groups.insert(self.key.as_str().into(), group);
        } else {
            self.beyond += 1;
        }
    }

    /// The groups: those that change first, of each kind the largest first; and how many requests are in none.
    pub(super) fn sorted(self) -> (Vec<Group>, u64) {
        let mut groups: Vec<_> = self.groups.into_values().collect();
        groups.sort_by(|a, b| {
            let names = a.host.cmp(&b.host).then_with(|| a.route.cmp(&b.route));
            let names = names.then_with(|| a.outcome.cmp(&b.outcome)).then_with(|| a.log.cmp(&b.log));
            (a.kind, Reverse(a.requests)).cmp(&(b.kind, Reverse(b.requests))).then(names)
        });
        (groups, self.beyond)
    }
}

/// Writes host, route, outcome and log, and returns where each stands.
fn write_key(key: &mut String, told: &Told<'_>, entry: &Entry<'_>) -> [Range<usize>; 4] {
    let outcome = told.outcome.as_ref();
    let route = outcome.and_then(|outcome| outcome.route.as_deref());
    let host = write_part(key, |key| key.push_str(route.map_or(told.host, |route| &route.labels.host)));
    let path = write_part(key, |key| {
        if let Some(route) = route {
            let owner = &route.labels.owner;
            let _ = write!(key, "{} of Ingress {}/{}", route.labels.path, owner.namespace, owner.ingress);
        }
    });
    let fate = write_part(key, |key| {
        let _ = match outcome.map(|outcome| &outcome.fate) {
            Some(Fate::Forward(upstream)) => write!(key, "forwarded to {}", upstream.id()),
            Some(Fate::Answer(status, reason)) => write!(key, "answered {status}: {}", reason.label()),
            None => write!(key, "{}", told.why),
        };
    });
    let log = write_part(key, |key| {
        if told.kind != Kind::Same {
            write_log(key, entry);
        }
    });
    [host, path, fate, log]
}

/// Writes a part with an end that no other text is taken for, and returns where it stands.
fn write_part(key: &mut String, write: impl FnOnce(&mut String)) -> Range<usize> {
    let start = key.len();
    write(key);
    let end = key.len();
    key.push('\0');
    start..end
}

fn write_log(key: &mut String, entry: &Entry<'_>) {
    let _ = write!(key, "{}", entry.status);
    match &entry.upstream {
        Some(Upstream::Named(name)) if entry.is_own_answer => {
            let _ = write!(key, " of nginx itself, for {name}");
        }
        Some(Upstream::Named(name)) => {
            let _ = write!(key, " from {name}");
        }
        Some(Upstream::Default) => key.push_str(" without a rule"),
        None => {}
    }
}

/// The path is a client's text, and a query may hold secrets.
fn example(entry: &Entry<'_>) -> String {
    let path = entry.target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let query = if path.len() < entry.target.len() { "?..." } else { "" };
    shown(&format!("{} {}{query}", entry.method, String::from_utf8_lossy(path)))
}
