//! From ingress-nginx to Adit and back, by the commands of README.md and in their order, under load: no request fails, and
//! no status of an Ingress changes.
//!
//! The cluster is that of a user of ingress-nginx (`ingress-nginx.yaml`, `ingresses.yaml`); a plain nginx that serves the
//! same stands in for it.

mod documented;
mod rights;
mod statuses;

use crate::rollouts::AFTERWARDS;
use crate::routes::{ingress, leads_at};
use anyhow::{Context as _, Result, ensure};
use documented::Section;
use serde_json::{Value, json};
use statuses::Statuses;
use tests::lab::{
    Echo, Entry, Load, Namespace, Turn, apply, certificate, eventually, get, give_address, kubectl, rolled_out,
};
use tokio::process::Child;

/// The Service that clients use, and its address.
const SERVICE: &str = "ingress-nginx/ingress-nginx-controller";
const ADDRESS: &str = "203.0.113.40";
const NAMESPACE: &str = "ingress-nginx";
const CONTROLLER: &str = "deployment/ingress-nginx-controller";

#[tokio::test]
async fn walkthrough_from_ingress_nginx_to_adit_and_back() -> Result<()> {
    let cluster = Cluster::set().await?;
    let clients = Clients::start(&cluster.entries);
    clients.are_answered().await?;
    let statuses = Statuses::watch(cluster.shop.name())?;

    cluster.is_reported().await?;

    let mut there = Section::of("README.md", "### Moving from ingress-nginx")?;
    there.leave_out("get manifest ingress-nginx")?;
    there.run("apply -f manifests/install/migrate.yaml").await?;
    there.run("rollout status deployment/adit").await?;
    cluster.compares(&mut there).await?;
    cluster.moves_connections(&mut there).await?;
    clients.are_answered().await?;
    cluster.moves_status(&mut there).await?;
    cluster.stops_ingress_nginx(&mut there).await?;
    clients.are_answered().await?;
    cluster.answers().await?;
    cluster.accepts_another("there").await?;
    // What they delete is in `tests/suite/manifests/moving.rs`.
    for removal in [
        "delete validatingwebhookconfiguration",
        "delete secret",
        "delete deployment",
        "delete service",
        "delete clusterrole",
        "get -f ingress-nginx.yaml",
    ] {
        there.leave_out(removal)?;
    }
    there.is_finished()?;

    cluster.goes_back().await?;
    clients.are_answered().await?;
    cluster.answers().await?;
    statuses.never_changed(ADDRESS).await?;
    clients.lost_nothing().await?;
    kubectl("delete validatingwebhookconfiguration ingress-nginx-admission").await.map(drop)
}

/// A cluster with ingress-nginx and what it serves.
struct Cluster {
    entries: Vec<Entry>,
    shop: Namespace,
    _nginx: Namespace,
    _turn: Turn,
}

impl Cluster {
    async fn set() -> Result<Self> {
        let turn = Turn::alone().await;
        remove_others_of_the_class().await?;
        let (nginx, shop) = (Namespace::create(NAMESPACE).await?, Namespace::create("shop").await?);
        Echo::start_all(&["shop", "cart"].map(|name| Echo::new(name).replicas(2)), &shop).await?;
        let (secret, _) = certificate("secure", "secure.example.com")?;
        for namespace in [&nginx, &shop] {
            namespace.apply(&secret.to_string()).await?;
        }
        shop.apply(include_str!("ingresses.yaml")).await?;
        let data = json!({"nginx.conf": include_str!("nginx.conf"), "run": include_str!("run")});
        let stand_in = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stand-in"}, "data": data});
        nginx.apply(&stand_in.to_string()).await?;
        apply(include_str!("ingress-nginx.yaml")).await?;
        rolled_out(NAMESPACE, CONTROLLER).await?;
        give_address(SERVICE, ADDRESS).await?;
        write_statuses(&shop).await?;
        let entries = Entry::node_ports(SERVICE).await?;
        let cluster = Self { entries, shop, _nginx: nginx, _turn: turn };
        leads_at(&cluster.entries, "shop.example.com", "shop").await?;
        cluster.answers().await?;
        Ok(cluster)
    }

