//! The requests of the suite, and what must come of each.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tests::lab::{Answer, Entry};

/// One request of the suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) method: &'static str,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    /// Empty is the address itself.
    pub(super) host: &'static str,
    pub(super) path: &'static str,
    pub(super) expect: Expect,
}

/// What must come of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// This status, from the gateway.
    Status(u16),
    /// 200 from this Service.
    Service(&'static str),
    /// 200 from this Service, which saw the request as it was sent, and headers that clients rely on.
    Whole(&'static str),
}

const fn row(method: &'static str, host: &'static str, path: &'static str, expect: Expect) -> Row {
    Row { method, scheme: "http", host, path, expect }
}

const fn get(host: &'static str, path: &'static str, expect: Expect) -> Row {
    row("GET", host, path, expect)
}

use Expect::{Service, Status, Whole};

pub(super) const DEFAULT_BACKEND: [Row; 6] = [
    get("my-host", "/", Whole("echo-service")),
    get("my-host", "/sub-path", Whole("echo-service")),
    row("POST", "some-host", "/", Whole("echo-service")),
    row("PUT", "", "/resource", Whole("echo-service")),
    row("DELETE", "some-host", "/resource", Whole("echo-service")),
    row("PATCH", "my-host", "/resource", Whole("echo-service")),
];

pub(super) const HOST_RULES: [Row; 6] = [
    Row { scheme: "https", ..get("foo.bar.com", "/", Service("foo-bar-com")) },
    get("foo.bar.com", "/", Service("foo-bar-com")),
    get("subdomain.bar.com", "/", Status(404)),
    get("bar.foo.com", "/", Service("wildcard-foo-com")),
    get("baz.bar.foo.com", "/", Status(404)),
    get("foo.com", "/", Status(404)),
];

pub(super) const PATH_RULES: [Row; 16] = [
    get("exact-path-rules", "/foo", Service("foo-exact")),
    get("exact-path-rules", "/foo/", Status(404)),
    get("exact-path-rules", "/FOO", Status(404)),
    get("exact-path-rules", "/bar", Status(404)),
    get("prefix-path-rules", "/foo", Service("foo-prefix")),
    get("prefix-path-rules", "/foo/", Service("foo-prefix")),
    get("prefix-path-rules", "/FOO", Status(404)),
    get("prefix-path-rules", "/aaa/bbb", Service("aaa-slash-bbb-prefix")),
    get("prefix-path-rules", "/aaa/bbb/ccc", Service("aaa-slash-bbb-prefix")),
    get("prefix-path-rules", "/aaa/ccc", Service("aaa-prefix")),
    get("prefix-path-rules", "/aaaccc", Status(404)),
    get("prefix-path-rules", "/foo/", Service("foo-prefix")),
    get("mixed-path-rules", "/foo", Service("foo-exact")),
    get("trailing-slash-path-rules", "/aaa/bbb", Service("aaa-slash-bbb-slash-prefix")),
    get("trailing-slash-path-rules", "/aaa/bbb/", Service("aaa-slash-bbb-slash-prefix")),
    get("trailing-slash-path-rules", "/foo", Status(404)),
];

/// As Go's client names itself, which the suite expects to be passed on.
const USER_AGENT: &str = "Go-http-client/1.1";

impl Row {
    /// Makes the request until three answers in a row have one status, follows a redirect to the same address, and judges.
    pub(super) async fn play(&self, entry: &Entry) -> Result<()> {
        let answer = self.settled(entry).await?;
        self.judge(&answer, entry)
    }

    async fn settled(&self, entry: &Entry) -> Result<Answer> {
        let mut answer = self.ask(entry).await?;
        let mut equal = 1;
        while equal < 3 {
            let next = self.ask(entry).await?;
            equal = if next.status == answer.status { equal + 1 } else { 1 };
            answer = next;
        }
        Ok(answer)
    }

    async fn ask(&self, entry: &Entry) -> Result<Answer> {
        let answer = self.ask_at(entry, self.scheme, self.path).await?;
        let Some(location) = answer.header("location") else { return Ok(answer) };
        let (scheme, rest) = location.split_once("://").context("a relative redirect")?;
        let path = rest.find('/').map_or("/", |start| &rest[start..]);
        self.ask_at(entry, scheme, path).await
    }

    async fn ask_at(&self, entry: &Entry, scheme: &str, path: &str) -> Result<Answer> {
        let host = self.host_at(entry);
        match scheme {
            "https" => Ok(entry.get_tls(&host, path).await?.0),
            _ => entry.request(self.method, &host, path, &[("User-Agent", USER_AGENT)]).await,
        }
    }

    fn host_at(&self, entry: &Entry) -> String {
        if self.host.is_empty() { entry.http.ip().to_string() } else { self.host.to_owned() }
    }

    fn judge(&self, answer: &Answer, entry: &Entry) -> Result<()> {
        let service = match self.expect {
            Status(status) => {
                ensure!(answer.status == status, "status {}, expected {status}", answer.status);
                return Ok(());
            }
            Service(service) | Whole(service) => service,
        };
        let said = answer.said()?;
        ensure!(said["service"] == service, "from {}, expected {service}", said["service"]);
        ensure!(said["host"] == self.host_at(entry), "the backend saw the host {}", said["host"]);
        if matches!(self.expect, Whole(_)) { self.judge_whole(answer, &said) } else { Ok(()) }
    }

    fn judge_whole(&self, answer: &Answer, said: &Value) -> Result<()> {
        for name in ["content-length", "content-type", "date", "server"] {
            ensure!(answer.header(name).is_some(), "no header {name}");
        }
        for (what, expected) in [("method", self.method), ("path", self.path), ("proto", "HTTP/1.1")] {
            ensure!(said[what] == expected, "the backend saw the {what} {}, expected {expected}", said[what]);
        }
        let agent = &said["headers"]["User-Agent"][0];
        ensure!(agent == USER_AGENT, "the backend saw the User-Agent {agent}");
        Ok(())
    }
}
