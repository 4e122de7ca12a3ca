//! A real Chromium without a window, by its DevTools protocol.

use crate::connection::PATIENCE;
use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Which programs it may be: Debian's package of the same name, and what machines of CI have.
const PROGRAMS: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];

/// What the program says on its standard error before its address.
const LISTENING: &str = "DevTools listening on ";

/// A browser with one tab. It is killed when this is dropped.
#[derive(Debug)]
pub struct Browser {
    socket: WebSocketStream<TcpStream>,
    session: Value,
    last_id: u64,
    loads: usize,
    /// What it has complained about: content that a policy forbids, files that are missing.
    pub complaints: Vec<String>,
    _child: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts it.
    ///
    /// # Errors
    /// If the program is not there, or does not answer in time.
    pub async fn start() -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let child = PROGRAMS.iter().find_map(|program| spawn(program, profile.path()).ok());
        let mut child = child.context("there is no Chromium: `make clients` installs one")?;
        let address = timeout(PATIENCE, address(&mut child)).await.context("the browser does not start")??;
        let host = address.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).context("no address")?;
        let (socket, _) = client_async(&address, TcpStream::connect(host).await?).await?;
        let (session, complaints) = (Value::Null, Vec::new());
        let mut browser = Self { socket, session, last_id: 0, loads: 0, complaints, _child: child, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        browser.session = browser.call("Target.attachToTarget", attach).await?["sessionId"].take();
        for domain in ["Page.enable", "Log.enable"] {
            browser.call(domain, json!({})).await?;
        }
        Ok(browser)
    }

    /// Opens a page, and waits until it is loaded.
    ///
    /// # Errors
    /// If it cannot be loaded in time.
    pub async fn open(&mut self, url: &str) -> Result<()> {
        let before = self.loads;
        let opened = self.call("Page.navigate", json!({"url": url})).await?;
        ensure!(opened["errorText"].is_null(), "{url}: {opened}");
        while self.loads == before {
            self.next().await?;
        }
        Ok(())
    }

    /// Fills in the first form by an expression of JavaScript, presses its first button, as the key Enter does, and waits until
    /// the answer is loaded.
    ///
    /// # Errors
    /// If it cannot be loaded in time.
    pub async fn submit(&mut self, fill: &str) -> Result<()> {
        let before = self.loads;
        let press = "document.querySelector('form button').click()";
        self.evaluate(&format!("{fill}; {press}")).await?;
        while self.loads == before {
            self.next().await?;
        }
        Ok(())
    }

    /// From now on its window has this width in CSS pixels, and the user prefers these colours: `light` or `dark`.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn show_as(&mut self, width: u32, height: u32, colours: &str) -> Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size).await?;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": colours}]});
        self.call("Emulation.setEmulatedMedia", features).await.map(drop)
    }

    /// The value of an expression of JavaScript, once it is settled.
    ///
    /// # Errors
    /// If it throws.
    pub async fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut evaluated = self.call("Runtime.evaluate", parameters).await?;
        ensure!(evaluated["exceptionDetails"].is_null(), "{evaluated}");
        Ok(evaluated["result"]["value"].take())
    }

    /// Presses the tabulator key.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn press_tab(&mut self) -> Result<()> {
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9});
            self.call("Input.dispatchKeyEvent", key).await?;
        }
        Ok(())
    }

    /// What the window shows, as PNG.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn screenshot(&mut self) -> Result<Vec<u8>> {
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"})).await?;
        Ok(STANDARD.decode(taken["data"].as_str().context("no picture")?)?)
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.socket.send(Message::text(message.to_string())).await?;
        loop {
            let mut answer = self.next().await.with_context(|| method.to_owned())?;
            if answer["id"] == id {
                ensure!(answer["error"].is_null(), "{method}: {answer}");
                return Ok(answer["result"].take());
            }
        }
    }

    /// The next message, which may be about something that has happened.
    async fn next(&mut self) -> Result<Value> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.context("the browser says nothing")?;
            let Message::Text(text) = message.context("the browser is gone")?? else { continue };
            let message: Value = serde_json::from_str(&text)?;
            match message["method"].as_str() {
                Some("Page.loadEventFired") => self.loads += 1,
                Some("Log.entryAdded") => self.complaints.push(message["params"]["entry"].to_string()),
                _ => {}
            }
            return Ok(message);
        }
    }
}

fn spawn(program: &str, profile: &Path) -> std::io::Result<Child> {
    Command::new(program)
        // The sandbox needs rights that a container lacks. The pages are our own.
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

async fn address(child: &mut Child) -> Result<String> {
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix(LISTENING) {
            let address = address.to_owned();
            // It is read to its end, or the browser would wait for room.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(address);
        }
    }
    bail!("the browser has ended")
}
