//! What a flag is: its name, its value, and what it does.

use super::value::Values;
use crate::registry::{Apply, Facets, Setting, Support};
use crate::settings::Settings;
use clap::{Arg, ArgAction};
use std::fmt::Write as _;

/// One flag. Its name has no dashes.
pub type Flag = Setting<FlagFacets>;

/// What a flag has beside what all settings have.
#[derive(Clone, Copy, Debug)]
pub struct FlagFacets {
    /// What value it takes.
    pub shape: Shape,
    /// The default as a user would write it; empty if there is none, or the text describes it.
    pub default: &'static str,
}

impl Facets for FlagFacets {
    type Value<'a> = Values<'a>;
    type Settings = Settings;
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

impl Flag {
    /// A flag that does something.
    pub(super) const fn full(
        name: &'static str,
        shape: Shape,
        default: &'static str,
        doc: &'static str,
        apply: Apply<FlagFacets>,
    ) -> Self {
        Self::supported(name, FlagFacets { shape, default }, doc, apply)
    }

    /// A flag of ingress-nginx without effect.
    pub(super) const fn ignored(name: &'static str, shape: Shape, why: &'static str) -> Self {
        Self::unsupported(name, Support::Ignored(why), FlagFacets { shape, default: "" }, "Accepted and ignored")
    }

    /// As a clap argument; `heading` is that of its family in `--help`.
    pub(super) fn arg(&self, heading: &'static str) -> Arg {
        let FlagFacets { shape, default } = self.facets;
        let mut help = self.doc.to_owned();
        if !default.is_empty() {
            let _ = write!(help, " [default: {default}]");
        }
        let arg = Arg::new(self.name).long(self.name).action(ArgAction::Append).help(help).help_heading(heading);
        match shape {
            Shape::Switch => {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("true|false")
            }
            Shape::Value(name) => arg.value_name(name),
            Shape::Repeated(name) => arg.value_name(name).value_delimiter(','),
        }
    }
}
