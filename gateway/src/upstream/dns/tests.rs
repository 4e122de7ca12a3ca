use super::test_server::{Zone, address, serve};
use super::*;
use crate::config::{Backend, BackendId, Endpoints, ServiceBackend};
use crate::upstream::Upstream;
use std::net::Ipv4Addr;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// A look-up that the test answers. Time is paused and goes on only when everybody waits for it, so the next question
/// comes exactly when the resolver wants it.
struct Question {
    name: String,
    at: Instant,
    reply: oneshot::Sender<Result<Answer, LookupError>>,
}

impl Question {
    fn answer(self, ttl: u64, addresses: &[&str]) {
        let addresses = addresses.iter().map(|a| a.parse().expect("is an address")).collect();
        self.reply.send(Ok(Answer { addresses, ttl: Duration::from_secs(ttl) })).expect("the resolver waits");
    }

    fn fail(self) {
        self.reply.send(Err(LookupError::NoAddress)).expect("the resolver waits");
    }
}

struct Scripted(mpsc::UnboundedSender<Question>);

impl Lookup for Scripted {
    async fn look_up(&self, name: &str) -> Result<Answer, LookupError> {
        let (reply, answer) = oneshot::channel();
        let question = Question { name: name.into(), at: Instant::now(), reply };
        self.0.send(question).expect("the test listens");
        answer.await.unwrap_or(Err(LookupError::NoAddress))
    }
}

struct Scene {
    registry: Arc<Registry>,
    questions: mpsc::UnboundedReceiver<Question>,
    _resolver: JoinSet<()>,
}

impl Scene {
    fn new() -> Self {
        Self::with_loopback(false)
    }

    fn with_loopback(allow_loopback: bool) -> Self {
        let (sender, questions) = mpsc::unbounded_channel();
        let registry = Arc::new(Registry::new());
        let mut resolver = JoinSet::new();
        resolver.spawn(follow_all(Scripted(sender), Arc::clone(&registry), allow_loopback));
        Self { registry, questions, _resolver: resolver }
    }

    async fn question(&mut self) -> Question {
        self.questions.recv().await.expect("the resolver runs")
    }

    fn name(&self, service: &str, name: &str, port: u16) -> Arc<Upstream> {
        self.registry.set(&id(service), Some(named(name, port)));
        self.registry.upstream(&id(service))
    }
}

fn id(service: &str) -> BackendId {
    ServiceBackend::tcp("default", service, "80").into()
}

fn named(name: &str, port: u16) -> Backend {
    Backend { endpoints: Endpoints::Name { name: name.into(), port }, ..Backend::at([]) }
}