    /// The requests that no backend answers get the same from both.
    async fn answers(&self) -> Result<()> {
        for entry in &self.entries {
            let (former, office) =
                (entry.get("former.example.com", "/").await?, entry.get("office.example.com", "/").await?);
            let plain = entry.get("secure.example.com", "/cart/a?b=c").await?;
            ensure!((former.status, office.status, plain.status) == (301, 403, 308), "{former:?} {office:?} {plain:?}");
            let locations = [former.header("location"), plain.header("location")];
            let expected = ["https://secure.example.com/cart", "https://secure.example.com/cart/a?b=c"];
            ensure!(locations == expected.map(|location| Some(location.to_owned())), "{locations:?}");
        }
        Ok(())
    }

    /// Before anything is installed.
    async fn is_reported(&self) -> Result<()> {
        let mut before = Section::of("README.md", "## Coming from ingress-nginx")?;
        let report = before.run("adit migrate").await?;
        for said in [
            "4 Ingresses",
            "      3 exact ",
            "arguments of Deployment ingress-nginx/ingress-nginx-controller",
            "ConfigMap ingress-nginx/ingress-nginx-controller",
        ] {
            ensure!(report.contains(said), "{said:?}: {report}");
        }
        let replayed = before.run("adit migrate --log -").await?;
        let (_, replay) = replayed.split_once("\nreplay of ").context("no replay")?;
        ensure!(replay.contains("  0 requests would get something else"), "{replay}");
        before.run("adit check -").await?;
        rights::are_told(&before, &self.shop).await?;
        before.is_finished()
    }

    /// Step 3.
    async fn compares(&self, there: &mut Section) -> Result<()> {
        // Without such lines, grep fails.
        let problems = there.next("logs deployment/adit")?;
        let problems = there.shell(&format!("{problems} || true")).await?;
        ensure!(problems.is_empty(), "{problems}");
        let host = ("your.host", "shop.example.com");
        let mut forwarded: Vec<Child> = vec![there.start("port-forward deployment/adit 10254")?];
        let explain = there.next("adit explain --admin")?.replace(host.0, host.1);
        let explained = eventually("an explanation", async || there.shell(&explain).await).await?;
        ensure!(explained.contains("Ingress shop/shop"), "{explained}");
        forwarded.push(there.start("port-forward service/adit 8080:80")?);
        forwarded.push(there.start("port-forward service/ingress-nginx-controller 8081:80")?);
        let both = there.next("adit migrate --against http://127.0.0.1:8081 --with http://127.0.0.1:8080")?;
        let report =
            eventually("answers of both", async || there.shell(&format!("{both} --rate=1000 -o json")).await).await?;
        let compared: Value = serde_json::from_str(&report)?;
        let differences = compared["comparison"]["groups"].as_array().into_iter().flatten();
        let statuses = differences
            .filter(|group| ["status", "answer"].iter().any(|what| group["differences"][0]["what"] == *what));
        ensure!(statuses.count() == 0 && !compared["comparison"].is_null(), "{compared:#}");
        Ok(())
    }

    /// Step 4.
    async fn moves_connections(&self, there: &mut Section) -> Result<()> {
        let selector = there.run("get service ingress-nginx-controller -o jsonpath").await?;
        let selector: Value = serde_json::from_str(&selector)?;
        ensure!(selector["app.kubernetes.io/instance"] == "ingress-nginx", "{selector}");
        there.run("patch service ingress-nginx-controller").await?;
        let log = there.next("logs --since=10s")?;
        eventually("a quiet log of ingress-nginx", async || {
            let lines = there.shell(&log).await?;
            ensure!(lines.is_empty(), "{lines}");
            Ok(())
        })
        .await
    }

