//! The commands that a document gives, in their order: what a reader types.

use anyhow::{Context as _, Result, bail, ensure};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// What documents call `adit`.
const ADIT: &str = env!("CARGO_BIN_EXE_adit-under-test");
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The commands of one section.
pub(super) struct Section {
    heading: String,
    commands: std::vec::IntoIter<String>,
    /// Has a link `adit`.
    programs: TempDir,
}

impl Section {
    /// That of a document below this heading, up to the next.
    pub(super) fn of(document: &str, heading: &str) -> Result<Self> {
        let text = std::fs::read_to_string(Path::new(REPOSITORY).join(document))?;
        let (_, rest) = text.split_once(&format!("\n{heading}\n")).with_context(|| format!("no {heading:?}"))?;
        let section = rest.split("\n#").next().unwrap_or_default();
        let programs = tempfile::tempdir()?;
        std::os::unix::fs::symlink(ADIT, programs.path().join("adit"))?;
        Ok(Self { heading: heading.to_owned(), commands: commands(section)?.into_iter(), programs })
    }

    /// Runs the next command, which must have this text, and returns what it prints.
    pub(super) async fn run(&mut self, text: &str) -> Result<String> {
        let command = self.next(text)?;
        self.shell(&command).await
    }

    /// Starts the next command, which must have this text and end with `&`.
    pub(super) fn start(&mut self, text: &str) -> Result<Child> {
        let command = self.next(text)?;
        let command = command.strip_suffix('&').with_context(|| format!("it does not end with &: {command}"))?;
        Ok(self.command(&format!("exec {command}")).stdout(Stdio::null()).spawn()?)
    }

    /// Leaves out the next command, which must have this text.
    pub(super) fn leave_out(&mut self, text: &str) -> Result<()> {
        self.next(text).map(drop)
    }

    /// All commands were taken.
    pub(super) fn is_finished(&self) -> Result<()> {
        let left = self.commands.as_slice();
        ensure!(left.is_empty(), "{}: nobody has tried {left:#?}", self.heading);
        Ok(())
    }

    /// The next command, which must have this text.
    pub(super) fn next(&mut self, text: &str) -> Result<String> {
        match self.commands.next() {
            Some(command) if command.contains(text) => Ok(command),
            other => bail!("{}: expected a command with {text:?}, found {other:?}", self.heading),
        }
    }

    /// Runs a command as a reader of the repository does.
    pub(super) async fn shell(&self, command: &str) -> Result<String> {
        println!("$ {command}");
        let output = self.command(command).stdout(Stdio::piped()).stderr(Stdio::piped()).output().await?;
        let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{}: {command}: {said}{}", self.heading, error.trim());
        Ok(said.into_owned())
    }

    fn command(&self, command: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut bash = Command::new("bash");
        bash.args(["-c", command])
            .env("PATH", format!("{}:{path}", self.programs.path().display()))
            .current_dir(REPOSITORY)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        bash
    }
}

/// The lines behind `$ ` in blocks of console, each with the lines that a shell would ask for.
fn commands(section: &str) -> Result<Vec<String>> {
    let mut commands: Vec<String> = Vec::new();
    for block in section.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let mut is_open = false;
        for line in block.lines().map(str::trim) {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) if !is_open => commands.push(command.to_owned()),
                (_, Some(command)) if is_open => {
                    command.push('\n');
                    command.push_str(line);
                }
                // What a command prints.
                _ => continue,
            }
            is_open = commands.last().is_some_and(|command| !is_complete(command));
        }
        ensure!(!is_open, "a command has no end: {commands:#?}");
    }
    Ok(commands.into_iter().map(without_comment).collect())
}

fn is_complete(command: &str) -> bool {
    let has_open_quote = !command.matches('\'').count().is_multiple_of(2);
    let has_open_document = command.contains("<<'EOF'") && !command.ends_with("\nEOF");
    !(command.ends_with('\\')
        || command.ends_with('|')
        || has_open_document
        || has_open_quote && !command.contains("<<'EOF'"))
}

/// Without what stands behind two blanks and `#`.
fn without_comment(command: String) -> String {
    match command.split_once("  #") {
        Some((command, comment)) if !comment.contains('\n') => command.trim_end().to_owned(),
        _ => command,
    }
}

#[test]
fn commands_are_found_with_their_lines() -> Result<()> {
    let section = "text\n   ```console\n   $ one --x     # what it does\n   printed\n   $ two -p '[{\n       \"a\": 1}]'\n   ```\n\n\
                   ```console\n$ three <<'EOF'\nit's\nEOF\n$ four \\\n    | five\n$ six &\n```\n";
    let expected = ["one --x", "two -p '[{\n\"a\": 1}]'", "three <<'EOF'\nit's\nEOF", "four \\\n| five", "six &"];
    assert_eq!(commands(section)?, expected);
    Ok(())
}
