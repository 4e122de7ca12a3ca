//! Adit as a process of its own, which is sent signals like any other.

use crate::connection::PATIENCE;
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A running `adit serve` on the loopback, with one worker. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: Log,
    /// The address for HTTP.
    pub http: SocketAddr,
    /// The address for HTTPS.
    pub https: SocketAddr,
    /// The address of the admin port.
    pub admin: SocketAddr,
    _manifests: TempDir,
}

impl Process {
    /// Runs a program to serve these manifests, on free ports unless the arguments name others.
    ///
    /// # Errors
    /// If it does not serve in time.
    pub async fn start(program: &str, arguments: &[&str], manifests: &str) -> Result<Self> {
        Self::start_in(&[], Stdio::null(), program, arguments, manifests).await
    }

    /// As [`Process::start`], with more in its environment, and with its access log written to `access_log`.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub async fn start_in(
        environment: &[(&str, &str)],
        access_log: Stdio,
        program: &str,
        arguments: &[&str],
        manifests: &str,
    ) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("objects.yaml"), manifests)?;
        let mut command = Command::new(program);
        command.args(["serve", "--workers=1", "--bind-address=127.0.0.1", "--healthz-host=127.0.0.1"]);
        for port in ["--http-port", "--https-port", "--healthz-port"] {
            if !arguments.iter().any(|argument| argument.starts_with(port)) {
                command.arg(format!("{port}=0"));
            }
        }
        command.args(arguments).arg(directory.path());
        command.envs(environment.iter().copied()).stdout(access_log).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{program} does not run"))?;
        let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
        let (line, more) = mpsc::unbounded_channel();
        let mut log = Log { lines: Vec::new(), more };
        tokio::spawn(async move {
            // It is read to its end, or the process would wait for room.
            while let Ok(Some(text)) = lines.next_line().await {
                let _ = line.send(text);
            }
        });
        let http = log.address("serving HTTP ").await?;
        let https = log.address("serving HTTPS ").await?;
        let admin = log.address("the admin port").await?;
        Ok(Self { child, log, http, https, admin, _manifests: directory })
    }

    /// The first line of its log that has this text, as soon as there is one.
    ///
    /// # Errors
    /// If there is none in time.
    pub async fn says(&mut self, text: &str) -> Result<String> {
        self.log.line(text).await
    }

    /// Sends a signal by its name, such as `TERM`.
    ///
    /// # Errors
    /// If the process has ended.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let id = self.id()?.to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().await?;
        ensure!(status.success(), "kill: {status}");
        Ok(())
    }

    /// Asks it to end, and waits until it has begun to.
    ///
    /// # Errors
    /// If it does not hear.
    pub async fn terminate(&mut self) -> Result<()> {
        self.signal("TERM").await?;
        self.says("shutting down").await.map(drop)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        Ok(timeout(PATIENCE, self.child.wait()).await.context("the process does not end")??)
    }

    /// The number by which the system knows it.
    ///
    /// # Errors
    /// If it has ended.
    pub fn id(&self) -> Result<u32> {
        self.child.id().context("the process has ended")
    }

    /// The memory that it has, in bytes.
    ///
    /// # Errors
    /// If it has ended.
    pub fn memory(&self) -> Result<usize> {
        let id = self.id()?;
        let pages = std::fs::read_to_string(format!("/proc/{id}/statm"))?;
        let resident: usize = pages.split(' ').nth(1).context("no resident pages")?.parse()?;
        Ok(resident * rustix::param::page_size())
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

/// What the process has written to standard error.
#[derive(Debug)]
struct Log {
    lines: Vec<String>,
    more: mpsc::UnboundedReceiver<String>,
}

impl Log {
    async fn line(&mut self, text: &str) -> Result<String> {
        let mut seen = 0;
        loop {
            if let Some(found) = self.lines[seen..].iter().find(|line| line.contains(text)) {
                return Ok(found.clone());
            }
            seen = self.lines.len();
            let next = timeout(PATIENCE, self.more.recv()).await;
            let next = next.with_context(|| format!("{text:?} is not in the log: {:?}", self.lines))?;
            self.lines.push(next.with_context(|| format!("the log ends without {text:?}: {:?}", self.lines))?);
        }
    }

    async fn address(&mut self, text: &str) -> Result<SocketAddr> {
        let line = self.line(text).await?;
        let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
        Ok(address.with_context(|| format!("no address in {line:?}"))?.parse()?)
    }
}
