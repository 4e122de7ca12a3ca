//! Users sign in with an OpenID provider by oauth2-proxy, as `manifests/examples/external-auth.yaml` has it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::echo::said::Said;
use tests::lab::{Echo, Entry, Installed, Manifest, Namespace, eventually, own_address, rolled_out};
use tests::openid::{Client, Provider, User};
use tokio::process::Command;

/// The host and the namespace of the example.
const HOST: &str = "guarded.example.com";
const NAMESPACE: &str = "examples";
/// A page, and how a query names it.
const PAGE: &str = "/deep/page?a=1&b=two%20words&c=%26";
const ENCODED_PAGE: &str = "%2Fdeep%2Fpage%3Fa%3D1%26b%3Dtwo%2520words%26c%3D%2526";
const USER: &str = "X-Auth-Request-User";
const EMAIL: &str = "X-Auth-Request-Email";
const GROUPS: &str = "X-Auth-Request-Groups";
/// Who a client would like to be.
const FORGED: [&str; 6] = [
    "X-Auth-Request-User: mallory",
    "x-auth-request-user: mallory",
    "X-Auth-Request-Email: mallory@example.com",
    "X-AUTH-REQUEST-GROUPS: admins",
    "X_Auth_Request_User: mallory",
    "Connection: keep-alive, X-Auth-Request-User",
];

#[tokio::test]
async fn a_browser_signs_in_and_out() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create(NAMESPACE).await?;
    let provider = provider().await?;
    namespace.apply(&oauth2_proxy(&provider)).await?;
    Echo::new("guarded").start(&namespace).await?;
    rolled_out(NAMESPACE, "deployment/oauth2-proxy").await?;
    namespace.apply(&example(&adit)?).await?;
    let pods = adit.pods().await?;
    let browser = Browser::new()?;
    let sign_in = format!("https://{HOST}/oauth2/start?rd=https://{HOST}{ENCODED_PAGE}");
    let is_sent_away = async |headers: &[&str]| {
        for pod in &pods {
            let visit = browser.open(pod, PAGE, headers).await?;
            ensure!(visit.steps == [Step { status: 302, location: sign_in.clone() }], "{visit:?}");
        }
        Ok(())
    };
    for pod in &pods {
        // The routes of the sign-in page are not guarded.
        eventually("a page of oauth2-proxy", async || {
            let visit = browser.open(pod, "/oauth2/sign_in", &[]).await?;
            ensure!(visit.body.contains("OpenID Connect"), "{visit:?}");
            Ok(())
        })
        .await?;
    }
    is_sent_away(&[]).await?;
    is_sent_away(&FORGED).await?;
    is_sent_away(&["Cookie: _oauth2_proxy=forged|1|forged"]).await?;

    let visit = browser.follow(pods.first().context("no Pod")?, PAGE).await?;
    visit.led_by(&[
        &sign_in,
        &format!("{}/authorize?", provider.issuer),
        &callback(),
        &format!("https://{HOST}{PAGE}"),
    ])?;
    visit.is_of_the_user()?;
    for pod in &pods {
        for headers in [&[] as &[&str], &FORGED] {
            let visit = browser.open(pod, PAGE, headers).await?;
            ensure!(visit.steps.is_empty(), "{visit:?}");
            visit.is_of_the_user()?;
        }
    }

    let visit = browser.open(pods.last().context("no Pod")?, "/oauth2/sign_out", &[]).await?;
    ensure!(visit.steps.len() == 1, "{visit:?}");
    is_sent_away(&[]).await
}

/// A provider, which oauth2-proxy is a client of.
async fn provider() -> Result<Provider> {
    let client = Client { id: "adit".into(), secret: "of the client".into(), redirect_uri: callback() };
    let user = User { subject: "2f6c".into(), email: "ada@example.com".into() };
    Provider::start(own_address().await?, client, user).await
}

/// What oauth2-proxy takes its own address for, by what Adit tells it.
fn callback() -> String {
    format!("https://{HOST}/oauth2/callback")
}

/// The Ingresses of the example, with one more header that the backend is to believe.
fn example(adit: &Installed) -> Result<String> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(&Manifest::example("external-auth")?)?;
    let mut ingresses = String::new();
    for mut object in objects.into_iter().filter(|object| object["kind"] == "Ingress") {
        object["spec"]["ingressClassName"] = json!(adit.name);
        if let Some(Value::String(headers)) =
            object.pointer_mut("/metadata/annotations/nginx.ingress.kubernetes.io~1auth-response-headers")
        {
            *headers += &format!(",{GROUPS}");
        }
        ingresses += &format!("---\n{object}\n");
    }
    Ok(ingresses)
}

