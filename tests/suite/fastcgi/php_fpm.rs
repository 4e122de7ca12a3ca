//! Debian's php-fpm as a process of its own.

use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tests::connection::PATIENCE;
use tests::ports::free_port;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Where Debian has the program, which has its version in its name.
const PROGRAMS: &str = "/usr/sbin";

/// A running php-fpm with one script. It is ended when this is dropped.
pub(super) struct PhpFpm {
    pub(super) address: SocketAddr,
    directory: TempDir,
    process: Child,
}

/// Not killed, so that it ends its children.
impl Drop for PhpFpm {
    fn drop(&mut self) {
        if let Some(id) = self.process.id() {
            let _ = std::process::Command::new("kill").args(["-s", "TERM", &id.to_string()]).status();
        }
    }
}

impl PhpFpm {
    /// Starts one that has the script `index.php`.
    pub(super) async fn start(script: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let config = directory.path().join("php-fpm.conf");
        std::fs::write(directory.path().join("index.php"), script)?;
        std::fs::write(&config, configuration(directory.path(), address, &user().await?))?;
        let program = program()?;
        let mut process = Command::new(&program)
            // As root, as tests in containers run; for others that changes nothing.
            .args(["--nodaemonize", "--force-stderr", "--allow-to-run-as-root", "--fpm-config"])
            .arg(&config)
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not run", program.display()))?;
        let mut log = BufReader::new(process.stderr.take().context("no log")?).lines();
        let ready = async {
            while let Some(line) = log.next_line().await? {
                if line.contains("ready to handle connections") {
                    return Ok(());
                }
            }
            bail!("php-fpm ends")
        };
        timeout(PATIENCE, ready).await.context("php-fpm does not become ready")??;
        // What else it says is read, or it would wait for room.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Ok(Self { address, directory, process })
    }

    /// Where its script is.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

fn program() -> Result<PathBuf> {
    let mut programs = std::fs::read_dir(PROGRAMS)?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("php-fpm"));
    programs.find(is_it).context("there is no php-fpm: `make test` installs it")
}

fn configuration(directory: &Path, address: SocketAddr, user: &str) -> String {
    format!(
        "[global]\npid = {0}/pid\nerror_log = {0}/log\n\n[www]\nuser = {user}\nlisten = {address}\npm = static\n\
         pm.max_children = 2\nphp_admin_value[open_basedir] = {0}\nphp_flag[display_errors] = off\nphp_flag[log_errors] = on\n",
        directory.display()
    )
}

async fn user() -> Result<String> {
    let output = Command::new("id").arg("-un").output().await?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
