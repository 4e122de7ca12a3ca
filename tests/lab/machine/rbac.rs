//! What the Roles grant is used, all of it, and needed, all of it.

use super::audit::Audit;
use crate::routes::ingress;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::lab::{Answer, Echo, Entry, Installed, Manifest, Namespace, apply, eventually, get, kubectl};

const PODS: &str = "pods --namespace=adit --selector=app.kubernetes.io/name=adit";

#[tokio::test]
async fn no_verb_is_granted_that_is_not_used() -> Result<()> {
    let manifest = one_replica()?;
    let granted: BTreeSet<_> = grants(&manifest)?.into_iter().flat_map(Grant::into_pairs).collect();
    let adit = Installed::alone(manifest).await?;
    kubectl("--namespace=adit delete lease adit-leader --ignore-not-found").await?;
    let scene = Scene::set("rbac-used", &adit).await?;
    eventually("all that rights are for", async || scene.works().await).await?;
    end_last_replica().await?;
    scene.status_is_gone().await?;

    let mut audit = Audit::of("adit", "adit")?;
    eventually("the use of every verb", async || {
        let entries = audit.read()?.iter();
        let used: BTreeSet<_> = entries.map(|entry| (entry.verb.clone(), entry.resource.clone())).collect();
        let unused: Vec<_> = granted.difference(&used).collect();
        ensure!(unused.is_empty(), "granted and not used: {unused:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_any_one_grant_what_needs_it_fails() -> Result<()> {
    let manifest = one_replica()?;
    let grants = grants(&manifest)?;
    let adit = Installed::alone(manifest).await?;
    let scene = Scene::set("rbac-needed", &adit).await?;
    eventually("all that rights are for", async || scene.works().await).await?;
    for grant in &grants {
        let resource = grant.resource.as_str();
        let mut audit = Audit::of("adit", "adit")?;
        audit.skip()?;
        apply(&grant.without().to_string()).await?;
        // A watch goes on with the rights that it began with, and a Lease is created only where there is none.
        kubectl("--namespace=adit delete lease adit-leader --ignore-not-found").await?;
        restart().await?;
        scene.renew().await?;
        eventually("what fails, and nothing else", async || {
            let (failing, expected) = (scene.failing().await?, needs(resource)?);
            ensure!(failing == expected, "without {resource} it is {failing:?}, expected {expected:?}");
            let is_refused = audit.read()?.iter().any(|entry| entry.status == 403 && entry.resource == resource);
            ensure!(is_refused, "nobody asked for {resource} without a right to it");
            Ok(())
        })
        .await?;
        apply(&grant.role.to_string()).await?;
    }
    restart().await?;
    eventually("all that rights are for", async || scene.works().await).await
}

/// What rights are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The backend answers.
    Route,
    /// The Secret's certificate is shown.
    Certificate,
    /// The ConfigMap's setting is in effect.
    Setting,
    /// The status has an address.
    Status,
    /// An Event tells of a rejected annotation.
    Event,
}

/// What fails without any right to a resource.
fn needs(resource: &str) -> Result<BTreeSet<Part>> {
    use Part::{Certificate, Event, Route, Setting, Status};
    Ok(match resource {
        "ingresses" | "ingressclasses" => BTreeSet::from([Route, Certificate, Status, Event]),
        "services" | "endpointslices" => BTreeSet::from([Route]),
        "secrets" => BTreeSet::from([Certificate]),
        "configmaps" => BTreeSet::from([Setting]),
        "ingresses/status" | "pods" | "nodes" => BTreeSet::from([Status]),
        "leases" => BTreeSet::from([Status, Event]),
        "events" => BTreeSet::from([Event]),
        _ => bail!("nobody has said what {resource} are for"),
    })
}

/// Verbs on a resource, and the Role that grants them.
struct Grant {
    role: Value,
    rule: usize,
    resource: String,
    verbs: Vec<String>,
}

impl Grant {
    fn into_pairs(self) -> impl Iterator<Item = (String, String)> {
        self.verbs.into_iter().map(move |verb| (verb, self.resource.clone()))
    }

    /// The Role with all but these.
    fn without(&self) -> Value {
        let mut role = self.role.clone();
        if let Some(resources) = role["rules"][self.rule]["resources"].as_array_mut() {
            resources.retain(|resource| *resource != self.resource);
            if resources.is_empty() {
                role["rules"][self.rule] = json!({"apiGroups": [""], "resources": ["none"], "verbs": ["get"]});
            }
        }
        role
    }
}

fn grants(manifest: &Manifest) -> Result<Vec<Grant>> {
    let mut grants = Vec::new();
    for role in
        manifest.objects()?.into_iter().filter(|object| object["kind"] == "Role" || object["kind"] == "ClusterRole")
    {
        for (rule, content) in role["rules"].as_array().context("a Role without rules")?.iter().enumerate() {
            for resource in strings(&content["resources"]) {
                grants.push(Grant { role: role.clone(), rule, resource, verbs: strings(&content["verbs"]) });
            }
        }
    }
    Ok(grants)
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn one_replica() -> Result<Manifest> {
    Manifest::read("nodeport")?.with("replicas: 2", "replicas: 1")
}

/// Replaces the one replica, and returns when the new one serves.
async fn restart() -> Result<()> {
    let before = pod_names().await?;
    for pod in &before {
        kubectl(&format!("--namespace=adit delete pod {pod} --force --grace-period=0")).await?;
    }
    eventually("another Pod", async || {
        let pods = pod_names().await?;
        ensure!(pods.iter().any(|pod| !before.contains(pod)), "only {pods:?}");
        Ok(())
    })
    .await?;
    kubectl("--namespace=adit rollout status deployment/adit --timeout=180s").await.map(drop)
}

async fn pod_names() -> Result<Vec<String>> {
    Ok(get(PODS).await?["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
        .collect())
}

/// Ends Adit as if for good.
async fn end_last_replica() -> Result<()> {
    kubectl("--namespace=adit scale deployment adit --replicas=0").await?;
    eventually("the end of the last replica", async || {
        let pods = pod_names().await?;
        ensure!(pods.is_empty(), "{pods:?} are left");
        Ok(())
    })
    .await
}

/// Objects that take every right to serve as they ask.
struct Scene {
    namespace: Namespace,
    entry: Entry,
    leaf: Vec<u8>,
}

impl Scene {
    async fn set(name: &str, adit: &Installed) -> Result<Self> {
        let namespace = Namespace::create(name).await?;
        Echo::new("hello").start(&namespace).await?;
        let issued = rcgen::generate_simple_self_signed([format!("{name}.example.com")])?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "tls"},
            "stringData": {"tls.crt": issued.cert.pem(), "tls.key": issued.signing_key.serialize_pem()},
        });
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "adit", "namespace": "adit"},
            "data": {"server-tokens": "true"},
        });
        namespace.apply(&format!("{secret}\n---\n{map}")).await?;
        let entry = adit.entries.first().copied().context("no entry")?;
        let scene = Self { namespace, entry, leaf: issued.cert.der().to_vec() };
        scene.renew().await?;
        Ok(scene)
    }

    /// Makes the Ingresses anew, which have neither a status nor Events then.
    async fn renew(&self) -> Result<()> {
        let name = self.namespace.name();
        self.namespace.kubectl("delete ingress --all").await?;
        let host = format!("{name}.example.com");
        let mut served = ingress(name, &host, "hello", 80);
        served["spec"]["tls"] = json!([{"hosts": [host], "secretName": "tls"}]);
        let mut broken = ingress("broken", &format!("broken.{host}"), "hello", 80);
        broken["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/proxy-body-size": "much"});
        self.namespace.apply(&format!("{served}\n---\n{broken}")).await
    }

    /// All that rights are for, but the last words of the last replica.
    async fn works(&self) -> Result<()> {
        let failing = self.failing().await?;
        ensure!(failing.is_empty(), "{failing:?} fails");
        Ok(())
    }

    async fn failing(&self) -> Result<BTreeSet<Part>> {
        let host = format!("{}.example.com", self.namespace.name());
        let (answer, shown): (Answer, _) = self.entry.get_tls(&host, "/").await?;
        let uid = self.namespace.kubectl("get ingress broken --output=jsonpath={.metadata.uid}").await?;
        let about = format!("involvedObject.uid={uid},reason=AnnotationParsingFailed");
        let events = self.namespace.kubectl(&format!("get events --output=name --field-selector={about}")).await?;
        let parts = [
            (Part::Route, answer.service().is_ok()),
            (Part::Certificate, shown == self.leaf),
            (Part::Setting, answer.header("server").is_some()),
            (Part::Status, !self.status().await?.is_empty()),
            (Part::Event, !events.is_empty()),
        ];
        Ok(parts.into_iter().filter_map(|(part, works)| (!works).then_some(part)).collect())
    }

    async fn status(&self) -> Result<String> {
        let name = self.namespace.name();
        self.namespace.kubectl(&format!("get ingress {name} --output=jsonpath={{.status.loadBalancer.ingress}}")).await
    }

    async fn status_is_gone(&self) -> Result<()> {
        eventually("an empty status", async || {
            let status = self.status().await?;
            ensure!(status.is_empty(), "the status still has {status}");
            Ok(())
        })
        .await
    }
}
