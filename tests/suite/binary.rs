//! The binary as a user runs it: from its arguments to its exit code.

use super::ADIT;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

const OBJECTS: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}
";

fn manifests(text: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("objects.yaml"), text).expect("a file");
    directory
}

#[test]
fn shells_and_man_know_the_commands() {
    for (shell, says) in [("bash", "--path-matching"), ("zsh", "--path-matching"), ("fish", "path-matching")] {
        let output = Command::new(ADIT).args(["completion", shell]).output().expect("adit runs");
        let script = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success() && script.contains(says), "{shell}: {script}");
        if shell == "bash" {
            let checked = Command::new("bash").args(["-n", "-c", &script]).status().expect("bash runs");
            assert!(checked.success(), "{script}");
        }
    }
    let directory = tempfile::tempdir().expect("a directory");
    let status = Command::new(ADIT).arg("man").arg(directory.path()).status().expect("adit runs");
    let page = std::fs::read_to_string(directory.path().join("adit-serve.1")).expect("a page");
    assert!(status.success() && page.contains(r"\-\-http\-port"), "{page}");
    let plugin = std::fs::read_to_string(directory.path().join("adit-kubectl-routes.1")).expect("a page");
    assert!(plugin.contains(r"\-\-context"), "{plugin}");
    let gone = Command::new(ADIT).arg("man").arg(directory.path().join("none")).output().expect("adit runs");
    let error = String::from_utf8_lossy(&gone.stderr);
    assert!(!gone.status.success() && error.contains("cannot write manual pages to"), "{error}");
}

fn adit(arguments: &[&str], manifests: &Path) -> Command {
    let mut command = Command::new(ADIT);
    command.args(arguments).arg(manifests);
    command
}

fn output(arguments: &[&str], text: &str) -> Output {
    adit(arguments, manifests(text).path()).output().expect("adit runs")
}

/// A running `adit serve`.
struct Serving {
    process: Child,
    log: BufReader<ChildStderr>,
}

impl Serving {
    fn start(arguments: &[&str], manifests: &Path) -> Self {
        Self::start_with(arguments, &[], manifests)
    }

    fn start_with(arguments: &[&str], variables: &[(&str, &str)], manifests: &Path) -> Self {
        let everywhere =
            ["serve", "--bind-address=127.0.0.1", "--healthz-host=127.0.0.1", "--http-port=0", "--https-port=0"];
        let mut command = adit(&everywhere, manifests);
        command.arg("--healthz-port=0").args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        command.envs(variables.iter().copied());
        let mut process = command.spawn().expect("adit runs");
        let log = BufReader::new(process.stderr.take().expect("a pipe"));
        Self { process, log }
    }

    /// The next line of the log that holds this text.
    fn line(&mut self, text: &str) -> String {
        loop {
            let line = self.next_line();
            if line.contains(text) {
                return line;
            }
        }
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.log.read_line(&mut line).expect("text") > 0, "the log ends");
        line
    }

    fn address(&mut self, text: &str) -> String {
        let line = self.line(text);
        let address = line.split("address=").nth(1).expect("an address");
        address.split_whitespace().next().expect("an address").to_owned()
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.process.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn status(address: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer.split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn serves_on_for_the_grace_period_unless_told_twice() {
    let manifests = manifests(OBJECTS);
    let mut adit = Serving::start(&["--shutdown-grace-period=10000"], manifests.path());
    let http = adit.address("serving HTTP");
    let admin = adit.address("the admin port");
    assert_eq!(status(&http, "/cart"), "503"); // no Service, so no endpoint
    assert_eq!(status(&http, "/other"), "404");
    assert_eq!((status(&admin, "/healthz"), status(&admin, "/readyz")), ("200".into(), "200".into()));
    adit.signal("-TERM");
    adit.line("shutting down");
    // For the grace period it fails its health check, and takes requests still.
    assert_eq!(status(&admin, "/healthz"), "500");
    assert_eq!(status(&http, "/cart"), "503");
    adit.signal("-TERM");
    assert_eq!(adit.process.wait().expect("it ends").code(), Some(1), "the second signal ends it at once");
}

#[test]
fn an_interrupt_ends_it_without_grace() {
    let manifests = manifests(OBJECTS);
    let mut adit = Serving::start(&["--shutdown-grace-period=10000"], manifests.path());
    let http = adit.address("serving HTTP");
    assert_eq!(status(&http, "/cart"), "503");
    adit.signal("-INT");
    assert!(adit.process.wait().expect("it ends").success());
}

/// Answers one connection over TLS, with a certificate that nobody has signed.
fn tls_backend() -> SocketAddr {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key))
        .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a connection");
        let mut session = ServerConnection::new(Arc::new(config)).expect("a session");
        let mut tls = rustls::Stream::new(&mut session, &mut tcp);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            tls.read_exact(&mut byte).expect("a request");
            head.push(byte[0]);
        }
        tls.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it reads");
    });
    address
}

