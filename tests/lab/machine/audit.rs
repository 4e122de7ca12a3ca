//! What the API server's own log says of an account: who asked for what, and when.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// `get`, `list`, `patch`, ...
    pub(crate) verb: String,
    /// `ingresses`, or `ingresses/status`.
    pub(crate) resource: String,
    pub(crate) namespace: String,
    /// The Pod whose token it was.
    pub(crate) pod: String,
    /// When, in seconds of the API server's clock.
    pub(crate) second: i64,
    /// The status of the answer.
    pub(crate) status: u64,
}

impl Entry {
    pub(crate) fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// The requests of one account, from the lab's start.
pub(crate) struct Audit {
    user: String,
    log: BufReader<File>,
    /// The last line, while it is being written.
    unfinished: String,
    pub(crate) entries: Vec<Entry>,
}

impl Audit {
    /// Of a ServiceAccount.
    pub(crate) fn of(namespace: &str, account: &str) -> Result<Self> {
        let lab = std::env::var_os("ADIT_LAB").context("ADIT_LAB names no lab")?;
        let path = PathBuf::from(lab).join("logs/control-plane/audit.log");
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        let user = format!("system:serviceaccount:{namespace}:{account}");
        Ok(Self { user, log: BufReader::new(file), unfinished: String::new(), entries: Vec::new() })
    }

    /// Reads on, and returns all there is by now.
    pub(crate) fn read(&mut self) -> Result<&[Entry]> {
        while self.log.read_line(&mut self.unfinished)? > 0 && self.unfinished.ends_with('\n') {
            let line = std::mem::take(&mut self.unfinished);
            // Most of a busy log is of others.
            if line.contains(&self.user) {
                self.entries.extend(entry(&serde_json::from_str(&line)?, &self.user));
            }
        }
        Ok(&self.entries)
    }

    /// Passes over what there is by now.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.unfinished.clear();
        self.log.seek(SeekFrom::End(0))?;
        self.entries.clear();
        Ok(())
    }
}

fn entry(line: &Value, user: &str) -> Option<Entry> {
    let text = |path: &str| line.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    // A watch is told of twice, at its start and at its end.
    if text("/user/username") != user || text("/stage") == "ResponseStarted" && text("/verb") != "watch" {
        return None;
    }
    let subresource = text("/objectRef/subresource");
    let resource = text("/objectRef/resource");
    Some(Entry {
        verb: text("/verb"),
        resource: if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") },
        namespace: text("/objectRef/namespace"),
        pod: text("/user/extra/authentication.kubernetes.io~1pod-name/0"),
        second: text("/stageTimestamp").parse::<Timestamp>().ok()?.as_second(),
        status: line.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or_default(),
    })
}
