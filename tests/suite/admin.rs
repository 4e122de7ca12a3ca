//! The admin port, over sockets: what probes, Prometheus and people at the machine see.

use anyhow::{Context, Result, ensure};
use controller::cli::flags;
use controller::feed::SourceEvent;
use controller::server::Server;
use controller::settings::{ControllerSettings, ServeSettings};
use gateway::telemetry::MetricsSettings;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use tests::adit::{Adit, manifests, on_loopback};
use tests::backend::answering;
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn adit() -> Result<Adit> {
    Adit::start(&manifests(&[answering(OK).await?], &json!({}))).await
}

async fn get(address: SocketAddr, host: &str, target: &str) -> Result<Response> {
    let mut connection = Connection::open(address).await?;
    connection.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
    connection.response("GET").await
}

async fn admin(adit: &Adit, target: &str) -> Result<(u16, String)> {
    let response = get(adit.admin_address()?, "localhost", target).await?;
    Ok((response.status, String::from_utf8(response.body)?))
}

#[tokio::test]
async fn who_serves_lives_and_is_ready() -> Result<()> {
    let adit = adit().await?;
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(admin(&adit, probe).await?, (200, "ok".to_owned()));
    }
    assert_eq!(admin(&adit, "/nothing").await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn before_the_first_table_it_lives_and_is_not_ready() -> Result<()> {
    // The server says its port only once it serves, so this port is chosen before.
    let admin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let serve = ServeSettings { admin_port: admin.port(), ..on_loopback(ServeSettings::default()) };
    let (events, receiver) = mpsc::channel(1);
    let start = move || Server::start(&ControllerSettings::default(), &serve, receiver, Box::new(std::io::sink()));
    let starting = tokio::task::spawn_blocking(start);
    let answers = async || loop {
        // Nothing tells when the port opens; the test ends with the server if it never does.
        match get(admin, "admin", "/readyz").await {
            Ok(ready) => return anyhow::Ok((ready, get(admin, "admin", "/healthz").await?)),
            Err(error) => anyhow::ensure!(!starting.is_finished(), "{error}"),
        }
        tokio::task::yield_now().await;
    };
    let (ready, alive) = tokio::time::timeout(PATIENCE, answers()).await.context("no admin port")??;
    assert_eq!((alive.status, ready.status), (200, 503));
    assert!(String::from_utf8(ready.body)?.contains("not published"));
    events.send(SourceEvent::Synced).await?;
    let server = starting.await??;
    assert_eq!(get(server.admin_address(), "admin", "/readyz").await?.status, 200);
    tokio::task::spawn_blocking(move || drop(server)).await?;
    Ok(())
}

#[tokio::test]
async fn requests_and_replies_are_counted() -> Result<()> {
    let adit = adit().await?;
    assert_eq!(get(adit.address()?, "h", "/").await?.status, 200);
    assert_eq!(get(adit.address()?, "h", "/").await?.status, 200);
    assert_eq!(get(adit.address()?, "nobody", "/").await?.status, 404);
    let metrics = tokio::time::timeout(PATIENCE, metrics_with(&adit, "adit_replies_total")).await??;
    let requests = sample(&metrics, "nginx_ingress_controller_requests")?;
    let labels = [
        r#"host="h""#,
        r#"ingress="h""#,
        r#"namespace="default""#,
        r#"path="/""#,
        r#"service="backend""#,
        r#"status="200""#,
        r#"method="GET""#,
        r#"canary="""#,
        r#"controller_class="adit.dev/ingress-controller""#,
    ];
    for label in labels {
        assert!(requests.contains(label), "{label} is not in {requests}");
    }
    assert!(requests.ends_with(" 2"), "{requests}");
    let build = sample(&metrics, "nginx_ingress_controller_build_info")?;
    let release = concat!("release=\"", env!("CARGO_PKG_VERSION"), "\"");
    anyhow::ensure!(build.contains(release), "{release} is not in {build}");
    let replies = sample(&metrics, "adit_replies_total")?;
    assert!(replies.contains(r#"reason="no-route""#) && replies.ends_with(" 1"), "{replies}");
    Ok(())
}

/// All metrics once this one is there: a request is counted just after its answer.
async fn metrics_with(adit: &Adit, name: &str) -> Result<String> {
    loop {
        let (status, metrics) = admin(adit, "/metrics").await?;
        assert_eq!(status, 200);
        if sample(&metrics, name).is_ok() {
            return Ok(metrics);
        }
    }
}

/// The first sample of a metric.
fn sample<'a>(metrics: &'a str, name: &str) -> Result<&'a str> {
    let sample = metrics.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')));
    sample.with_context(|| format!("there is no {name} in {metrics}"))
}

#[tokio::test]
async fn the_configuration_is_measured() -> Result<()> {
    let measured = async |backends: &[SocketAddr], config: &Value| -> Result<_> {
        let adit = Adit::start(&manifests(backends, config)).await?;
        let metrics = tokio::time::timeout(PATIENCE, metrics_with(&adit, "adit_table_revision")).await??;
        let value = |name| sample(&metrics, name).map(|sample| sample.rsplit(' ').next().map(str::to_owned));
        assert_eq!(value("nginx_ingress_controller_config_last_reload_successful")?.as_deref(), Some("1"));
        let orphan = sample(&metrics, "nginx_ingress_controller_orphan_ingress").ok().map(str::to_owned);
        Ok((value("nginx_ingress_controller_config_hash")?, orphan))
    };
    let (hash, orphan) = measured(&[answering(OK).await?], &json!({})).await?;
    assert_eq!(orphan, None);
    let (of_equal, orphan) = measured(&[], &json!({})).await?;
    assert_eq!(hash, of_equal, "addresses of endpoints are no configuration");
    let orphan = orphan.context("an Ingress without an endpoint is an orphan")?;
    for label in [r#"ingress="h""#, r#"namespace="default""#, r#"type="no-endpoint""#] {
        assert!(orphan.contains(label), "{label} is not in {orphan}");
    }
    let (of_other, _) = measured(&[], &json!({"proxy-body-size": "2m"})).await?;
    assert_ne!(hash, of_other);
    Ok(())
}

#[tokio::test]
async fn people_at_the_machine_see_the_table_and_what_it_does() -> Result<()> {
    let adit = adit().await?;
    let (status, table) = admin(&adit, "/debug/table").await?;
    assert_eq!(status, 200);
    assert!(table.contains("\"h\""), "{table}");
    let (status, explained) = admin(&adit, "/debug/explain?method=GET&url=http://h/cart").await?;
    assert_eq!(status, 200, "{explained}");
    assert!(serde_json::from_str::<Value>(&explained)?.to_string().contains("backend"), "{explained}");
    assert_eq!(admin(&adit, "/debug/explain?url=ftp://h/").await?.0, 400);
    Ok(())
}

/// What Prometheus sees with these flags, after a request that a route took and one to `unknown.example` that none did.
async fn metrics_after(args: &[&str]) -> Result<String> {
    let flags = flags::parse(args.iter().copied()).map_err(anyhow::Error::msg)?;
    let serve = on_loopback(flags.settings.serve);
    let adit = Adit::start_on(serve, &manifests(&[answering(OK).await?], &json!({}))).await?;
    assert_eq!(get(adit.address()?, "h", "/").await?.status, 200);
    assert_eq!(get(adit.address()?, "unknown.example", "/").await?.status, 404);
    tokio::time::timeout(PATIENCE, metrics_with(&adit, "adit_replies_total")).await?
}

/// The samples of `nginx_ingress_controller_requests` with this label.
fn requests_with<'a>(metrics: &'a str, label: &str) -> Vec<&'a str> {
    let samples = metrics.lines().filter(|line| line.starts_with("nginx_ingress_controller_requests{"));
    samples.filter(|sample| sample.contains(label)).collect()
}

