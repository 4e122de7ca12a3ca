//! The flags: one option, one definition with its docs, from which parsing, `--help` and `docs/flags.md` are made.
//!
//! Names and values are ingress-nginx's where it has the option, so that a Deployment's arguments keep working:
//! `--x=true`, `-x=true` and `--x true` are all understood, and a flag without effect causes a warning.

mod cluster;
mod families;
mod flag;
mod judge;
mod metrics;
mod objects;
mod observing;
mod retired;
mod serving;
mod status;
mod value;
mod webhook;

pub use families::Topic;
pub use flag::{Flag, FlagFacets, Shape};
pub use judge::{Fate, Judged, judge};
pub use value::Values;

use super::markdown::{code, row};
use crate::registry::{Family, Support};
use crate::settings::{ServeSettings, Settings};
use clap::{Arg, ArgMatches};
use std::ffi::OsString;
use std::net::IpAddr;

/// What the command line said.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The settings.
    pub settings: Settings,
    /// What a person should know: flags that were given and have no effect.
    pub warnings: Vec<String>,
}

/// The flags as clap arguments. `serve`, `check`, `explain`, `diff` and `convert` accept every flag, so that a Deployment's
/// arguments can be given to `adit check` as they are; `--help` lists those about the `shown` topics that have an effect.
pub fn args(shown: &[Topic]) -> Vec<Arg> {
    let arg = |family: &Family<FlagFacets>, flag: &Flag| {
        let is_shown = flag.support.is_applied() && shown.iter().any(|topic| topic.heading() == family.title);
        flag.arg(family.title).hide(!is_shown)
    };
    Flag::families().iter().flat_map(|family| family.settings.iter().map(move |flag| arg(family, flag))).collect()
}

/// Collects what clap has parsed, on top of the settings for a command line without flags.
///
/// # Errors
/// Names the flag, its value and what was expected.
pub fn collect(matches: &ArgMatches, settings: Settings) -> Result<Flags, String> {
    let mut flags = Flags { settings, warnings: Vec::new() };
    for flag in Flag::all() {
        let Some(given) = matches.get_many::<String>(flag.name) else { continue };
        let given: Vec<&str> = given.map(String::as_str).collect();
        if let Support::Ignored(why) = flag.support {
            flags.warnings.push(format!("--{} is accepted and ignored: {why}", flag.name));
        }
        let values = Values::new(&given);
        (flag.apply)(values, &mut flags.settings)
            .map_err(|error| format!("--{}: {:?} {error}", flag.name, values.shown()))?;
    }
    expect_different_ports(&flags.settings.serve)?;
    webhook::expect_certificate(&flags.settings.serve)?;
    Ok(flags)
}

/// Adit's own ports differ where they are on the same address, or else it would end once it has synced, and listens.
fn expect_different_ports(serve: &ServeSettings) -> Result<(), String> {
    let ports = [
        ("--http-port", serve.http_port, serve.bind_address),
        ("--https-port", serve.https_port, serve.bind_address),
        ("--healthz-port", serve.admin_port, serve.admin_address),
        ("--validating-webhook", serve.webhook.port.unwrap_or_default(), serve.webhook.address),
    ];
    for (index, (flag, port, address)) in ports.iter().enumerate().filter(|(_, (_, port, _))| *port != 0) {
        let same = |(_, other, at): &&(_, u16, Option<IpAddr>)| other == port && !are_apart(*address, *at);
        if let Some((other, ..)) = ports[index + 1..].iter().find(same) {
            return Err(format!("{flag} and {other} are both {port}: expected different ports"));
        }
    }
    Ok(())
}

/// Whether nobody listens on both; `None` is all addresses.
fn are_apart(a: Option<IpAddr>, b: Option<IpAddr>) -> bool {
    let is_one = |address: Option<IpAddr>| address.is_some_and(|address| !address.is_unspecified());
    is_one(a) && is_one(b) && a != b
}

/// Reads flags alone, such as a Deployment's arguments.
///
/// # Errors
/// As [`collect`], or a flag is unknown.
pub fn parse<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Flags, String> {
    let all = args(&[Topic::Objects]);
    let command = clap::Command::new("adit").no_binary_name(true).args(all);
    let flags = spelled_out(flags.into_iter().map(OsString::from));
    collect(&command.try_get_matches_from(flags).map_err(|error| error.to_string())?, Settings::default())
}

/// As clap reads them: Go's flags may begin with one dash, and the verbosity needs no more than a number (`-v2`). A value of
/// a switch may follow after a blank; ingress-nginx does not even look at it, and here it would be a path.
pub fn spelled_out(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut literal = false;
    let mut spelled: Vec<OsString> = Vec::new();
    for arg in args {
        literal |= arg == "--";
        let switch = spelled.last_mut().filter(|last| is_switch(last));
        match (arg.to_str().filter(|_| !literal), switch) {
            (Some(value @ ("true" | "false")), Some(switch)) => {
                switch.push("=");
                switch.push(value);
            }
            (Some(text), _) => spelled.push(with_two_dashes(text).into()),
            (None, _) => spelled.push(arg),
        }
    }
    spelled
}

fn is_switch(arg: &OsString) -> bool {
    let name = arg.to_str().and_then(|text| text.strip_prefix("--"));
    name.and_then(Flag::named).is_some_and(|flag| flag.facets.shape == Shape::Switch)
}

fn with_two_dashes(arg: &str) -> String {
    let Some(rest) = arg.strip_prefix('-') else { return arg.to_owned() };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(verbosity) = rest.strip_prefix('v').filter(|rest| is_number(rest)) {
        return format!("--v={verbosity}");
    }
    let name = rest.split('=').next().unwrap_or(rest);
    if Flag::named(name).is_some() { format!("-{arg}") } else { arg.to_owned() }
}

/// `docs/flags.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Flags\n\nGenerated from the code by `make docs`. `serve`, `check`, `explain`, `diff` and `convert` accept every flag, \
         with one dash or two. A duration is a number of seconds, or a form such as `90s` or `1m30s`.\n\n\
         | flag | value | default | meaning |\n|---|---|---|---|\n",
    );
    for flag in Flag::all().filter(|flag| flag.support.is_applied()) {
        let FlagFacets { shape, default } = flag.facets;
        let value = match shape {
            Shape::Switch => "true or false".to_owned(),
            Shape::Value(name) => format!("`{name}`"),
            Shape::Repeated(name) => format!("`{name}`, may be repeated"),
        };
        row(&mut page, &[&format!("`--{}`", flag.name), &value, &code(default), flag.doc]);
    }
    page.push_str(
        "\n## Accepted and ignored\n\nFlags of ingress-nginx that have no effect in Adit. Each causes a warning.\n\n",
    );
    page.push_str("| flag | why |\n|---|---|\n");
    for flag in Flag::all() {
        if let Support::Ignored(why) = flag.support {
            row(&mut page, &[&format!("`--{}`", flag.name), why]);
        }
    }
    page
}

#[cfg(test)]
mod tests;