/// The Deployment and the Service.
fn oauth2_proxy(provider: &Provider) -> String {
    let labels = json!({"app": "oauth2-proxy"});
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "oauth2-proxy"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "oauth2-proxy",
                    "image": "localhost/oauth2-proxy:1",
                    "args": [
                        "--provider=oidc",
                        format!("--oidc-issuer-url={}", provider.issuer),
                        "--code-challenge-method=S256",
                        "--insecure-oidc-skip-nonce=false",
                        "--client-id=adit",
                        "--client-secret=of the client",
                        "--cookie-secret=0123456789abcdef0123456789abcdef",
                        "--email-domain=*",
                        format!("--whitelist-domain={HOST}"),
                        "--http-address=0.0.0.0:4180",
                        "--reverse-proxy",
                        "--set-xauthrequest",
                        "--upstream=static://404",
                    ],
                    "ports": [{"name": "http", "containerPort": 4180}],
                    "readinessProbe": {
                        "httpGet": {"path": "/ready", "port": "http"},
                        "periodSeconds": 1,
                        "timeoutSeconds": 30,
                    },
                }]},
            },
        },
    });
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "oauth2-proxy"},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 4180, "targetPort": "http"}]},
    });
    format!("---\n{deployment}\n---\n{service}\n")
}

/// curl, with cookies.
struct Browser {
    profile: TempDir,
}

/// What a browser has seen.
#[derive(Debug)]
struct Visit {
    /// The redirects.
    steps: Vec<Step>,
    /// The body of the last response.
    body: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Step {
    status: u16,
    location: String,
}

impl Browser {
    fn new() -> Result<Self> {
        Ok(Self { profile: tempfile::tempdir()? })
    }

    /// Opens a path of the host at a replica of Adit, with these headers.
    async fn open(&self, pod: &Entry, path: &str, headers: &[&str]) -> Result<Visit> {
        let headers: Vec<_> = headers.iter().flat_map(|header| ["--header", header]).collect();
        self.curl(pod, path, &headers).await
    }

    /// The same, and goes where redirects lead.
    async fn follow(&self, pod: &Entry, path: &str) -> Result<Visit> {
        self.curl(pod, path, &["--location"]).await
    }

    async fn curl(&self, pod: &Entry, path: &str, options: &[&str]) -> Result<Visit> {
        let url = format!("https://{HOST}{path}");
        let there = format!("{HOST}:443:{}", pod.https);
        let cookies = self.profile.path().join("cookies");
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--insecure", "--include", "--http1.1", "--connect-to", &there, &url]);
        curl.arg("--cookie").arg(&cookies).arg("--cookie-jar").arg(&cookies).args(options);
        let output = curl.kill_on_drop(true).output().await.context("cannot run curl")?;
        ensure!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
        Visit::read(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Visit {
    /// Reads the heads of responses, and what follows the last one.
    fn read(mut printed: &str) -> Result<Self> {
        let mut steps = Vec::new();
        while printed.starts_with("HTTP/") {
            let (head, rest) = printed.split_once("\r\n\r\n").context("a head without an end")?;
            let status = head.split_whitespace().nth(1).context("no status")?.parse()?;
            let location = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().starts_with("location: ").then(|| line[10..].to_owned()));
            steps.extend(location.map(|location| Step { status, location }));
            printed = rest;
        }
        Ok(Self { steps, body: printed.to_owned() })
    }

    /// The redirects are to URLs that begin so.
    fn led_by(&self, urls: &[&str]) -> Result<()> {
        let are = self.steps.len() == urls.len()
            && self.steps.iter().zip(urls).all(|(step, url)| step.status == 302 && step.location.starts_with(url));
        ensure!(are, "not by {urls:?}: {self:?}");
        Ok(())
    }

    /// The backend has answered, and been told who asks, and nothing else of that kind.
    fn is_of_the_user(&self) -> Result<()> {
        let said = Said::read(self.body.as_bytes())?;
        ensure!(said.service == "guarded" && said.path == PAGE, "{said:?}");
        let told = [USER, EMAIL, GROUPS, "X_Auth_Request_User"].map(|name| said.header(name));
        ensure!(told == [Some("2f6c".into()), Some("ada@example.com".into()), None, None], "{said:?}");
        Ok(())
    }
}
