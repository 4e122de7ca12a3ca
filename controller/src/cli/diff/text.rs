//! The report as text.

use super::changes::{Change, Kind};
use super::report::Report;
use crate::cli::counted::counted;
use crate::diagnostic::{Escaped, Severity};
use std::fmt;

impl fmt::Display for Report {
    /// What differs by host, then the requests, then new problems, and a line that sums up. Nothing if nothing differs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        let mut host = None;
        for change in &self.changes {
            if host != Some(&change.host) {
                host = Some(&change.host);
                match &*change.host {
                    "" => writeln!(f, "for all hosts")?,
                    host => writeln!(f, "host {}", Escaped(&host))?,
                }
            }
            write_change(f, change)?;
        }
        for answer in &self.requests {
            writeln!(f, "request {}", Escaped(&answer.request))?;
            for (sign, text) in [('-', &answer.before), ('+', &answer.after)] {
                for line in text.lines() {
                    writeln!(f, "  {sign} {}", Escaped(&line.trim_start()))?;
                }
            }
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "new {problem}"))?;
        let count = |severity| self.problems.iter().filter(|problem| problem.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        writeln!(
            f,
            "{}; {} of {} get something else; {}, {}; {} solved",
            counted(self.changes.len(), "change"),
            self.requests.len(),
            counted(self.compared, "request"),
            counted(errors, "new error"),
            counted(warnings, "new warning"),
            self.solved
        )
    }
}

fn write_change(f: &mut fmt::Formatter<'_>, change: &Change) -> fmt::Result {
    let sign = match change.kind {
        Kind::Added => '+',
        Kind::Removed => '-',
        Kind::Changed => '~',
    };
    write!(f, "  {sign} {}", Escaped(&change.what))?;
    if let Some(object) = &change.object {
        write!(f, ", {}", Escaped(object))?;
    }
    if let Some(place) = &change.place {
        write!(f, " ({place})")?;
    }
    writeln!(f)?;
    change.details.iter().try_for_each(|detail| writeln!(f, "      {}", Escaped(detail)))
}