#[tokio::test]
async fn j16_excluded_metrics_are_absent() -> Result<()> {
    let excluded = ["nginx_ingress_controller_request_size", "nginx_ingress_controller_header_duration_seconds"];
    let all = metrics_after(&[]).await?;
    let some = metrics_after(&[&format!("--exclude-socket-metrics={}", excluded.join(","))]).await?;
    for name in excluded {
        assert!(all.contains(name) && !some.contains(name), "{some}");
    }
    sample(&some, "nginx_ingress_controller_response_size_bucket")?;
    Ok(())
}

#[tokio::test]
async fn j17_undefined_hosts_are_measured_where_they_shall_be() -> Result<()> {
    let label = r#"host="unknown.example""#;
    let metrics = metrics_after(&["--metrics-per-undefined-host"]).await?;
    let requests = requests_with(&metrics, label);
    assert!(matches!(requests[..], [one] if one.contains(r#"status="404""#) && one.ends_with(" 1")), "{metrics}");
    let metrics = metrics_after(&[]).await?;
    assert!(!metrics.contains(label), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn j18_statuses_are_told_by_class() -> Result<()> {
    let metrics = metrics_after(&["--report-status-classes"]).await?;
    assert_eq!(requests_with(&metrics, r#"status="2xx""#).len(), 1, "{metrics}");
    assert_eq!(requests_with(&metrics, r#"status="200""#).len(), 0, "{metrics}");
    Ok(())
}

#[tokio::test]
async fn metrics_can_be_off() -> Result<()> {
    let serve = ServeSettings {
        metrics: MetricsSettings { enabled: false, ..MetricsSettings::default() },
        ..ServeSettings::default()
    };
    let adit = Adit::start_on(on_loopback(serve), &manifests(&[answering(OK).await?], &json!({}))).await?;
    assert_eq!(get(adit.address()?, "h", "/").await?.status, 200);
    assert_eq!(admin(&adit, "/metrics").await?.0, 404);
    assert_eq!(admin(&adit, "/healthz").await?.0, 200);
    Ok(())
}

/// Connections that hold half a request, each opened again whenever the port closes it.
struct HalfOpen(JoinSet<Result<()>>);

impl HalfOpen {
    /// Opens them, and waits until each has sent its half once.
    async fn start(admin: SocketAddr, count: usize) -> Result<Self> {
        let (sent, mut first) = mpsc::channel(count);
        let mut connections = JoinSet::new();
        for _ in 0..count {
            let sent = sent.clone();
            connections.spawn(async move {
                loop {
                    let mut connection = Connection::open(admin).await?;
                    connection.send("GET /healthz HT").await?;
                    // Only the first of each is counted: later, nobody listens.
                    let _ = sent.try_send(());
                    connection.is_closed().await;
                }
            });
        }
        for _ in 0..count {
            first.recv().await.context("a connection cannot be opened")?;
        }
        Ok(Self(connections))
    }

    /// Fails where one of them has ended.
    fn all_hold(mut self) -> Result<()> {
        let ended = self.0.try_join_next();
        ensure!(ended.is_none(), "a connection was not renewed: {ended:?}");
        Ok(())
    }
}

#[tokio::test]
async fn fault_h1_probes_are_answered_whatever_others_hold() -> Result<()> {
    let adit = adit().await?;
    let half_open = HalfOpen::start(adit.admin_address()?, 300).await?;
    for _ in 0..300 {
        for probe in ["/healthz", "/readyz"] {
            assert_eq!(admin(&adit, probe).await?, (200, "ok".to_owned()));
        }
    }
    assert_eq!(admin(&adit, "/metrics").await?.0, 200);
    half_open.all_hold()
}

#[tokio::test]
async fn fault_h1_heads_are_bounded() -> Result<()> {
    let adit = adit().await?;
    let mut connection = Connection::open(adit.admin_address()?).await?;
    // The port answers and closes before it has read all.
    let _ = connection.send(format!("GET /healthz HTTP/1.1\r\nX: {}", "a".repeat(1 << 20))).await;
    drop(connection);
    assert_eq!(admin(&adit, "/healthz").await?.0, 200);
    let mut connection = Connection::open(adit.admin_address()?).await?;
    connection.send(format!("GET /healthz HTTP/1.1\r\nX: {}", "a".repeat(16 << 10))).await?;
    assert_eq!(connection.response("GET").await?.status, 431);
    Ok(())
}

/// As a page in a browser asks that reaches a port-forward through a name of its own.
#[tokio::test]
async fn fault_l5_debugging_is_not_asked_by_names_of_others() -> Result<()> {
    let adit = adit().await?;
    let port = adit.admin_address()?;
    for target in ["/debug/table", "/debug/explain?url=http://h/"] {
        for host in ["attacker.example", "attacker.example:10254", "127.0.0.1.attacker.example"] {
            let refused = get(port, host, target).await?;
            assert_eq!(refused.status, 403, "{host} {target}");
            assert!(!String::from_utf8(refused.body)?.contains("backend"), "{host} {target}");
            assert_eq!(get(port, host, "/healthz").await?.status, 200);
        }
        for host in ["localhost", "LOCALHOST:10254", "127.0.0.1:10254", "[::1]:10254"] {
            assert_eq!(get(port, host, target).await?.status, 200, "{host} {target}");
        }
    }
    Ok(())
}
