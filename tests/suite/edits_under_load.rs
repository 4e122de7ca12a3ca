//! Under load, 1,000 edits of a directory (routes, endpoints, broken files in between) cause no failed request.

use anyhow::{Context, Result, ensure};
use controller::pipeline::State;
use gateway::config::Subject;
use serde_json::{Value, json};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tests::adit::{Adit, documents, slice};
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::echo::{self, Identity, Journal, Speaks};
use tests::wire::header;
use tokio::net::TcpListener;

const EDITS: usize = 1000;
/// After so many edits, all of them are waited for.
const BATCH: usize = 5;
/// Clients that keep their connection, and clients that open one per request.
const CLIENTS: [(bool, usize); 2] = [(true, 8), (false, 2)];
/// Hosts that always have `/`, and the Service that answers there.
const ALWAYS: [(&str, &str); 2] = [("served.test", "served"), ("mounted.test", "mounted")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_edits_fail_no_request() -> Result<()> {
    let directory = TempDir::new()?;
    let mut editor = Editor::new(directory.path().to_owned()).await?;
    let adit = Adit::follow(vec![directory.path().to_owned()]).await?;
    let done = Arc::new(AtomicBool::new(false));
    let clients = CLIENTS.into_iter().flat_map(|(keeps, count)| std::iter::repeat_n(keeps, count)).enumerate();
    let clients: Vec<_> = clients
        .map(|(number, keeps)| Ok(tokio::spawn(client(adit.address()?, number, keeps, done.clone()))))
        .collect::<Result<_>>()?;
    for number in 1..=EDITS {
        editor.edit(number)?;
        if number % BATCH == 0 {
            editor.wait_until_in_effect(&adit).await.with_context(|| format!("after edit {number}"))?;
        }
    }
    done.store(true, Ordering::Relaxed);
    let mut requests = 0;
    for client in clients {
        requests += client.await??;
    }
    println!("{requests} requests during {EDITS} edits and {} publishes", adit.state()?.borrow().revision);
    ensure!(requests > EDITS, "{requests} requests are no load");
    Ok(())
}

/// Makes requests that must always be answered, until the editor is done. Returns how many.
async fn client(gateway: SocketAddr, number: usize, keeps: bool, done: Arc<AtomicBool>) -> Result<usize> {
    let mut connection = Connection::open(gateway).await?;
    let mut requests = 0;
    while !done.load(Ordering::Relaxed) {
        let (host, service) = ALWAYS[(number + requests) % ALWAYS.len()];
        let failed = || format!("client {number}, its request {requests} to {host}");
        let response = get(&mut connection, host, "/").await.with_context(failed)?;
        let body = String::from_utf8_lossy(&response.body);
        ensure!(response.status == 200, "{}: {} {:?} {body}", failed(), response.status, response.headers);
        ensure!(header(&response.headers, echo::SERVICE_HEADER).as_deref() == Some(service), "{}: {body}", failed());
        ensure!(body.starts_with(service) && body.contains("host: "), "{}: {body}", failed());
        requests += 1;
        // Also a connection that is kept ends after `keep-alive-requests`.
        if !keeps || response.closed {
            connection = Connection::open(gateway).await?;
        }
    }
    Ok(requests)
}

async fn get(connection: &mut Connection, host: &str, path: &str) -> Result<Response> {
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
    connection.response("GET").await
}

/// Edits a directory in all the ways that people and kubelets do.
struct Editor {
    directory: PathBuf,
    journal: Arc<Journal>,
    marker: SocketAddr,
    served: [SocketAddr; 2],
    mounted: SocketAddr,
    expected: Expected,
}

/// What must be in effect once the edits so far are.
#[derive(Default)]
struct Expected {
    /// The last good version of each host that has one.
    versions: Vec<(String, usize)>,
    /// A host that must be gone.
    gone: Option<String>,
    /// The only pod that may answer for `served`.
    pod: Option<usize>,
    /// The files that are broken.
    broken: Vec<&'static str>,
}

impl Editor {
    async fn new(directory: PathBuf) -> Result<Self> {
        let journal: Arc<Journal> = Arc::default();
        let mut editor = Self {
            directory,
            journal: journal.clone(),
            marker: pod("marker", 0, &journal).await?,
            served: [pod("served", 0, &journal).await?, pod("served", 1, &journal).await?],
            mounted: pod("mounted", 0, &journal).await?,
            expected: Expected::default(),
        };
        let services = ["marker", "served", "mounted"].map(service);
        let slices = [slice("marker", 0, editor.marker), slice("mounted", 0, editor.mounted)];
        editor.write("services.yaml", &documents(services.into_iter().chain(slices)))?;
        editor.switch_endpoints(0, Self::write)?;
        editor.serve(0, Self::write)?;
        fs::create_dir(editor.directory.join("mount"))?;
        editor.swap_mount(0)?;
        symlink("..data/routes.yaml", editor.directory.join("mount/routes.yaml"))?;
        Ok(editor)
    }

    fn edit(&mut self, number: usize) -> Result<()> {
        match number % 10 {
            1 => self.serve(number, Self::write),
            2 => self.add_unrelated(number),
            3 => self.switch_endpoints(number, Self::rename_over),
            4 => self.leave_temporary_files(),
            5 => self.serve(number, Self::rename_over),
            6 => self.swap_mount(number),
            7 => self.remove_unrelated(),
            8 => self.switch_endpoints(number, Self::write),
            9 => self.break_file("unrelated-broken.yaml", "kind: [Ingress"),
            _ => self.break_file("served.yaml", "kind: Ingress\nmetadata: {name: served\n---\nkind: Ingress\n"),
        }
    }

    /// Alters the Ingress that the clients use.
    fn serve(&mut self, number: usize, write: Write) -> Result<()> {
        self.expect_version("served.test", number);
        self.expected.broken.clear();
        self.rename_over("unrelated-broken.yaml", "# nothing\n")?;
        write(self, "served.yaml", &documents([ingress("served", "served.test", number)]))
    }

    fn add_unrelated(&mut self, number: usize) -> Result<()> {
        self.expect_version("unrelated.test", number);
        self.expected.gone = None;
        self.rename_over("unrelated.yaml", &documents([ingress("served", "unrelated.test", number)]))
    }

    fn remove_unrelated(&mut self) -> Result<()> {
        self.expected.versions.retain(|(host, _)| host != "unrelated.test");
        self.expected.gone = Some("unrelated.test".to_owned());
        Ok(fs::remove_file(self.directory.join("unrelated.yaml"))?)
    }

    /// The pods that are not ready any more go on answering, as they do while they terminate.
    fn switch_endpoints(&mut self, number: usize, write: Write) -> Result<()> {
        let pod = number / 3 % 3;
        self.expected.pod = (pod < 2).then_some(pod);
        let pods: Vec<usize> = self.expected.pod.map_or(vec![0, 1], |pod| vec![pod]);
        write(self, "slices.yaml", &documents(pods.into_iter().map(|pod| slice("served", pod, self.served[pod]))))
    }

    fn leave_temporary_files(&mut self) -> Result<()> {
        for name in [".served.yaml.swp", "served.yaml~", "#served.yaml#", ".#served.yaml", "4913", "served.yaml.tmp"] {
            self.write(name, "half of a li")?;
        }
        Ok(fs::remove_file(self.directory.join("4913"))?)
    }

    /// What a kubelet does when a mounted ConfigMap changes: all files at once, by one rename.
    fn swap_mount(&mut self, number: usize) -> Result<()> {
        self.expect_version("mounted.test", number);
        let mount = self.directory.join("mount");
        let (data, new, version) = (mount.join("..data"), mount.join("..data_tmp"), format!("..version_{number}"));
        let old = fs::read_link(&data).ok();
        fs::create_dir_all(mount.join(&version))?;
        fs::write(mount.join(&version).join("routes.yaml"), documents([ingress("mounted", "mounted.test", number)]))?;
        symlink(&version, &new)?;
        fs::rename(new, data)?;
        Ok(old.map_or(Ok(()), |old| fs::remove_dir_all(mount.join(old)))?)
    }

    fn break_file(&mut self, name: &'static str, text: &str) -> Result<()> {
        self.expected.broken.push(name);
        self.write(name, text)
    }

    fn expect_version(&mut self, host: &str, number: usize) {
        self.expected.versions.retain(|(known, _)| known != host);
        self.expected.versions.push((host.to_owned(), number));
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.directory.join(name), text)?)
    }

    fn rename_over(&self, name: &str, text: &str) -> Result<()> {
        let new = self.directory.join(format!(".{name}.new"));
        fs::write(&new, text)?;
        Ok(fs::rename(new, self.directory.join(name))?)
    }

    async fn wait_until_in_effect(&self, adit: &Adit) -> Result<()> {
        self.journal.take(); // nobody reads it, and it grows
        let mut state = adit.state()?;
        let mut connection = adit.connect().await?;
        loop {
            let now = state.borrow_and_update().clone();
            let Some(missing) = self.expected.missing(&now, &self.directory, &mut connection).await? else {
                return Ok(());
            };
            let changed = tokio::time::timeout(PATIENCE, state.changed()).await;
            changed.with_context(|| format!("{missing} is not in effect in time; {:?}", now.diagnostics))??;
        }
    }
}