    /// Step 5.
    async fn moves_status(&self, there: &mut Section) -> Result<()> {
        there.run("--update-status=false").await?;
        there.run("rollout status deployment/ingress-nginx-controller").await?;
        there.run("apply -f manifests/install/migrated.yaml").await?;
        there.run("rollout status deployment/adit").await?;
        // The Service is no NodePort.
        there.leave_out("create clusterrole")?;
        there.leave_out("create clusterrolebinding")
    }

    /// Step 6.
    async fn stops_ingress_nginx(&self, there: &mut Section) -> Result<()> {
        there.run("patch validatingwebhookconfiguration").await?;
        there.run("--replicas=0").await?;
        kubectl(&format!("--namespace={NAMESPACE} wait --for=delete pod --selector=app.kubernetes.io/name=ingress-nginx --timeout=10m"))
            .await
            .map(drop)
    }

    /// A new Ingress is accepted, served, and gets its address.
    async fn accepts_another(&self, name: &str) -> Result<()> {
        let host = format!("{name}.example.com");
        self.shop.apply(&ingress("nginx", name, &host, "shop", "http").to_string()).await?;
        leads_at(&self.entries, &host, "shop").await?;
        let address = crate::routes::addressed(&self.shop, name).await?;
        let expected = json!([{"ip": ADDRESS}]).to_string();
        ensure!(address == expected, "{address}");
        Ok(())
    }

    async fn goes_back(&self) -> Result<()> {
        let mut back = Section::of("README.md", "### Going back to ingress-nginx")?;
        for command in [
            "apply -f manifests/install/migrate.yaml",
            "rollout status deployment/adit",
            "rollout undo",
            "scale deployment/ingress-nginx-controller",
            "rollout status deployment/ingress-nginx-controller",
            "patch service ingress-nginx-controller",
            "patch validatingwebhookconfiguration",
            "delete -f manifests/install/migrate.yaml",
        ] {
            back.run(command).await?;
        }
        back.is_finished()?;
        kubectl(&format!(
            "--namespace={NAMESPACE} wait --for=delete pod --selector=app.kubernetes.io/name=adit --timeout=10m"
        ))
        .await?;
        let arguments = get(&format!("{CONTROLLER} --namespace={NAMESPACE}")).await?.to_string();
        ensure!(!arguments.contains("--update-status"), "{arguments}");
        Ok(())
    }
}

/// Other tests' Adits that serve the class, and would write the statuses, too.
async fn remove_others_of_the_class() -> Result<()> {
    let deployments = get("deployments --all-namespaces").await?;
    for deployment in deployments["items"].as_array().context("no list")? {
        let serves = deployment["spec"].to_string().contains("--controller-class=k8s.io/ingress-nginx");
        if let Some(namespace) = deployment["metadata"]["namespace"].as_str().filter(|_| serves) {
            kubectl(&format!("delete namespace {namespace} --ignore-not-found --wait")).await?;
        }
    }
    Ok(())
}

/// As ingress-nginx does.
async fn write_statuses(shop: &Namespace) -> Result<()> {
    let patch = json!({"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}});
    for name in ["shop", "cart", "former", "office"] {
        shop.kubectl(&format!("patch ingress {name} --subresource=status --type=merge --patch={patch}")).await?;
    }
    Ok(())
}

/// Clients all the way: of an Ingress over HTTP, and of another one over TLS.
struct Clients {
    loads: [Load; 2],
}

impl Clients {
    fn start(entries: &[Entry]) -> Self {
        let plain = Load::start(entries, "shop.example.com", "/", "shop");
        Self { loads: [plain, Load::start_tls(entries, "secure.example.com", "/cart/a", "cart")] }
    }

    async fn are_answered(&self) -> Result<()> {
        for load in &self.loads {
            load.answers(AFTERWARDS).await?;
        }
        Ok(())
    }

    async fn lost_nothing(self) -> Result<()> {
        for load in self.loads {
            let tally = load.stop().await?;
            println!("from ingress-nginx to Adit and back: {tally}");
            tally.is_whole()?;
        }
        Ok(())
    }
}
