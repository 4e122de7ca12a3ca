//! Debian's php-fpm as a process of its own.

use anyhow::{Context, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tests::connection::PATIENCE;
use tests::ports::free_port;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The program, as Debian 12 names it.
const PROGRAM: &str = "php-fpm8.2";

/// A running php-fpm with one script. It is killed when this is dropped.
pub(super) struct PhpFpm {
    pub(super) address: SocketAddr,
    directory: TempDir,
    _process: Child,
}

impl PhpFpm {
    /// Starts one that has the script `index.php`.
    pub(super) async fn start(script: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let config = directory.path().join("php-fpm.conf");
        std::fs::write(directory.path().join("index.php"), script)?;
        std::fs::write(&config, configuration(directory.path(), address, &user().await?))?;
        let mut process = Command::new(PROGRAM)
            // As root, as tests in containers run; for others that changes nothing.
            .args(["--nodaemonize", "--force-stderr", "--allow-to-run-as-root", "--fpm-config"])
            .arg(&config)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{PROGRAM} does not run: `make test` installs it"))?;
        let mut log = BufReader::new(process.stderr.take().context("no log")?).lines();
        let ready = async {
            while let Some(line) = log.next_line().await? {
                if line.contains("ready to handle connections") {
                    return Ok(());
                }
            }
            anyhow::bail!("{PROGRAM} ends")
        };
        timeout(PATIENCE, ready).await.context("php-fpm does not become ready")??;
        // What else it says is read, or it would wait for room.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Ok(Self { address, directory, _process: process })
    }

    /// Where its script is.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }
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
