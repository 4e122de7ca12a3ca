//! The replay of an access log: what each of its requests would get from Adit, against what the log says it got.
//!
//! Nothing is sent. A line is read ([`input`]) and understood ([`entry`]), its request is put to the table as a gateway
//! would do it ([`outcome`]), at the host that the log names or that its upstream leads to ([`places`]), and counted with
//! those like it ([`groups`]). However long the log is, the memory for it is bounded.

mod comparison;
mod default_format;
mod entry;
mod groups;
mod input;
mod json_format;
mod outcome;
mod parts;
mod places;
mod progress;

pub(super) use entry::Entry;
pub(super) use groups::{Group, Kind};

use crate::diagnostic::Escaped;
use anyhow::Context as _;
use gateway::table::{Route, Table};
use groups::Groups;
use input::Lines;
use parts::Unreadable;
use places::Places;
use progress::Progress;
use serde::Serialize;
use std::path::Path;

/// How many lines that cannot be read are shown.
const SHOWN_LINES: usize = 5;

/// How much is shown of each, in characters.
const SHOWN_CHARACTERS: usize = 160;

/// What the requests of a log would get.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Replay {
    /// Lines that are not empty.
    pub(super) lines: u64,
    /// Lines in another format.
    pub(super) unreadable: u64,
    /// The first of them, shortened and escaped.
    pub(super) first_unreadable: Vec<String>,
    /// Lines of requests that nginx could not read either.
    pub(super) no_request: u64,
    /// Requests that would get something else.
    pub(super) changes: u64,
    /// Requests that would get the same, as far as the log says.
    pub(super) same: u64,
    /// Requests of which that could not be told.
    pub(super) untold: u64,
    /// Requests that are like each other: those that change first, the most frequent first.
    pub(super) groups: Vec<Group>,
    /// Requests that are in no group, because there are too many.
    pub(super) ungrouped: u64,
    /// What the log does not say, and what is presumed instead.
    pub(super) notes: Vec<String>,
}

impl Replay {
    /// The numbers of requests and lines, with what each means.
    pub(super) fn sums(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let always = [
            (self.changes, "requests would get something else"),
            (self.same, "requests would get the same, as far as the log says"),
        ];
        let seldom = [
            (self.untold, "requests of which that could not be told"),
            (self.ungrouped, "of these requests are in no group, since there are too many groups"),
            (self.no_request, "lines of requests that nginx could not read either"),
            (self.unreadable, "lines in another format"),
        ];
        always.into_iter().chain(seldom.into_iter().filter(|(count, _)| *count > 0))
    }
}

/// Who hears of each request of the log, the host at which it was put to the table, and its route there.
pub(super) type Listener<'l> = &'l mut dyn FnMut(&Entry<'_>, &str, Option<&Route>);

/// Replays a log; `-` is standard input.
///
/// # Errors
/// The file cannot be opened, or its beginning cannot be read.
pub(super) fn replay(path: &Path, table: &Table, listener: Listener<'_>) -> anyhow::Result<Replay> {
    let mut lines = Lines::open(path).with_context(|| format!("cannot read the log {}", path.display()))?;
    let mut progress = Progress::new(lines.size());
    let mut replayer = Replayer {
        table,
        places: Places::of(table),
        groups: Groups::default(),
        replay: Replay::default(),
        lacks: Lacks::default(),
        listener,
    };
    loop {
        match lines.next() {
            Ok(Some(line)) => replayer.take(line),
            Ok(None) => break,
            Err(error) => {
                let note =
                    format!("the log ends early: after line {} it cannot be read: {error}", replayer.replay.lines);
                replayer.replay.notes.push(note);
                break;
            }
        }
        progress.step(replayer.replay.lines, lines.position());
    }
    progress.end();
    Ok(replayer.finish())
}

struct Replayer<'t> {
    table: &'t Table,
    listener: Listener<'t>,
    places: Places,
    groups: Groups,
    replay: Replay,
    lacks: Lacks,
}

/// What lines did not say.
#[derive(Default)]
struct Lacks {
    host: bool,
    tls: bool,
    upstream: bool,
}

impl Replayer<'_> {
    fn take(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.replay.lines += 1;
        match Entry::parse(text) {
            Ok(entry) => self.put(&entry),
            Err(Unreadable::Request) => self.replay.no_request += 1,
            Err(Unreadable::Format) => self.unreadable(text),
        }
    }

    fn put(&mut self, entry: &Entry<'_>) {
        self.lacks.host |= entry.host.is_none();
        self.lacks.tls |= entry.is_tls.is_none();
        self.lacks.upstream |= entry.upstream.is_none();
        let told = self.places.tell(self.table, entry);
        *match told.kind {
            Kind::Changes => &mut self.replay.changes,
            Kind::Same => &mut self.replay.same,
            Kind::Untold => &mut self.replay.untold,
        } += 1;
        self.groups.add(&told, entry);
        let route = told.outcome.as_ref().and_then(|outcome| outcome.route.as_deref());
        (self.listener)(entry, told.host, route);
    }

    fn unreadable(&mut self, text: &str) {
        self.replay.unreadable += 1;
        if self.replay.first_unreadable.len() < SHOWN_LINES {
            let shown: String = text.chars().take(SHOWN_CHARACTERS).collect();
            self.replay.first_unreadable.push(Escaped(&shown).to_string());
        }
    }

    fn finish(self) -> Replay {
        let Self { mut replay, groups, lacks, .. } = self;
        (replay.groups, replay.ungrouped) = groups.sorted();
        let has_requests = replay.changes + replay.same + replay.untold > 0;
        let said = [
            (lacks.host, "lines without a host: the host is one that has a route to the upstream of the line"),
            (
                lacks.tls,
                "lines that do not say whether TLS was used: plain HTTP is presumed, or TLS where nginx did not redirect to it",
            ),
            (lacks.upstream, "lines without an upstream: only the statuses that Adit answers itself are compared"),
            (
                has_requests,
                "of the headers only Host, User-Agent and Referer are known: canaries by header or cookie are not followed; passwords \
                 and auth servers are presumed to let requests in",
            ),
            (
                has_requests,
                "statuses that depend on bodies, rates or the state of backends (400, 408, 413, 414, 429, 494 to 500, 502 to 504) are \
                 not compared with a forwarded request",
            ),
        ];
        replay.notes.extend(said.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note.to_owned()));
        replay
    }
}