fn addresses(upstream: &Upstream) -> Vec<String> {
    upstream.endpoints().iter().map(|endpoint| endpoint.address().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn follows_the_ttl_and_the_change() {
    let mut scene = Scene::new();
    let shop = scene.name("shop", "db.example.com", 80);
    assert!(shop.is_empty() && scene.registry.is_resolving());
    let first = scene.question().await;
    let start = first.at;
    assert_eq!(first.name, "db.example.com");
    first.answer(30, &["10.0.0.2", "fd00::1", "10.0.0.1", "10.0.0.2"]);
    let second = scene.question().await;
    assert_eq!(second.at - start, Duration::from_secs(30));
    assert_eq!(addresses(&shop), ["10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"]);
    assert!(!scene.registry.is_resolving());
    second.answer(0, &["10.0.0.3"]);
    let third = scene.question().await;
    assert_eq!(third.at - start, Duration::from_secs(31), "a TTL of 0 counts as the least pause");
    assert_eq!(addresses(&shop), ["10.0.0.3:80"]);
    third.answer(86_400, &["10.0.0.3"]);
    assert_eq!(scene.question().await.at - start, Duration::from_secs(331), "long TTLs count as the longest pause");
}

#[tokio::test(start_paused = true)]
async fn keeps_the_last_addresses_on_failure_and_retries_with_growing_pauses() {
    let mut scene = Scene::new();
    let shop = scene.name("shop", "db.example.com", 80);
    scene.question().await.answer(5, &["10.0.0.1"]);
    let mut question = scene.question().await;
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        let at = question.at;
        question.fail();
        question = scene.question().await;
        assert_eq!(question.at - at, Duration::from_secs(pause));
        assert_eq!(addresses(&shop), ["10.0.0.1:80"]);
    }
    question.answer(5, &["10.0.0.2"]);
    let question = scene.question().await;
    assert_eq!(addresses(&shop), ["10.0.0.2:80"]);
    let at = question.at;
    question.fail();
    assert_eq!(scene.question().await.at - at, Duration::from_secs(1), "a success starts the pauses anew");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_never_resolved_has_no_endpoints() {
    let mut scene = Scene::new();
    let shop = scene.name("shop", "nowhere.example.com", 80);
    scene.question().await.fail();
    scene.question().await.answer(5, &["10.0.0.1"]);
    assert!(shop.is_empty() && !scene.registry.is_resolving());
    let _next = scene.question().await;
    assert_eq!(addresses(&shop), ["10.0.0.1:80"], "it is still tried");
}

#[tokio::test(start_paused = true)]
async fn one_resolution_serves_all_upstreams_of_a_name() {
    let mut scene = Scene::new();
    let shop = scene.name("shop", "db.example.com", 80);
    let cart = scene.name("cart", "db.example.com", 8080);
    scene.question().await.answer(5, &["10.0.0.1"]);
    let next = scene.question().await;
    assert_eq!((addresses(&shop), addresses(&cart)), (vec!["10.0.0.1:80".into()], vec!["10.0.0.1:8080".into()]));
    let late = scene.name("late", "db.example.com", 443);
    assert_eq!(addresses(&late), ["10.0.0.1:443"], "known already");
    scene.registry.set(&id("shop"), None);
    scene.registry.set(&id("late"), None);
    next.answer(5, &["10.0.0.2"]);
    let mut last = scene.question().await;
    assert_eq!((addresses(&shop), addresses(&cart)), (vec![], vec!["10.0.0.2:8080".into()]));
    scene.registry.set(&id("cart"), None);
    last.reply.closed().await; // Nobody names it any more: the look-up under way is given up.
    assert!(scene.questions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_change_to_a_name_keeps_the_old_endpoints_until_the_name_is_known() {
    let mut scene = Scene::new();
    scene.registry.set(&id("shop"), Some(Backend::at([([10, 0, 0, 9], 80).into()])));
    let shop = scene.name("shop", "old.example.com", 80);
    let old = scene.question().await;
    assert_eq!(addresses(&shop), ["10.0.0.9:80"]);
    old.answer(60, &["10.0.0.1"]);
    let old = scene.question().await;
    assert_eq!(addresses(&shop), ["10.0.0.1:80"]);
    scene.name("shop", "new.example.com", 80);
    let new = scene.question().await;
    assert_eq!((new.name.as_str(), old.reply.is_closed()), ("new.example.com", true));
    assert_eq!(addresses(&shop), ["10.0.0.1:80"]);
    new.fail();
    let _retry = scene.question().await;
    assert!(shop.is_empty(), "a name that fails replaces them, too");
}

#[tokio::test(start_paused = true)]
async fn a_name_dropped_and_named_again_is_resolved_at_once() {
    let mut scene = Scene::new();
    scene.name("shop", "db.example.com", 80);
    let first = scene.question().await;
    let start = first.at;
    first.answer(300, &["10.0.0.1"]);
    while scene.registry.is_resolving() {
        tokio::task::yield_now().await;
    }
    scene.registry.set(&id("shop"), None);
    scene.name("shop", "db.example.com", 80);
    assert_eq!(scene.question().await.at, start);
}

#[tokio::test(start_paused = true)]
async fn refuses_answers_that_lead_to_the_gateway_itself() {
    let mut scene = Scene::new();
    let shop = scene.name("shop", "rebind.example.com", 80);
    scene.question().await.answer(5, &["10.0.0.1", "127.0.0.1", "::1", "::ffff:127.1.2.3", "0.0.0.0", "::"]);
    let question = scene.question().await;
    assert_eq!(addresses(&shop), ["10.0.0.1:80"]);
    question.answer(5, &["127.0.0.1", "169.254.169.254", "fe80::1", "224.0.0.1", "ff02::1"]);
    let _next = scene.question().await;
    assert!(shop.is_empty(), "it does not keep the last good ones: this is an answer");
}

#[tokio::test(start_paused = true)]
async fn accepts_loopback_where_allowed() {
    let mut scene = Scene::with_loopback(true);
    let shop = scene.name("shop", "echo.example.com", 80);
    scene.question().await.answer(5, &["127.0.0.1", "::1", "169.254.169.254"]);
    let _next = scene.question().await;
    assert_eq!(addresses(&shop), ["127.0.0.1:80", "[::1]:80"]);
}

#[tokio::test]
async fn resolves_through_a_name_server() {
    let server = serve(Zone::new([address("echo.test.", 5, "127.0.0.1")])).await;
    let resolver = Resolver::new(&DnsSettings { servers: vec![server], allow_loopback: true }).expect("DNS works here");
    let registry = Arc::new(Registry::new());
    let _running = JoinSet::from_iter([resolver.run(Arc::clone(&registry))]);
    for (service, name) in [("echo", "echo.test."), ("nowhere", "nowhere.test.")] {
        registry.set(&id(service), Some(named(name, 8080)));
    }
    while registry.is_resolving() {
        tokio::task::yield_now().await;
    }
    let client = Ipv4Addr::new(192, 0, 2, 1).into();
    let pick = registry.upstream(&id("echo")).pick(client, &[]).expect("it resolved");
    assert_eq!(pick.address(), (Ipv4Addr::LOCALHOST, 8080).into());
    assert!(registry.upstream(&id("nowhere")).pick(client, &[]).is_none());
}

#[tokio::test(start_paused = true)]
async fn ipv6_addresses_may_be_left_out() {
    let mut scene = Scene::new();
    scene.registry.set_ipv6_dns(false);
    let shop = scene.name("shop", "db.example.com", 80);
    scene.question().await.answer(30, &["fd00::1", "10.0.0.1"]);
    let second = scene.question().await;
    assert_eq!(addresses(&shop), ["10.0.0.1:80"]);
    scene.registry.set_ipv6_dns(true);
    second.answer(30, &["fd00::1", "10.0.0.1"]);
    scene.question().await;
    assert_eq!(addresses(&shop), ["10.0.0.1:80", "[fd00::1]:80"]);
}
