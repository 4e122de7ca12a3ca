//! What shells and `man` know of the commands: made from the same description as `--help`.

use super::arguments::write_stdout;
use anyhow::Context as _;
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) fn completion_command() -> Command {
    Command::new("completion")
        .about("Print a script that completes commands and flags, such as for `source <(adit completion bash)`")
        .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(value_parser!(Shell)).help("The shell"))
}

pub(super) fn man_command() -> Command {
    Command::new("man").about("Write a manual page for each command").arg(
        Arg::new("directory")
            .value_name("DIRECTORY")
            .required(true)
            .value_parser(PathBufValueParser::new())
            .help("Existing directory for the pages: adit.1, adit-serve.1 and so on"),
    )
}

pub(super) fn complete(matches: &ArgMatches, mut adit: Command) -> anyhow::Result<ExitCode> {
    if let Some(&shell) = matches.get_one::<Shell>("shell") {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut adit, "adit", &mut script);
        write_stdout(&String::from_utf8(script)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn write_manual(matches: &ArgMatches, adit: Command) -> anyhow::Result<ExitCode> {
    if let Some(directory) = matches.get_one::<PathBuf>("directory") {
        let written = clap_mangen::generate_to(adit, directory);
        written.with_context(|| format!("cannot write manual pages to {}", directory.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
