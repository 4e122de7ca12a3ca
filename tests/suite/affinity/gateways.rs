//! Sessions of the rules of an HTTPRoute: of their own (`sessionPersistence`), and those that their policies ask for.

use super::reference;
use super::world::{Answer, UPSTREAM, ask, pods};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, documents, slice};
use tests::backend::refusing;
use tests::objects;

/// Who asks for sessions.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Rule,
    Policy,
}

impl Asks {
    /// What a rule has beside its path and its backends.
    fn of_rule(self) -> Value {
        let policy = json!({"group": "adit.dev", "kind": "AditPolicy", "name": "sessions"});
        match self {
            Self::Rule => json!({"sessionPersistence": {}}),
            Self::Policy => json!({"filters": [{"type": "ExtensionRef", "extensionRef": policy}]}),
        }
    }
}

/// A route whose rules for `/a` and `/b` have sessions: to `backend` and, by these weights, to `other`; and to `backend` alone.
fn manifests(asks: Asks, weights: [u32; 2], backend: &[SocketAddr], other: &[SocketAddr]) -> String {
    let rule = |path: &str, backends: Value| {
        let mut rule = asks.of_rule();
        rule["matches"] = json!([{"path": {"value": path}}]);
        rule["backendRefs"] = backends;
        rule
    };
    let [first, second] = weights;
    let both =
        json!([{"name": "backend", "port": 80, "weight": first}, {"name": "other", "port": 80, "weight": second}]);
    let rules = [rule("/a", both), rule("/b", json!([{"name": "backend", "port": 80}]))];
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "route"},
        "spec": {"parentRefs": [{"name": "edge"}], "rules": rules}});
    let policy = json!({"apiVersion": "adit.dev/v1alpha1", "kind": "AditPolicy", "metadata": {"name": "sessions"},
        "spec": {"affinity": "cookie", "sessionCookiePath": "/"}});
    let other_service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"}, "spec": {"ports": [{"port": 80}]}});
    let slices = |service: &'static str, pods: &[SocketAddr]| {
        let slices = pods.iter().enumerate().map(|(number, address)| slice(service, number, *address));
        slices.collect::<Vec<_>>()
    };
    let gateway = objects::gateway(&json!([{"name": "http", "port": 80, "protocol": "HTTP"}]));
    let all = gateway.into_iter().chain([route, policy, objects::backend(), other_service]);
    documents(all.chain(slices("backend", backend)).chain(slices("other", other)))
}

async fn visit(adit: &Adit, path: &str, cookie: Option<&str>) -> Result<Answer> {
    let (answer, _) = ask(&mut adit.connect().await?, path, cookie).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_client_stays_with_its_pod_whatever_the_weights_are() -> Result<()> {
    let pods = pods(4).await?;
    let (backend, other) = pods.split_at(2);
    for asks in [Asks::Rule, Asks::Policy] {
        let mut adit = Adit::start(&manifests(asks, [1, 1], backend, other)).await?;
        let mut clients = Vec::new();
        for _ in 0..40 {
            clients.push(visit(&adit, "/a", None).await?.begun()?);
        }
        for weights in [[1, 1], [1, 0]] {
            adit.replace(&manifests(asks, weights, backend, other)).await?;
            for (pod, cookie) in &clients {
                let answer = visit(&adit, "/a", Some(cookie)).await?;
                ensure!(answer == Answer::of(*pod), "{asks:?}, {weights:?}: {answer:?} instead of pod {pod}");
            }
        }
        // That all of them are at one backend has one chance in 2^39.
        let at_backend = clients.iter().filter(|(pod, _)| *pod < 2).count();
        ensure!((1..clients.len()).contains(&at_backend), "{asks:?}: {at_backend} of {} are at one", clients.len());
        for _ in 0..40 {
            let (pod, _) = visit(&adit, "/a", None).await?.begun()?;
            ensure!(pod < 2, "{asks:?}: a new client is at pod {pod}");
        }
    }
    Ok(())
}

/// Where every key leads to an endpoint, that of another backend would lead to one of each by chance.
#[tokio::test]
async fn a_client_whose_backend_is_gone_begins_anew_and_stays() -> Result<()> {
    let pods = pods(4).await?;
    let (backend, other) = pods.split_at(2);
    let adit = Adit::start(&manifests(Asks::Policy, [1, 1], backend, other)).await?;
    for _ in 0..20 {
        let gone = "INGRESSCOOKIE=key|of-a-backend-that-is-gone";
        let (pod, cookie) = visit(&adit, "/a", Some(gone)).await?.begun()?;
        for cookies in [cookie.clone(), format!("{cookie}; {gone}")] {
            let answer = visit(&adit, "/a", Some(&cookies)).await?;
            ensure!(answer == Answer::of(pod), "{cookies}: {answer:?} instead of pod {pod}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn rules_share_no_session() -> Result<()> {
    let pods = pods(2).await?;
    let adit = Adit::start(&manifests(Asks::Rule, [1, 0], &pods, &[])).await?;
    let (_, of_a) = visit(&adit, "/a", None).await?.begun()?;
    let (pod, of_b) = visit(&adit, "/b", Some(&of_a)).await?.begun()?;
    let name = |cookie: &str| cookie.split('=').next().map(str::to_owned);
    ensure!(name(&of_a) != name(&of_b), "{of_a} and {of_b} have one name");
    let answer = visit(&adit, "/b", Some(&format!("{of_a}; {of_b}"))).await?;
    ensure!(answer == Answer::of(pod), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_client_moves_when_its_pod_fails_or_is_gone() -> Result<()> {
    let (_socket, refusing) = refusing()?;
    let alive = pods(1).await?[0];
    let mut adit = Adit::start(&manifests(Asks::Rule, [1, 0], &[alive, refusing], &[])).await?;
    let (_, own) = visit(&adit, "/b", None).await?.begun()?;
    let name = own.split('=').next().unwrap_or_default();
    let of = |pod: SocketAddr| {
        format!("{name}={}", reference::value(UPSTREAM, &reference::name(UPSTREAM, &pod.to_string())))
    };
    ensure!(own == of(alive), "{own}");
    let (pod, cookie) = visit(&adit, "/b", Some(&of(refusing))).await?.begun()?;
    ensure!((pod, &cookie) == (0, &own), "pod {pod}, {cookie}");
    adit.replace(&manifests(Asks::Rule, [1, 0], &[alive], &[])).await?;
    let (pod, cookie) = visit(&adit, "/b", Some(&of(refusing))).await?.begun()?;
    ensure!((pod, &cookie) == (0, &own), "pod {pod}, {cookie}");
    Ok(())
}
