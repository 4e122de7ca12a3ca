//! CPU time per proxied request: Adit beside bare Pingora and nginx, in one run, on one machine, with the same load.
//!
//! Throughput on a shared machine is noise; the CPU time that a proxy's own process spends per request is not. Each
//! proxy has one worker; the load comes from `wrk` over kept connections; the backend is nginx. The proxies take turns,
//! and the median of the rounds counts.

use anyhow::{Context, Result, bail};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const SECONDS: u32 = 4;
const CONNECTIONS: u32 = 32;
/// Hosts in Adit's table beside the one that is asked for: a look-up that finds the only route there is shows nothing.
const HOSTS: usize = 1000;

/// A proxy under test: its process and where it listens.
struct Proxy {
    name: &'static str,
    process: Child,
    address: SocketAddr,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx's master takes its worker along on SIGTERM only; for the others it is as good as any end.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

fn main() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let backend = nginx("backend", scratch.path(), None)?;
    let proxies = [
        nginx("nginx", scratch.path(), Some(backend.address))?,
        bare_pingora(backend.address)?,
        adit(scratch.path(), backend.address)?,
    ];
    let mut samples = vec![Vec::new(); proxies.len()];
    for proxy in &proxies {
        load(proxy, 1)?;
    }
    for _ in 0..ROUNDS {
        for (proxy, samples) in proxies.iter().zip(&mut samples) {
            samples.push(load(proxy, SECONDS)?);
        }
    }
    let medians: Vec<f64> = samples.iter_mut().map(|samples| median(samples)).collect();
    println!("CPU per request, HTTP/1.1 keep-alive, 100-byte answers, {CONNECTIONS} connections, {ROUNDS} rounds\n");
    println!("| proxy | us per request | to bare Pingora | to nginx |");
    println!("|---|---|---|---|");
    for (proxy, median) in proxies.iter().zip(&medians) {
        println!("| {} | {median:.1} | {:.2} | {:.2} |", proxy.name, median / medians[1], median / medians[0]);
    }
    Ok(())
}

/// Loads a proxy for some seconds. Returns the microseconds of CPU that its processes spent per request.
fn load(proxy: &Proxy, seconds: u32) -> Result<f64> {
    let before = cpu_time(proxy.process.id())?;
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s"), "-H", "Host: bench.example"])
        .arg(format!("http://{}/shop/item?id=1", proxy.address))
        .output()
        .context("wrk is needed: apt-get install wrk")?;
    let spent = cpu_time(proxy.process.id())? - before;
    let report = String::from_utf8_lossy(&output.stdout);
    if report.contains("Non-2xx") || report.contains("Socket errors") {
        bail!("{} failed requests:\n{report}", proxy.name);
    }
    let requests =
        report.lines().find_map(|line| line.trim().split_once(" requests in ")).map(|(count, _)| count.parse());
    let requests: f64 = requests.context("wrk counts its requests")??;
    Ok(spent.as_secs_f64() * 1e6 / requests)
}

/// CPU time of a process and its children, as the kernel accounts it.
fn cpu_time(pid: u32) -> Result<Duration> {
    const TICKS_PER_SECOND: u64 = 100; // USER_HZ, fixed by the kernel's interface
    let mut ticks = 0;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    for pid in children.split_whitespace().map(str::to_owned).chain([pid.to_string()]) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields = stat.rsplit_once(") ").context("a process's stat has a name")?.1;
        ticks += fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    }
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// nginx as a backend that answers 100 bytes, or as a proxy of one with ingress-nginx's headers and log.
fn nginx(name: &'static str, scratch: &Path, upstream: Option<SocketAddr>) -> Result<Proxy> {
    let address = free_address()?;
    let folder = scratch.join(name);
    fs::create_dir_all(&folder)?;
    let folder = folder.display();
    let server = match upstream {
        None => format!("access_log off; return 200 '{}';", "x".repeat(100)),
        Some(backend) => PROXY.replace("$BACKEND", &backend.to_string()).replace("$FOLDER", &folder.to_string()),
    };
    let upstream = upstream.map(|backend| format!("upstream backend {{ server {backend}; keepalive 320; }}"));
    let config = format!(
        "daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;\n\
         uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 100000000;\n{}\n\
         server {{ listen {address}; location / {{ {server} }} }} }}\n",
        upstream.unwrap_or_default()
    );
    let path = scratch.join(format!("{name}.conf"));
    fs::write(&path, config)?;
    start(name, Command::new("nginx").arg("-c").arg(path), address)
}

/// What ingress-nginx does for every request, as far as plain nginx can.
const PROXY: &str = r"
    access_log $FOLDER/access.log combined buffer=64k;
    proxy_http_version 1.1;
    proxy_set_header Connection '';
    proxy_set_header Host $http_host;
    proxy_set_header X-Request-ID $request_id;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Scheme $scheme;
    proxy_set_header X-Scheme $scheme;
    proxy_buffering off;
    proxy_pass http://backend;";

fn bare_pingora(backend: SocketAddr) -> Result<Proxy> {
    let address = free_address()?;
    let binary = Path::new(env!("CARGO_BIN_EXE_bare_pingora"));
    start("bare Pingora", Command::new(binary).args([address.to_string(), backend.to_string()]), address)
}

/// Adit as a user runs it, with everything on: access log, metrics, forwarded headers, request ids.
fn adit(scratch: &Path, backend: SocketAddr) -> Result<Proxy> {
    let address = free_address()?;
    let admin = free_address()?;
    let manifests = scratch.join("manifests");
    fs::create_dir_all(&manifests)?;
    fs::write(manifests.join("bench.yaml"), benches::manifest(HOSTS, backend))?;
    let log = scratch.join("access.log");
    let mut command = Command::new(release_binary()?);
    command
        .args(["serve", "--workers=1", "--bind-address=127.0.0.1", "--https-port=0", "--shutdown-grace-period=0"])
        .arg(format!("--http-port={}", address.port()))
        .arg(format!("--healthz-port={}", admin.port()))
        .arg(format!("--access-log-path={}", log.display()))
        .arg(&manifests);
    start("Adit", &mut command, address)
}

/// The `adit` binary of the profile that this bench was built with.
fn release_binary() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_BIN_EXE_bare_pingora"));
    let binary = here.with_file_name("adit");
    if !binary.exists() {
        bail!("{} is missing: cargo build --release first", binary.display());
    }
    Ok(binary)
}

#[expect(clippy::disallowed_methods, reason = "another process gives no sign but that it listens")]
fn start(name: &'static str, command: &mut Command, address: SocketAddr) -> Result<Proxy> {
    let process = command.stdout(Stdio::null()).spawn().with_context(|| format!("cannot start {name}: {command:?}"))?;
    let proxy = Proxy { name, process, address };
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            bail!("{name} does not listen on {address}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(proxy)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
