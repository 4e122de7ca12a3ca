use super::*;
use crate::object::{Age, Kind, Object, ObjectKey, Observed};
use gateway::config::{HostName, Subject, VirtualHost};
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use tokio::time::timeout;

/// Makes a host of every Service's name, and an error of every Service without ports.
#[derive(Default)]
struct HostPerService {
    wrong: Vec<Diagnostic>,
}

impl Translate for HostPerService {
    fn translate(&mut self, store: &Store, changes: &[Change]) -> Update {
        let mut update = Update::default();
        for change in changes {
            let Change::Object(key) = change else { continue };
            self.wrong.retain(|diagnostic| diagnostic.object != Subject::from(key));
            let name = HostName::Exact(key.name.clone());
            let service = store.service(&key.namespace, &key.name);
            if service.is_some_and(|service| service.spec.as_ref().is_none_or(|spec| spec.ports.is_none())) {
                self.wrong.push(Diagnostic::error(key, "spec.ports", "is missing"));
            }
            let host = VirtualHost::new(name.clone(), Vec::new());
            update.hosts.push((name, service.map(|_| Arc::new(host))));
        }
        update
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.wrong.clone()
    }
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(Kind::Service, "default", name)
}

fn service(name: &str, ports: bool) -> SourceEvent {
    let spec = ServiceSpec { ports: ports.then(Vec::new), ..ServiceSpec::default() };
    let object = Object::Service(Service { spec: Some(spec), ..Service::default() }.into());
    SourceEvent::Apply(Observed { key: key(name), object, age: Age { created: None, place: None } })
}

struct Running {
    events: mpsc::Sender<SourceEvent>,
    sent: u64,
    state: watch::Receiver<State>,
    published: std::sync::mpsc::Receiver<Vec<String>>,
}

impl Running {
    /// A pipeline whose gateway rejects hosts that begin with `bad`.
    fn start() -> Self {
        let (events, received) = mpsc::channel(64);
        let (published_to, published) = std::sync::mpsc::channel();
        let mut revision = 0;
        let mut rejected: Vec<Diagnostic> = Vec::new();
        let publish = move |update: Update| {
            revision += 1;
            for (name, host) in &update.hosts {
                rejected.retain(|diagnostic| diagnostic.object != Subject::other(name.to_string()));
                if host.is_some() && name.to_string().starts_with("bad") {
                    rejected.push(Diagnostic::error(Subject::other(name.to_string()), "", "is bad"));
                }
            }
            let named =
                |(name, host): &(HostName, Option<_>)| format!("{}{name}", if host.is_some() { "+" } else { "-" });
            published_to.send(update.hosts.iter().map(named).collect()).expect("the test listens");
            (revision, rejected.clone())
        };
        let (pipeline, state) = Pipeline::new(received, HostPerService::default(), publish);
        tokio::spawn(pipeline.run());
        Self { events, sent: 0, state, published }
    }

    async fn send(&mut self, event: SourceEvent) {
        self.events.send(event).await.expect("the pipeline runs");
        self.sent += 1;
    }

    /// The state once every event sent is in effect.
    async fn settled(&mut self) -> State {
        let sent = self.sent;
        let settled = self.state.wait_for(|state| state.source_revision == sent);
        timeout(Duration::from_secs(10), settled).await.expect("in time").expect("the pipeline runs").clone()
    }

    fn published(&self) -> Vec<Vec<String>> {
        self.published.try_iter().collect()
    }
}

#[tokio::test]
async fn what_arrives_together_is_published_together() {
    let mut running = Running::start();
    running.send(service("a", true)).await;
    running.send(service("b", true)).await;
    running.send(SourceEvent::Synced).await;
    let state = running.settled().await;
    assert_eq!((state.revision, state.source_revision), (1, 3));
    assert_eq!(running.published(), [["+a", "+b"]]);
}

#[tokio::test]
async fn nothing_is_published_before_everything_is_known() {
    let mut running = Running::start();
    running.send(service("a", true)).await;
    let Running { events, mut state, published, .. } = running;
    drop(events);
    while state.changed().await.is_ok() {}
    assert_eq!(published.try_iter().count(), 0);
}

#[tokio::test]
async fn an_empty_source_publishes_one_empty_table() {
    let mut running = Running::start();
    running.send(SourceEvent::Synced).await;
    assert_eq!(running.settled().await.revision, 1);
    assert_eq!(running.published(), [[""; 0]]);
}

#[tokio::test]
async fn what_changes_nothing_is_counted_and_not_published() {
    let mut running = Running::start();
    running.send(service("a", true)).await;
    running.send(SourceEvent::Synced).await;
    running.settled().await;
    running.send(service("a", true)).await;
    running.send(SourceEvent::Delete(key("absent"))).await;
    let state = running.settled().await;
    assert_eq!((state.revision, state.source_revision), (1, 4));
    running.send(SourceEvent::Delete(key("a"))).await;
    assert_eq!(running.settled().await.revision, 2);
    assert_eq!(running.published(), [["+a"], ["-a"]]);
}

#[tokio::test]
async fn diagnostics_of_all_stages_come_and_go() {
    let mut running = Running::start();
    let problem = Diagnostic::warning(Subject::other("File a.yaml"), "", "is odd");
    let problems = |diagnostics| SourceEvent::Problems { part: "a.yaml".into(), diagnostics };
    running.send(service("bad", false)).await;
    running.send(problems(vec![problem.clone()])).await;
    running.send(SourceEvent::Synced).await;
    let said = |state: State| state.diagnostics.iter().map(|d| d.object.to_string()).collect::<Vec<_>>();
    assert_eq!(said(running.settled().await), ["bad", "Service default/bad", "File a.yaml"]);
    running.send(problems(vec![])).await;
    assert_eq!(said(running.settled().await), ["bad", "Service default/bad"]);
    running.send(service("bad", true)).await;
    assert_eq!(said(running.settled().await), ["bad"]);
    running.send(SourceEvent::Delete(key("bad"))).await;
    assert_eq!(said(running.settled().await), [""; 0]);
}

#[tokio::test]
async fn a_source_that_ends_is_published_to_its_end() {
    let mut running = Running::start();
    running.send(SourceEvent::Synced).await;
    running.send(service("a", true)).await;
    let Running { events, mut state, published, .. } = running;
    drop(events);
    while state.changed().await.is_ok() {}
    assert_eq!(published.try_iter().flatten().collect::<Vec<_>>(), ["+a"]);
}
