//! Basic authentication with files that other programs write, with Secrets that change, and under attempts by the dozen.

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use controller::annotation::{Hashes, Htpasswd};
use gateway::policy::basic_auth::MAX_WAITING;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Command;
use tests::adit::{Adit, documents, slice};
use tests::backend::mirror;
use tests::checked::diagnostics;
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::objects::{self, ingress, secret};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// One whose users are those of the Secret of this name.
fn guarded(host: &str, secret: &str) -> Value {
    ingress(host, &[("auth-type", "basic"), ("auth-secret", secret)])
}

fn users(name: &str, file: &str) -> Value {
    secret(name, &json!({"auth": file}))
}

/// The backend of all hosts.
fn backend(address: SocketAddr) -> [Value; 2] {
    [objects::backend(), slice("backend", 0, address)]
}

async fn start(objects: impl IntoIterator<Item = Value>) -> Result<Adit> {
    let backend = backend(mirror().await?);
    Adit::start(&documents(backend.into_iter().chain(objects))).await
}

async fn ask(connection: &mut Connection, host: &str, credentials: Option<&str>) -> Result<Response> {
    let credentials =
        credentials.map(|credentials| format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials)));
    connection.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n{}\r\n", credentials.unwrap_or_default())).await?;
    connection.response("GET").await
}

/// The status of a request on a connection of its own.
async fn status(adit: &Adit, host: &str, credentials: Option<&str>) -> Result<u16> {
    Ok(ask(&mut adit.connect().await?, host, credentials).await?.status)
}

/// What a program prints.
fn printed(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("{program} does not run: `make test` installs it"))?;
    ensure!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Lines of htpasswd for the password `bar`, by the programs that people use.
fn written_by_programs() -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (user, kind) in
        [("md5", "-m"), ("bcrypt", "-B"), ("sha256", "-2"), ("sha512", "-5"), ("sha1", "-s"), ("crypt", "-d")]
    {
        lines.push(printed("htpasswd", &["-nb", kind, user, "bar"])?);
    }
    lines.push(printed("htpasswd", &["-nb", "-2", "-r", "1000", "rounds", "bar"])?);
    lines.push(printed("htpasswd", &["-nb", "-B", "-C", "4", "cost", "bar"])?);
    for (user, kind) in [("openssl-md5", "-1"), ("openssl-apr1", "-apr1"), ("openssl-5", "-5"), ("openssl-6", "-6")] {
        lines.push(format!("{user}:{}", printed("openssl", &["passwd", kind, "bar"])?));
    }
    lines.push("plain:{PLAIN}bar".to_owned());
    lines.push("ssha:{SSHA}aTajYe2SJsRWrbKsIV9ZttXLp9RzYWx0".to_owned());
    Ok(lines)
}

#[tokio::test]
async fn every_kind_of_hash_lets_its_user_in() -> Result<()> {
    let lines = written_by_programs()?;
    let map: serde_json::Map<_, _> = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(user, hash)| (user.to_owned(), hash.into()))
        .collect();
    assert_eq!(map.len(), 14);
    let by_key = [("auth-type", "basic"), ("auth-secret", "map"), ("auth-secret-type", "auth-map")];
    let objects = [
        guarded("file", "file"),
        ingress("map", &by_key),
        users("file", &lines.join("\n")),
        secret("map", &Value::Object(map.clone())),
    ];
    let adit = start(objects).await?;
    for host in ["file", "map"] {
        let mut connection = adit.connect().await?;
        for user in map.keys() {
            for (password, expected) in [("baz", 401), ("bar", 200), ("bar", 200)] {
                let found = ask(&mut connection, host, Some(&format!("{user}:{password}"))).await?.status;
                assert_eq!(found, expected, "{user} with {password:?} at {host}");
            }
        }
        assert_eq!(status(&adit, host, None).await?, 401);
        assert_eq!(status(&adit, host, Some("nobody:bar")).await?, 401);
    }
    Ok(())
}

