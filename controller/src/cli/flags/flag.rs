//! What a flag is: its name, its value, and what it does.

use super::value::Values;
use crate::settings::Settings;
use clap::{Arg, ArgAction};
use std::fmt::Write as _;

/// One flag.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Its name, without dashes.
    pub name: &'static str,
    /// What value it takes.
    pub shape: Shape,
    /// The default as a user would write it; empty if there is none, or `doc` describes it.
    pub default: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// What it does, for `--help`.
    pub doc: &'static str,
    /// What it does, in fact.
    pub effect: Effect,
}

/// What value a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `--x`, `--x=true` or `--x=false`.
    Switch,
    /// `--x VALUE`; when it is given again, the last one counts. Holds the name of the value in `--help`.
    Value(&'static str),
    /// `--x VALUE`, as often as wanted, or with commas; the first replaces the default.
    Repeated(&'static str),
}

/// What a flag is about: its heading in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Which objects count, and how they are read.
    Objects,
    /// The cluster that they come from.
    Cluster,
    /// Sockets, threads, shutdown.
    Serving,
    /// Logs, metrics and health.
    Observing,
}

impl Topic {
    fn heading(self) -> &'static str {
        match self {
            Self::Objects => "Objects",
            Self::Cluster => "Cluster",
            Self::Serving => "Serving",
            Self::Observing => "Logs, metrics and health",
        }
    }
}

/// What a flag does.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// Puts its values into the settings. The error says what was expected.
    Sets(fn(&mut Settings, Values<'_>) -> Result<(), String>),
    /// ingress-nginx has it, and it means nothing here: why.
    Ignored(&'static str),
}

impl Flag {
    /// As a clap argument. `serve`, `check` and `explain` accept every flag, so that a Deployment's arguments can be given to
    /// `adit check` as they are; `shown` says which ones its `--help` lists.
    pub(super) fn arg(&self, shown: &[Topic]) -> Arg {
        let mut help = self.doc.to_owned();
        if !self.default.is_empty() {
            let _ = write!(help, " [default: {}]", self.default);
        }
        let ignored = matches!(self.effect, Effect::Ignored(_));
        let arg = Arg::new(self.name)
            .long(self.name)
            .action(ArgAction::Append)
            .help(help)
            .help_heading(self.topic.heading())
            .hide(ignored || !shown.contains(&self.topic));
        match self.shape {
            Shape::Switch => {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("true|false")
            }
            Shape::Value(name) => arg.value_name(name),
            Shape::Repeated(name) => arg.value_name(name).value_delimiter(','),
        }
    }
}