type Write = fn(&Editor, &str, &str) -> Result<()>;

impl Expected {
    /// What is not in effect yet.
    async fn missing(&self, state: &State, directory: &Path, connection: &mut Connection) -> Result<Option<String>> {
        for name in ["served.yaml", "unrelated-broken.yaml"] {
            let object = Subject::other(format!("File {}", directory.join(name).display()));
            let reported = state.diagnostics.iter().any(|diagnostic| diagnostic.object == object);
            if reported != self.broken.contains(&name) {
                return Ok(Some(format!("{name}: reported as broken: {}", !reported)));
            }
        }
        for (host, version) in &self.versions {
            let response = get(connection, host, &format!("/version-{version}")).await?;
            if header(&response.headers, echo::SERVICE_HEADER).as_deref() != Some("marker") {
                return Ok(Some(format!("version {version} of {host}")));
            }
        }
        if let Some(host) = &self.gone
            && get(connection, host, "/").await?.status != 404
        {
            return Ok(Some(format!("the end of {host}")));
        }
        let pod = self.pod.map(|pod| format!("served-{pod}"));
        let answered = header(&get(connection, "served.test", "/").await?.headers, echo::POD_HEADER);
        Ok((pod.is_some() && answered != pod).then(|| format!("{pod:?} alone, not {answered:?}")))
    }
}

/// Starts a pod that answers for as long as the test runs.
async fn pod(service: &str, number: usize, journal: &Arc<Journal>) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let identity = Identity { service: service.to_owned(), pod: format!("{service}-{number}") };
    echo::serve(listener, Speaks::Http, identity, journal.clone())?;
    Ok(address)
}

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
}

/// An Ingress whose `/` always goes to the same Service, and whose only other path names its version.
fn ingress(service: &str, host: &str, version: usize) -> Value {
    let path = |path: String, kind: &str, service: &str| {
        let backend = json!({"service": {"name": service, "port": {"number": 80}}});
        json!({"path": path, "pathType": kind, "backend": backend})
    };
    let paths = [path("/".to_owned(), "Prefix", service), path(format!("/version-{version}"), "Exact", "marker")];
    let annotations = json!({
        "nginx.ingress.kubernetes.io/proxy-body-size": format!("{version}k"),
        "nginx.ingress.kubernetes.io/proxy-read-timeout": format!("{}", 30 + version % 30),
    });
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": host, "annotations": annotations},
        "spec": {"rules": [{"host": host, "http": {"paths": paths}}]},
    })
}
