use super::context::Context;
use super::finding::Services;
use super::template::Variables;
use crate::route_defaults::{LimitZones, SnippetBlock};
use gateway::config::Origin;
use std::ops::RangeInclusive;

/// A directive that Adit knows.
#[derive(Debug)]
pub struct Entry {
    /// Its name; `name*` is all names that begin so, and `*name*` all that contain it.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: &'static [Context],
    /// How many arguments it has.
    pub arguments: RangeInclusive<usize>,
    /// What becomes of it there.
    pub kind: Kind,
    /// Where it may stand as well, and why it has no effect there.
    pub idle: Option<(&'static [Context], &'static str)>,
    /// Why it is refused in all other places, where that is not only because it means nothing there.
    pub refused: Option<&'static str>,
    /// What it does here, and what is different from nginx.
    pub doc: &'static str,
}

/// What becomes of a directive.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// It works.
    Works(Apply),
    /// `if`, which has a block.
    If,
    /// `location`, which has one, too.
    Location,
    /// `map`, which has a block of pairs.
    Map,
    /// `geo`, likewise.
    Geo,
    /// It has no effect, and that is safe; a warning says so.
    Idle,
    /// It is a fault: what it asks for is not there, or unsafe.
    Refused,
}

/// Adds a directive to its block. The error follows the directive in a sentence.
pub type Apply = fn(&mut Call<'_>) -> Result<(), String>;

/// A directive where it stands.
#[derive(Debug)]
pub struct Call<'a> {
    pub(super) arguments: &'a [String],
    pub(super) variables: Variables<'a>,
    pub(super) origin: Origin,
    pub(super) context: Context,
    pub(super) block: &'a mut SnippetBlock,
    /// The Services that it may name.
    pub(super) services: Option<Services<'a>>,
    /// The zones of limits that it may name.
    pub(super) zones: &'a LimitZones,
    /// Why a part of it has no effect. It follows the directive in a sentence.
    pub(super) warnings: Vec<String>,
}

pub(super) const EVERYWHERE: &[Context] = &[Context::Server, Context::ServerIf, Context::Location, Context::LocationIf];
/// Everywhere, and in auth requests.
pub(super) const WITH_AUTH: &[Context] =
    &[Context::Server, Context::ServerIf, Context::Location, Context::LocationIf, Context::Auth, Context::AuthIf];
pub(super) const AUTH: &[Context] = &[Context::Auth];
pub(super) const IN_AUTH: &[Context] = &[Context::Auth, Context::AuthIf];
pub(super) const OUTSIDE_SERVER_IF: &[Context] = &[Context::Server, Context::Location, Context::LocationIf];
pub(super) const OUTSIDE_IF: &[Context] = &[Context::Server, Context::Location];
pub(super) const LOCATION: &[Context] = &[Context::Location];
pub(super) const LOCATION_AUTH: &[Context] = &[Context::Location, Context::Auth];
pub(super) const HTTP_ONLY: &[Context] = &[Context::Http];
pub(super) const INNER_LOCATION: &[Context] = &[Context::InnerLocation];
pub(super) const HTTP_SERVER: &[Context] = &[Context::Http, Context::Server];
pub(super) const HTTP_SERVER_LOCATION: &[Context] = &[Context::Http, Context::Server, Context::Location];
/// Where `gzip` and its like may stand.
pub(super) const ALSO_IN_IF: &[Context] = &[Context::Http, Context::Server, Context::Location, Context::LocationIf];
pub(super) const HTTP: &[Context] = &[Context::Http, Context::Server, Context::Location, Context::Auth];
const ANY_NUMBER: RangeInclusive<usize> = 0..=usize::MAX;

impl Entry {
    /// A directive that works.
    pub(super) const fn works(
        name: &'static str,
        contexts: &'static [Context],
        arguments: RangeInclusive<usize>,
        doc: &'static str,
        apply: Apply,
    ) -> Self {
        Self { name, contexts, arguments, kind: Kind::Works(apply), idle: None, refused: None, doc }
    }

    /// A directive without effect. `doc` says why, as the end of a sentence.
    pub(super) const fn idle(name: &'static str, contexts: &'static [Context], doc: &'static str) -> Self {
        Self { name, contexts, arguments: ANY_NUMBER, kind: Kind::Idle, idle: None, refused: None, doc }
    }

    /// A directive that is a fault. `doc` says why and what to do instead, as the end of a sentence.
    pub(super) const fn refused(name: &'static str, doc: &'static str) -> Self {
        Self { name, contexts: &[], arguments: ANY_NUMBER, kind: Kind::Refused, idle: None, refused: None, doc }
    }

    /// The same, which may stand elsewhere without effect.
    pub(super) const fn but_idle_in(self, contexts: &'static [Context], why: &'static str) -> Self {
        Self { idle: Some((contexts, why)), ..self }
    }

    /// The same, which is refused everywhere else. `why` says why and what to do instead, as the end of a sentence.
    pub(super) const fn but_refused_elsewhere(self, why: &'static str) -> Self {
        Self { refused: Some(why), ..self }
    }

    /// Whether this is the entry of a name.
    pub(super) fn is_of(&self, name: &str) -> bool {
        let Some(beginning) = self.name.strip_suffix('*') else { return name == self.name };
        match beginning.strip_prefix('*') {
            Some(middle) => name.contains(middle),
            None => name.starts_with(beginning),
        }
    }
}

impl<'a> Call<'a> {
    /// An argument by its number, which the entry's count has.
    pub(super) fn argument(&self, number: usize) -> &'a str {
        self.arguments.get(number).map_or("", String::as_str)
    }

    /// Its argument, which is `on` or `off` in any case. As nginx: ngx_conf_set_flag_slot.
    pub(super) fn switch(&self) -> Result<bool, String> {
        match self.argument(0) {
            on if on.eq_ignore_ascii_case("on") => Ok(true),
            off if off.eq_ignore_ascii_case("off") => Ok(false),
            _ => Err("is not valid: expected \"on\" or \"off\"".into()),
        }
    }
}

/// Sets what a block can have only once.
pub(super) fn set_once<T>(slot: &mut Option<T>, value: T) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err("stands here twice: nginx takes it only once in a block".into()),
    }
}