#[test]
fn backends_with_tls_need_no_roots_of_the_system() {
    let address = tls_backend();
    let (ip, port) = (address.ip(), address.port());
    let endpoints = format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: cart}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: cart-1, labels: {{kubernetes.io/service-name: cart}}}}
addressType: IPv4
endpoints: [{{addresses: [{ip}]}}]
ports: [{{port: {port}}}]
"
    );
    let annotated = "{name: shop, annotations: {nginx.ingress.kubernetes.io/backend-protocol: HTTPS}}";
    let manifests = manifests(&(OBJECTS.replace("{name: shop}", annotated) + &endpoints));
    let nowhere = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];
    let mut adit = Serving::start_with(&[], &nowhere, manifests.path());
    assert_eq!(status(&adit.address("serving HTTP"), "/cart"), "204");
}

#[test]
fn what_cannot_be_served_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = format!("--http-port={}", taken.local_addr().expect("an address").port());
    let arguments = ["serve", "--bind-address=127.0.0.1", "--healthz-host=127.0.0.1", "--healthz-port=0", &port];
    let output = output(&arguments, OBJECTS);
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().expect("a line");
    assert!(last.starts_with("adit: ") && last.contains("--http-port"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn check_fails_for_errors_only() {
    let errors = output(&["check"], &OBJECTS.replace("number: 80", "number: eighty"));
    assert_eq!(errors.status.code(), Some(1), "{errors:?}");
    let harmless = format!(
        "{OBJECTS}---\napiVersion: v1\nkind: Service\nmetadata: {{name: cart}}\nspec: {{ports: [{{port: 80}}]}}\n"
    );
    assert_eq!(output(&["check"], &harmless).status.code(), Some(0));
}

#[test]
fn explain_names_the_rule() {
    let output = output(&["explain", "GET", "http://shop.example/cart/1"], OBJECTS);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Ingress default/shop: spec.rules[0].http.paths[0]"), "{said}");
}

/// What it says on standard error before it ends without success.
fn refusal(arguments: &[&str]) -> String {
    let output = Command::new(ADIT).args(arguments).env_remove("RUST_LOG").output().expect("adit runs");
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn fault_n01_check_can_fail_on_warnings() {
    let annotated = "{name: shop, annotations: {nginx.ingress.kubernetes.io/session-cookie-hash: sha1}}";
    let warned = OBJECTS.replace("{name: shop}", annotated);
    for (severity, objects, code) in [
        (&[][..], &*warned, 0),
        (&["--fail-on=error"], &warned, 0),
        (&["--fail-on=warning"], &warned, 1),
        (&["--fail-on", "warning"], OBJECTS, 0),
        (&["--fail-on=warning"], &OBJECTS.replace("number: 80", "number: eighty"), 1),
    ] {
        let checked = output(&[&["check"], severity].concat(), objects);
        assert_eq!(checked.status.code(), Some(code), "{severity:?}: {checked:?}");
    }
    assert_eq!(output(&["check", "--fail-on=note"], OBJECTS).status.code(), Some(2));
}

/// The arguments as in ingress-nginx's chart: they mean the cluster, which there is none of here.
#[test]
fn fault_n02_arguments_of_ingress_nginx_mean_the_cluster() {
    let copied = [
        "/nginx-ingress-controller",
        "--publish-service=ingress-nginx/ingress-nginx-controller",
        "--election-id=ingress-nginx-leader",
        "--controller-class=k8s.io/ingress-nginx",
        "--ingress-class=nginx",
        "--configmap=ingress-nginx/ingress-nginx-controller",
        "--validating-webhook=:8443",
        "--validating-webhook-certificate=/usr/local/certificates/cert",
        "--validating-webhook-key=/usr/local/certificates/key",
        "--kubeconfig=/nonexistent/kubeconfig",
    ];
    for arguments in [copied.to_vec(), [&["serve"], &copied[..]].concat()] {
        let said = refusal(&arguments);
        let last = said.lines().last().expect("a line");
        assert!(last.starts_with("adit: ") && last.contains("/nonexistent/kubeconfig"), "{arguments:?}: {said}");
    }
    let manifests = manifests(OBJECTS);
    let checked = adit(&[&["check"], &copied[..]].concat(), manifests.path()).output().expect("adit runs");
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
}

#[test]
fn fault_n02_a_path_that_is_not_there_is_an_error() {
    let manifests = manifests(OBJECTS);
    let there = manifests.path().to_str().expect("text");
    for paths in [&["/nope"][..], &[there, "/nope"]] {
        let said = refusal(&[&["serve", "--http-port=0", "--https-port=0", "--healthz-port=0"], paths].concat());
        let last = said.lines().last().expect("a line");
        assert!(last.starts_with("adit: cannot read /nope: expected a file or directory"), "{said}");
    }
}

/// In a cluster Adit would make one.
#[test]
fn a_webhook_that_reviews_files_needs_a_certificate() {
    let manifests = manifests(OBJECTS);
    let said = refusal(&["serve", "--validating-webhook=:0", manifests.path().to_str().expect("text")]);
    let last = said.lines().last().expect("a line");
    assert!(last.starts_with("adit: --validating-webhook-certificate: is missing: expected a file"), "{said}");
}

#[test]
fn fault_n04_a_word_that_is_no_log_level_is_an_error() {
    let manifests = manifests(OBJECTS);
    let there = manifests.path().to_str().expect("text");
    for (level, command) in [("wran", "serve"), ("gateway", "check"), ("info,gateway=dbug", "check")] {
        let said = refusal(&[command, &format!("--log-level={level}"), there]);
        assert!(said.starts_with(&format!("adit: --log-level: {level:?} is not a log level: expected")), "{said}");
    }
    let checked = adit(&["check"], manifests.path()).env("RUST_LOG", "wran").output().expect("adit runs");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(!checked.status.success() && said.starts_with("adit: RUST_LOG: \"wran\" is not a log level"), "{said}");
}

#[test]
fn fault_n05_each_change_that_is_applied_is_a_line() {
    let manifests = manifests(OBJECTS);
    let mut adit = Serving::start(&[], manifests.path());
    let first = adit.line("applied: ");
    assert!(first.contains("Ingress default/shop") && first.contains("revision=1 took_ms="), "{first}");
    assert!(adit.line("ready: ").ends_with("ready: 1 host\n"));
    let changed = OBJECTS.replace("/cart", "/basket");
    std::fs::write(manifests.path().join("objects.yaml"), changed).expect("a file");
    let second = adit.line("applied: ");
    assert!(second.contains("Ingress default/shop") && second.contains("revision=2 took_ms="), "{second}");
}

#[test]
fn fault_n05_many_diagnostics_are_summed_up() {
    let annotated = |name: &str| {
        let annotated =
            format!("{{name: {name}, annotations: {{nginx.ingress.kubernetes.io/session-cookie-hash: sha1}}}}");
        OBJECTS.replace("{name: shop}", &annotated).replace("shop.example", &format!("{name}.example"))
    };
    let objects: Vec<_> = (0..900).map(|number| annotated(&format!("shop-{number}"))).collect();
    let manifests = manifests(&objects.join("---"));
    let mut adit = Serving::start(&[], manifests.path());
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.contains("ready: ")) {
        lines.push(adit.next_line());
    }
    assert!(lines.len() < 20, "{} lines: {lines:#?}", lines.len());
    let sum = lines.iter().find(|line| line.contains("900 times Ignored, such as: ")).expect("a sum");
    assert!(sum.contains("/session-cookie-hash") && sum.contains("adit check"), "{sum}");
}

#[test]
fn fault_n05_the_log_can_be_json() {
    let manifests = manifests(OBJECTS);
    let mut adit = Serving::start(&["--log-format=json"], manifests.path());
    let fields = |line: &str| -> serde_json::Value { serde_json::from_str(line).expect(line) };
    let mut line = fields(&adit.next_line());
    let mut messages = Vec::new();
    while !line["message"].as_str().expect("a message").starts_with("ready: ") {
        messages.push(line);
        line = fields(&adit.next_line());
    }
    let applied = messages.iter().find(|line| line["revision"] == 1).expect("a change");
    assert!(applied["took_ms"].is_u64() && applied["level"] == "INFO" && applied["timestamp"].is_string(), "{applied}");
    let said = refusal(&["serve", "--log-format=json", "/nope"]);
    assert!(fields(&said)["message"].as_str().expect("a message").contains("cannot read /nope"), "{said}");
}

#[test]
fn fault_n08_patterns_and_keys_of_the_configmap_have_a_place() {
    let objects = OBJECTS
        .replace("/cart", "\"/cart(\"")
        .replace("{name: shop}", "{name: shop, annotations: {nginx.ingress.kubernetes.io/use-regex: \"true\"}}")
        + "---
apiVersion: v1
kind: ConfigMap
metadata: {name: adit, namespace: adit}
data: {proxy-body-size: lots, no-key: \"1\"}
";
    let said = String::from_utf8(output(&["check"], &objects).stdout).expect("text");
    for (about, place) in [
        ("data.proxy-body-size: \"lots\"", "objects.yaml, document 2, line 12)"),
        ("data.no-key", "objects.yaml, document 2, line 12)"),
        ("\"/cart(\" is not a valid regular expression", "objects.yaml, document 1, line 2)"),
    ] {
        let line = said.lines().find(|line| line.contains(about)).unwrap_or_else(|| panic!("no {about}: {said}"));
        assert!(line.ends_with(place), "{line}");
    }
}
