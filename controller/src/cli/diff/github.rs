//! The report as commands of GitHub Actions, which show it beside the lines of a pull request.

use super::changes::{Change, Kind};
use super::report::Report;
use crate::diagnostic::{Place, Severity, Statement};
use std::fmt::{self, Write as _};

/// A line for each change, each request that would get something else, and each new problem.
pub(super) fn annotations(report: &Report) -> String {
    let mut lines = String::new();
    for problem in &report.problems {
        let level = if problem.severity == Severity::Error { "error" } else { "warning" };
        let message = Statement(problem).to_string();
        write(&mut lines, level, problem.place.as_ref(), &problem.object.to_string(), &message);
    }
    for change in &report.changes {
        let level = if change.kind == Kind::Added { "notice" } else { "warning" };
        write(&mut lines, level, change.place.as_ref(), &title(change), &change.details.join("\n"));
    }
    for answer in &report.requests {
        let message = format!("before: {}\nafter: {}", answer.before, answer.after);
        write(&mut lines, "warning", answer.place.as_ref(), &answer.request, &message);
    }
    lines
}

fn title(change: &Change) -> String {
    let word = match change.kind {
        Kind::Added => "added",
        Kind::Removed => "removed",
        Kind::Changed => "changed",
    };
    match &*change.host {
        "" => format!("{word}: {}", change.what),
        host => format!("{word} for {host}: {}", change.what),
    }
}

fn write(lines: &mut String, level: &str, place: Option<&Place>, title: &str, message: &str) {
    let _ = write!(lines, "::{level} ");
    if let Some(place) = place {
        let _ = write!(lines, "file={},line={},", Property(&place.file), place.line);
    }
    let _ = writeln!(lines, "title={}::{}", Property(title), Message(message));
}

/// Text of a message: a line break would end it.
struct Message<'a>(&'a str);

/// The value of a property: a comma or a colon would end it, too.
struct Property<'a>(&'a str);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write_escaped(f, c, &['%', '\r', '\n']))
    }
}

impl fmt::Display for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write_escaped(f, c, &['%', '\r', '\n', ':', ',']))
    }
}

/// As percent and the code of an ASCII character; others that are no text of a line are left out.
fn write_escaped(f: &mut fmt::Formatter<'_>, c: char, escaped: &[char]) -> fmt::Result {
    match c {
        c if escaped.contains(&c) => write!(f, "%{:02X}", u32::from(c)),
        c if c.is_control() => Ok(()),
        c => f.write_char(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command() {
        let place = Place { file: "a,b:c.yaml".into(), document: 1, line: 7 };
        let mut lines = String::new();
        write(&mut lines, "warning", Some(&place), "x::y, 100%", "one\n::error::two\u{1b}");
        assert_eq!(lines, "::warning file=a%2Cb%3Ac.yaml,line=7,title=x%3A%3Ay%2C 100%25::one%0A::error::two\n");
    }
}
