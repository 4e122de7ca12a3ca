//! Which Ingresses are ours, where the API server, its defaults and our rights take part in the answer.
//!
//! Adit has taken over the class `nginx`, as users of ingress-nginx would have it.

use crate::routes::{ingress, leads_at};
use anyhow::{Result, ensure};
use serde_json::json;
use tests::lab::{Echo, Entry, Installed, Manifest, Namespace, Turn, apply, kubectl, rolled_out};

/// How an Ingress names its class.
#[derive(Clone, Copy)]
enum Class {
    Unnamed,
    Annotation(&'static str),
    Field(&'static str),
}

#[tokio::test]
async fn i02_a_class_of_another_controller_is_not_served() -> Result<()> {
    let scene = Scene::take_over("i02").await?;
    let class = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "i02-other"},
        "spec": {"controller": "example.com/other"},
    });
    apply(&class.to_string()).await?;
    scene.ingress("foo-1.i02.example.com", "hello", Class::Field("i02-other")).await?;
    scene.ingress("ours.i02.example.com", "hello", Class::Field("nginx")).await?;
    scene.leads("ours.i02.example.com", "hello").await?;
    scene.refuses("foo-1.i02.example.com").await?;
    kubectl("delete ingressclass i02-other").await.map(drop)
}

#[tokio::test]
async fn i04_without_a_class_is_not_served() -> Result<()> {
    let scene = Scene::take_over("i04").await?;
    scene.ingress("foo-invalid.i04.example.com", "hello", Class::Unnamed).await?;
    scene.ingress("ours.i04.example.com", "hello", Class::Annotation("nginx")).await?;
    scene.leads("ours.i04.example.com", "hello").await?;
    scene.refuses("foo-invalid.i04.example.com").await
}

/// Each change also leads to the other Service, which shows when it is in force.
#[tokio::test]
async fn i07_from_the_annotation_to_the_field_and_back() -> Result<()> {
    const HOST: &str = "i07.example.com";
    let scene = Scene::take_over("i07").await?;
    Echo::new("other").start(&scene.namespace).await?;
    let steps = [
        ("hello", Class::Annotation("nginx")),
        ("other", Class::Field("nginx")),
        ("hello", Class::Annotation("nginx")),
        ("other", Class::Field("adit-takeover")),
    ];
    for (service, class) in steps {
        scene.ingress(HOST, service, class).await?;
        scene.leads(HOST, service).await?;
    }
    Ok(())
}

#[tokio::test]
async fn i08_without_a_class_is_served_where_a_flag_says_so() -> Result<()> {
    let manifest = Manifest::read("nodeport-takeover")?.arguments(&["--watch-ingress-without-class"])?;
    let scene = Scene::set("i08", Installed::own("i08", manifest).await?).await?;
    scene.ingress("other.i08.example.com", "hello", Class::Annotation("other")).await?;
    scene.ingress("foo.i08.example.com", "hello", Class::Unnamed).await?;
    scene.leads("foo.i08.example.com", "hello").await?;
    scene.refuses("other.i08.example.com").await
}

/// One namespace and no right to see IngressClasses, which are in none: the annotation names a class all the same, the
/// field does not.
#[tokio::test]
async fn i10_without_the_right_to_see_ingress_classes() -> Result<()> {
    let manifest = Manifest::read("namespaced")?.with("        - --ingress-class-by-name\n", "")?;
    let turn = Turn::together().await;
    let namespace = Namespace::create("i10").await?;
    namespace.apply(manifest.documents()).await?;
    rolled_out(namespace.name(), "deployment/adit").await?;
    Echo::new("hello").start(&namespace).await?;
    let scene = Scene { _held: Held::Turn(turn), pods: Entry::pods("i10").await?, namespace };
    scene.ingress("field.i10.example.com", "hello", Class::Field("adit")).await?;
    scene.ingress("annotation.i10.example.com", "hello", Class::Annotation("adit")).await?;
    scene.leads("annotation.i10.example.com", "hello").await?;
    scene.refuses("field.i10.example.com").await
}

#[tokio::test]
async fn v08_an_ingress_of_the_class_is_accepted_and_served() -> Result<()> {
    let scene = Scene::take_over("v08").await?;
    scene.ingress("v08.example.com", "hello", Class::Field("nginx")).await?;
    scene.leads("v08.example.com", "hello").await
}

#[tokio::test]
async fn v09_an_ingress_with_the_annotation_is_accepted_and_served() -> Result<()> {
    let scene = Scene::take_over("v09").await?;
    scene.ingress("v09.example.com", "hello", Class::Annotation("nginx")).await?;
    scene.leads("v09.example.com", "hello").await
}

/// What ends with the test.
#[expect(dead_code, reason = "it is held, not read")]
enum Held {
    Adit(Installed),
    Turn(Turn),
}

/// A namespace with the Service `hello`, and all Pods of an Adit.
struct Scene {
    _held: Held,
    pods: Vec<Entry>,
    namespace: Namespace,
}

impl Scene {
    async fn take_over(name: &str) -> Result<Self> {
        Self::set(name, Installed::shared_as("takeover", Manifest::read("nodeport-takeover")?).await?).await
    }

    async fn set(name: &str, adit: Installed) -> Result<Self> {
        let namespace = Namespace::create(name).await?;
        Echo::new("hello").start(&namespace).await?;
        Ok(Self { pods: adit.pods().await?, namespace, _held: Held::Adit(adit) })
    }

    /// Creates or changes the Ingress for a host.
    async fn ingress(&self, host: &str, service: &str, class: Class) -> Result<()> {
        let mut ingress = ingress("", host, host, service, "http");
        let class = match class {
            Class::Field(name) => Some(name),
            Class::Annotation(name) => {
                ingress["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": name});
                None
            }
            Class::Unnamed => None,
        };
        ingress["spec"]["ingressClassName"] = json!(class);
        self.namespace.apply(&ingress.to_string()).await
    }

    /// Waits until every Pod of Adit leads a host to this Service.
    async fn leads(&self, host: &str, service: &str) -> Result<()> {
        leads_at(&self.pods, host, service).await
    }

    /// No Pod of Adit serves a host. Its Ingress is older than another that is served already.
    async fn refuses(&self, host: &str) -> Result<()> {
        for pod in &self.pods {
            let answer = pod.get(host, "/").await?;
            ensure!(answer.status == 404, "{host}: status {}: {}", answer.status, answer.text());
        }
        Ok(())
    }
}