/// What was right once is forgotten, on connections that are kept and on new ones, and nobody else is concerned.
#[tokio::test]
async fn a_secret_counts_as_it_is_now() -> Result<()> {
    let backend = backend(mirror().await?);
    let objects = |secrets: &[Value]| {
        let routes = [guarded("h", "users"), guarded("other", "others"), ingress("open", &[])];
        let others = users("others", "bob:{PLAIN}x");
        documents(backend.iter().cloned().chain(routes).chain([others]).chain(secrets.iter().cloned()))
    };
    let mut adit = Adit::start(&objects(&[users("users", "alice:{PLAIN}a")])).await?;
    let mut kept = adit.connect().await?;
    for (what, secrets, a, b) in [
        ("as it was", vec![users("users", "alice:{PLAIN}a")], 200, 401),
        ("another password", vec![users("users", "alice:{PLAIN}b")], 401, 200),
        ("none", vec![], 503, 503),
        ("as it was again", vec![users("users", "alice:{PLAIN}a")], 200, 401),
        ("without a file", vec![secret("users", &json!({"other": "alice:{PLAIN}a"}))], 503, 503),
        ("nobody", vec![users("users", "")], 401, 401),
        ("malformed", vec![users("users", "alice")], 401, 401),
        ("another user", vec![users("users", "carol:{PLAIN}a")], 401, 401),
        ("both", vec![users("users", "alice:{PLAIN}b\ncarol:{PLAIN}a")], 401, 200),
    ] {
        adit.replace(&objects(&secrets)).await?;
        for (credentials, expected) in [("alice:a", a), ("alice:b", b), ("alice:a", a)] {
            assert_eq!(ask(&mut kept, "h", Some(credentials)).await?.status, expected, "{what}: {credentials}, kept");
            assert_eq!(status(&adit, "h", Some(credentials)).await?, expected, "{what}: {credentials}");
        }
        assert_eq!(ask(&mut kept, "other", Some("bob:x")).await?.status, 200, "{what}");
        assert_eq!(ask(&mut kept, "open", None).await?.status, 200, "{what}");
    }
    Ok(())
}

/// Each fault is reported where it is, with what is expected; no hash and no password is.
#[test]
fn what_is_wrong_with_a_secret_is_said() -> Result<()> {
    let cost = format!("$2y$16${}", "a".repeat(53));
    let rounds = format!("$6$rounds=1000001$salt${}", "a".repeat(86));
    for (secret_name, data, said) in [
        ("users", None, "Secret that does not exist"),
        ("other/users", Some(json!({"auth": "alice:{PLAIN}hidden"})), "allow-cross-namespace-resources"),
        ("a/b/c", Some(json!({"auth": "alice:{PLAIN}hidden"})), "expected the name of a Secret"),
        ("users", Some(json!({"passwords": "alice:{PLAIN}hidden"})), "without data[auth]: expected lines of htpasswd"),
        ("users", Some(json!({"auth": "alice"})), "line 1 of data[auth] is not \"user:hash\""),
        ("users", Some(json!({"auth": "#\nalice:hidden"})), "line 2 of data[auth] is no hash of a password"),
        ("users", Some(json!({"auth": format!("alice:{cost}")})), "takes too long to check"),
        ("users", Some(json!({"auth": format!("alice:{rounds}")})), "at most 1000000 rounds"),
        ("users", Some(json!({"auth": ""})), "without users: nobody can come in"),
    ] {
        let name = secret_name.rsplit('/').next().unwrap_or_default();
        let objects = data.map(|data| users_of(secret_name, &secret(name, &data)));
        let objects = documents([guarded("h", secret_name)].into_iter().chain(objects));
        let found = diagnostics(controller::settings::ControllerSettings::default(), &objects)?;
        let about = found.iter().find(|found| found.to_string().contains(said));
        let about = about.with_context(|| format!("{secret_name}: {said:?} is not in {found:?}"))?.to_string();
        for part in ["Ingress default/h", "auth-secret", secret_name] {
            assert!(about.contains(part), "{part} is not in {about}");
        }
        for hidden in ["hidden", &*cost, &*rounds] {
            assert!(!format!("{found:?}").contains(hidden), "{found:?}");
        }
    }
    Ok(())
}

/// A Secret in the namespace that its name says.
fn users_of(name: &str, secret: &Value) -> Value {
    let mut secret = secret.clone();
    if let Some((namespace, _)) = name.split_once('/') {
        secret["metadata"]["namespace"] = namespace.into();
    }
    secret
}

