//! The report as text.

use super::findings::{Finding, Subject, Verdict};
use super::live::{self, Comparison};
use super::replay::{Group, Kind, Replay};
use super::report::Report;
use crate::cli::counted::counted;
use crate::diagnostic::Escaped;
use std::fmt;

impl fmt::Display for Report {
    /// The sums, then each object with what is not exact of it, then what was not looked at.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: usize = self.ingresses.iter().map(|sum| sum.count).sum();
        writeln!(f, "{}, each counted by what hurts most of its settings", counted(all, "Ingress"))?;
        for sum in &self.ingresses {
            writeln!(f, "  {:>5} {:8} {}", sum.count, sum.verdict.name(), sum.verdict.meaning())?;
        }
        if !self.settings.is_empty() {
            writeln!(f, "\nsettings of Ingresses that are not exact, with the number of Ingresses")?;
        }
        for sum in &self.settings {
            writeln!(f, "  {:>5} {:8} {}", sum.count, sum.verdict.name(), Escaped(&sum.setting))?;
        }
        self.objects.iter().try_for_each(|subject| write_subject(f, subject))?;
        if !self.others.is_empty() {
            writeln!(f, "\nIngresses that ingress-nginx does not serve either: {}", self.others.len())?;
        }
        for other in &self.others {
            writeln!(f, "  {}: {}", Escaped(&other.object), Escaped(&other.why))?;
        }
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {}", Escaped(note)))?;
        self.replay.iter().try_for_each(|replay| write_replay(f, replay))?;
        self.comparison.iter().try_for_each(|comparison| write_comparison(f, comparison))
    }
}

/// How many groups of one kind are listed.
const GROUPS: usize = 50;

fn write_replay(f: &mut fmt::Formatter<'_>, replay: &Replay) -> fmt::Result {
    writeln!(f, "\nreplay of {} lines of the log", replay.lines)?;
    for (count, meaning) in replay.sums() {
        writeln!(f, "  {count:>9} {meaning}")?;
    }
    replay.first_unreadable.iter().try_for_each(|line| writeln!(f, "            such as: {line}"))?;
    for kind in [Kind::Changes, Kind::Untold, Kind::Same] {
        let groups: Vec<_> = replay.groups.iter().filter(|group| group.kind == kind).collect();
        groups.iter().take(GROUPS).try_for_each(|group| write_group(f, group))?;
        if groups.len() > GROUPS {
            writeln!(f, "\nand {} more groups: {} (-o json has all)", groups.len() - GROUPS, kind.name())?;
        }
    }
    if !replay.notes.is_empty() {
        writeln!(f)?;
    }
    replay.notes.iter().try_for_each(|note| writeln!(f, "note: {}", Escaped(note)))
}

fn write_group(f: &mut fmt::Formatter<'_>, group: &Group) -> fmt::Result {
    write!(f, "\n{}: {}", group.kind.name(), counted(group.requests, "request"))?;
    for (word, text) in [("for", &group.host), ("by", &group.route)] {
        if !text.is_empty() {
            write!(f, " {word} {text}")?;
        }
    }
    writeln!(f, "\n  {}", group.outcome)?;
    if !group.log.is_empty() {
        writeln!(f, "  log: {}", group.log)?;
    }
    writeln!(f, "  such as {}", group.example)
}

fn write_comparison(f: &mut fmt::Formatter<'_>, comparison: &Comparison) -> fmt::Result {
    let Comparison { against, with, groups, .. } = comparison;
    writeln!(f, "\nanswers of {against} and {with}")?;
    for (count, meaning) in comparison.sums() {
        writeln!(f, "  {count:>9} {meaning}")?;
    }
    groups.iter().take(GROUPS).try_for_each(|group| write_differences(f, group))?;
    if groups.len() > GROUPS {
        writeln!(f, "\nand {} more groups (-o json has all)", groups.len() - GROUPS)?;
    }
    writeln!(f, "\nnote: headers that are not compared: {}", comparison.left_out_headers.join(", "))?;
    comparison.notes.iter().try_for_each(|note| writeln!(f, "note: {}", Escaped(note)))
}

fn write_differences(f: &mut fmt::Formatter<'_>, group: &live::Group) -> fmt::Result {
    let route = if group.route.is_empty() { "no route" } else { &group.route };
    writeln!(f, "\n{}: {} by {route}", group.kind.name(), counted(group.requests, "request"))?;
    for difference in &group.differences {
        let value = |value: &str| if value.is_empty() { "none".to_owned() } else { value.to_owned() };
        writeln!(f, "  {}: {} | {}", difference.what, value(&difference.against), value(&difference.with))?;
    }
    writeln!(f, "  such as {}", group.example)
}

fn write_subject(f: &mut fmt::Formatter<'_>, subject: &Subject) -> fmt::Result {
    write!(f, "\n{}: {}", Escaped(&subject.object), subject.verdict.name())?;
    if let Some(place) = &subject.place {
        write!(f, " ({place})")?;
    }
    writeln!(f)?;
    for finding in subject.findings.iter().filter(|finding| finding.verdict != Verdict::Exact) {
        write_finding(f, finding)?;
    }
    let exact: Vec<_> = subject.findings.iter().filter(|finding| finding.verdict == Verdict::Exact).collect();
    if !exact.is_empty() {
        let names: Vec<_> = exact.iter().map(|finding| Escaped(&finding.setting).to_string()).collect();
        writeln!(f, "  exact    {}", names.join(", "))?;
    }
    Ok(())
}

fn write_finding(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    write!(f, "  {:8} {}", finding.verdict.name(), Escaped(&finding.setting))?;
    if let Some(value) = &finding.value {
        write!(f, ": {value:?}")?;
    }
    writeln!(f)?;
    for line in finding.details.iter().flat_map(|detail| detail.split('\n')) {
        writeln!(f, "             {}", Escaped(&line))?;
    }
    Ok(())
}
