//! What the Roles grant is used, all of it, and needed, all of it.

use super::audit::Audit;
use crate::routes::ingress;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::lab::{Answer, Echo, Entry, Installed, Manifest, Namespace, apply, eventually, get, rolled_out};

#[tokio::test]
async fn no_verb_is_granted_that_is_not_used() -> Result<()> {
    let scene = Scene::set("rbac-used").await?;
    let adit = &scene.adit;
    let granted: BTreeSet<_> = grants(&adit.manifest)?.into_iter().flat_map(Grant::into_pairs).collect();
    eventually("all that rights are for", async || scene.works().await).await?;
    end_last_replica(adit).await?;
    scene.status_is_gone().await?;

    let mut audit = Audit::of(&adit.name, "adit")?;
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
    let scene = Scene::set("rbac-needed").await?;
    let adit = &scene.adit;
    let grants = grants(&adit.manifest)?;
    eventually("all that rights are for", async || scene.works().await).await?;
    for grant in &grants {
        let resource = grant.resource.as_str();
        let mut audit = Audit::of(&adit.name, "adit")?;
        audit.skip()?;
        apply(&grant.without().to_string()).await?;
        // A watch goes on with the rights that it began with, and a Lease is created only where there is none.
        adit.kubectl("delete lease adit-leader --ignore-not-found").await?;
        restart(adit).await?;
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
    restart(adit).await?;
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

/// Replaces the one replica, and returns when the new one serves.
async fn restart(adit: &Installed) -> Result<()> {
    let before = pod_names(adit).await?;
    for pod in &before {
        adit.kubectl(&format!("delete pod {pod} --force --grace-period=0")).await?;
    }
    eventually("another Pod", async || {
        let pods = pod_names(adit).await?;
        ensure!(pods.iter().any(|pod| !before.contains(pod)), "only {pods:?}");
        Ok(())
    })
    .await?;
    rolled_out(&adit.name, "deployment/adit").await
}

async fn pod_names(adit: &Installed) -> Result<Vec<String>> {
    let pods = format!("pods --namespace={} --selector=app.kubernetes.io/name=adit", adit.name);
    Ok(get(&pods).await?["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
        .collect())
}

/// Ends Adit as if for good.
async fn end_last_replica(adit: &Installed) -> Result<()> {
    adit.kubectl("scale deployment adit --replicas=0").await?;
    eventually("the end of the last replica", async || {
        let pods = pod_names(adit).await?;
        ensure!(pods.is_empty(), "{pods:?} are left");
        Ok(())
    })
    .await
}

/// Objects that take every right to serve as they ask.
struct Scene {
    adit: Installed,
    namespace: Namespace,
    entry: Entry,
    leaf: Vec<u8>,
}

impl Scene {
    /// With an Adit of one replica.
    async fn set(name: &str) -> Result<Self> {
        let manifest = Manifest::read("nodeport")?.with("replicas: 2", "replicas: 1")?;
        let adit = Installed::own(name, manifest).await?;
        let namespace = Namespace::create(name).await?;
        Echo::new("hello").start(&namespace).await?;
        let issued = rcgen::generate_simple_self_signed([format!("{name}.example.com")])?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "tls"},
            "stringData": {"tls.crt": issued.cert.pem(), "tls.key": issued.signing_key.serialize_pem()},
        });
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "adit", "namespace": adit.name},
            "data": {"server-tokens": "true"},
        });
        namespace.apply(&format!("{secret}\n---\n{map}")).await?;
        let entry = adit.entries.first().copied().context("no entry")?;
        let scene = Self { adit, namespace, entry, leaf: issued.cert.der().to_vec() };
        scene.renew().await?;
        Ok(scene)
    }

    /// Makes the Ingresses anew, which have neither a status nor Events then.
    async fn renew(&self) -> Result<()> {
        let name = self.namespace.name();
        self.namespace.kubectl("delete ingress --all").await?;
        let host = format!("{name}.example.com");
        let mut served = ingress(&self.adit.name, name, &host, "hello", 80);
        served["spec"]["tls"] = json!([{"hosts": [host], "secretName": "tls"}]);
        let mut broken = ingress(&self.adit.name, "broken", &format!("broken.{host}"), "hello", 80);
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