/// The passwords of a list of users wait for each other, up to a bound. Nobody else does: neither other routes, nor other
/// users, nor who has come in before.
#[tokio::test]
async fn wrong_passwords_keep_nobody_else_waiting() -> Result<()> {
    let slow = printed("htpasswd", &["-nb", "-B", "-C", "9", "alice", "bar"])?;
    let quick = printed("htpasswd", &["-nb", "-B", "-C", "4", "bob", "bar"])?;
    assert_eq!(Htpasswd::read(slow.as_bytes(), Hashes::Htpasswd).complaints, [""; 0]);
    let objects = [
        guarded("slow", "slow"),
        guarded("quick", "quick"),
        ingress("open", &[]),
        users("slow", &slow),
        users("quick", &quick),
    ];
    let adit = start(objects).await?;
    assert_eq!(status(&adit, "slow", Some("alice:bar")).await?, 200);

    let mut attempts = JoinSet::new();
    let address = adit.address()?;
    let attempt = |number: usize| async move {
        let mut connection = Connection::open(address).await?;
        anyhow::Ok(ask(&mut connection, "slow", Some(&format!("alice:{number}"))).await?.status)
    };
    let mut numbers = 0..;
    numbers.by_ref().take(MAX_WAITING + 8).for_each(|number| drop(attempts.spawn(attempt(number))));
    let mut refused = 0;
    loop {
        match attempts.join_next().await.context("no attempt is left")??? {
            503 => break,
            401 => refused += 1,
            status => bail!("an attempt got {status}"),
        }
        numbers.by_ref().take(1).for_each(|number| drop(attempts.spawn(attempt(number))));
    }
    assert_eq!(status(&adit, "open", None).await?, 200);
    assert_eq!(status(&adit, "quick", Some("bob:bar")).await?, 200);
    assert_eq!(status(&adit, "slow", Some("alice:bar")).await?, 200, "who has come in before");
    assert_eq!(status(&adit, "slow", Some("nobody:bar")).await?, 401);
    assert_eq!(status(&adit, "slow", None).await?, 401);
    while let Some(attempt) = attempts.try_join_next() {
        refused += usize::from(attempt?? == 401);
    }
    assert!(refused < MAX_WAITING, "{refused} attempts had their answer before others were served");
    Ok(())
}

/// Clients that leave while their passwords wait for each other are not verified in vain.
#[tokio::test]
async fn who_leaves_while_a_password_waits_is_gone() -> Result<()> {
    const CLIENTS: usize = 8;
    let slow = printed("htpasswd", &["-nb", "-B", "-C", "12", "alice", "bar"])?;
    let objects = backend(mirror().await?).into_iter().chain([guarded("h", "slow"), users("slow", &slow)]);
    let (adit, mut log) = Adit::start_logging(&documents(objects)).await?;
    let mut connections = Vec::new();
    for number in 0..CLIENTS {
        let mut connection = adit.connect().await?;
        let credentials = STANDARD.encode(format!("alice:{number}"));
        connection.send(format!("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic {credentials}\r\n\r\n")).await?;
        connections.push(connection);
    }
    drop(connections);
    let mut lines = Vec::new();
    for _ in 0..CLIENTS {
        lines.push(timeout(PATIENCE, log.recv()).await.context("no line in the log")?.context("the log ended")?);
    }
    ensure!(lines.iter().any(|line| line.contains("\" 499 ")), "each was verified: {lines:?}");
    assert_eq!(status(&adit, "h", Some("alice:bar")).await?, 200, "who stays");
    Ok(())
}

/// What curl prints: the body, and in a line of its own the status.
fn curl(adit: &Adit, credentials: &str, more: &[&str]) -> Result<String> {
    let address = adit.address()?;
    let resolve = format!("h:{}:127.0.0.1", address.port());
    let url = format!("http://h:{}/a?b=c", address.port());
    let fixed = ["-sS", "--digest", "--user", credentials, "--resolve", &resolve, "-w", "\n%{http_code}"];
    printed("curl", &[&fixed[..], more, &[url.as_str()]].concat())
}

// The backend is served while curl is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digest_authentication_is_curls() -> Result<()> {
    let digest = |password: &str| {
        let text = format!("alice:the realm:{password}");
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        let path = file.path().to_str().context("a path that is no text")?;
        let printed = printed("openssl", &["dgst", "-md5", "-r", path])?;
        let digest = printed.split(' ').next().context("no digest")?;
        anyhow::Ok(users("users", &format!("alice:the realm:{digest}\n")))
    };
    let backend = backend(mirror().await?);
    let route = ingress("h", &[("auth-type", "digest"), ("auth-secret", "users"), ("auth-realm", "the realm")]);
    let objects = |secret: Value| documents(backend.iter().cloned().chain([route.clone(), secret]));
    let mut adit = Adit::start(&objects(digest("bar")?)).await?;
    for (password, a, b) in [("bar", "200", "401"), ("foo", "401", "200")] {
        adit.replace(&objects(digest(password)?)).await?;
        for (credentials, expected) in [("alice:bar", a), ("alice:foo", b), ("bob:bar", "401"), ("alice:bar", a)] {
            for more in [&[][..], &["--data", "x=y"], &["-X", "PROPFIND"]] {
                let printed = curl(&adit, credentials, more)?;
                assert_eq!(printed.lines().last(), Some(expected), "{credentials} {more:?}: {printed}");
                assert!(!printed.to_ascii_lowercase().contains("authorization:"), "{printed}");
            }
        }
    }
    Ok(())
}
