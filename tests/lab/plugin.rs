//! `kubectl adit`, as kubectl starts it, through a real API server and kubelet.

use crate::routes::{ingress, leads, route};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::env;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;
use tests::lab::{Echo, Installed, Namespace, eventually, kubectl};
use tokio::process::Command;

const ADIT: &str = env!("CARGO_BIN_EXE_adit-under-test");
const HOST: &str = "plugin.example.com";

/// A folder with the program, where kubectl finds it.
struct Plugin(TempDir);

impl Plugin {
    fn link() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        symlink(ADIT, folder.path().join("kubectl-adit"))?;
        Ok(Self(folder))
    }

    /// What `kubectl adit` says, and against what it is asked.
    async fn run(&self, command_line: &str) -> Result<(String, String)> {
        let path = format!("{}:{}", self.0.path().display(), env::var("PATH")?);
        let mut command = Command::new("kubectl");
        command.arg("adit").args(command_line.split_whitespace()).env("PATH", path).kill_on_drop(true);
        let output = command.output().await?;
        Ok((String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
    }

    async fn says(&self, command_line: &str, parts: &[&str]) -> Result<String> {
        let (said, errors) = self.run(command_line).await?;
        let missing = parts.iter().find(|part| !said.contains(**part));
        ensure!(missing.is_none(), "{missing:?} is not in kubectl adit {command_line}: {said} {errors}");
        Ok(said)
    }
}

#[tokio::test]
async fn a_pod_is_found_and_says_what_it_serves() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("plugin").await?;
    Echo::new("hello").start(&namespace).await?;
    namespace.apply(&route(&adit, HOST, "hello", 80)).await?;
    leads(&adit, HOST, "hello").await?;
    let plugin = Plugin::link()?;

    let backend = format!("{}/hello:80", namespace.name());
    let explain = format!("explain GET http://{HOST}/cart");
    plugin.says(&explain, &[&format!("forwarded to {backend} as /cart"), "is exactly this host"]).await?;
    let explained: Value = serde_json::from_str(&plugin.says(&format!("{explain} -o json -n adit"), &[]).await?)?;
    ensure!(explained["action"]["forward"]["backend"] == backend.as_str(), "{explained}");

    let draft = plugin.0.path().join("draft.yaml");
    let mut drafted = ingress(&adit.name, "drafted", "drafted.example.com", "hello", 80);
    drafted["metadata"]["namespace"] = namespace.name().into();
    std::fs::write(&draft, drafted.to_string())?;
    let explain_draft = format!("explain GET http://drafted.example.com/ -f {}", draft.display());
    plugin.says(&explain_draft, &["as it would be with Ingress ", &format!("forwarded to {backend} as /")]).await?;

    let routes = plugin.says(&format!("routes {HOST}"), &["GOES TO", HOST, &format!("{backend} (1 endpoint)")]).await?;
    ensure!(routes.lines().count() == 2, "other hosts are listed, too: {routes}");
    let address = namespace.kubectl("get pods --output=jsonpath={.items[0].status.podIP}").await?;
    plugin.says(&format!("backends {backend}"), &[&backend, &address, "in use"]).await?;
    plugin.says("certs", &["SECRET"]).await?;
    plugin.says("lint", &[" warning"]).await?;

    let pods = adit.kubectl("get pods --output=jsonpath={.items[*].metadata.name}").await?;
    let pod = pods.split_whitespace().next().context("no Pod")?;
    let (said, errors) = plugin.run(&format!("{explain} --pod {pod}")).await?;
    ensure!(errors.trim() == format!("Pod {}/{pod} is asked", adit.name), "{said} {errors}");
    plugin.says(&format!("logs --pod {pod} --tail=1000"), &["\n"]).await?;
    Ok(())
}

/// Who may list Pods, and no more.
#[tokio::test]
async fn who_may_not_forward_ports_is_told_so() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("plugin-rights").await?;
    namespace.kubectl("create serviceaccount reader").await?;
    let user = format!("system:serviceaccount:{}:reader", namespace.name());
    let role = |kind: &str, more: Value| {
        let mut role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
            "metadata": {"name": "plugin-reader", "namespace": adit.name},
        });
        role.as_object_mut().into_iter().for_each(|role| role.extend(more.as_object().cloned().unwrap_or_default()));
        role.to_string()
    };
    let rules = json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]});
    let binding = json!({
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "plugin-reader"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    });
    tests::lab::apply(&format!("{}\n---\n{}", role("Role", rules), role("RoleBinding", binding))).await?;

    let plugin = Plugin::link()?;
    let kubeconfig = kubeconfig_of_reader(&namespace, plugin.0.path()).await?;
    eventually("the rights are known", async || {
        let (said, errors) = plugin.run(&format!("routes --kubeconfig {kubeconfig} -n {}", adit.name)).await?;
        let is_refused = errors.contains("may not forward a port of Pod") && errors.contains("pods/portforward");
        ensure!(said.is_empty() && is_refused, "{said} {errors}");
        Ok(())
    })
    .await?;
    let (_, errors) = plugin.run(&format!("routes --kubeconfig {kubeconfig} -n default")).await?;
    ensure!(errors.contains("namespace default (refused: "), "{errors}");
    Ok(())
}

/// The lab's kubeconfig with the reader as its user.
async fn kubeconfig_of_reader(namespace: &Namespace, folder: &Path) -> Result<String> {
    let token = namespace.kubectl("create token reader").await?;
    let mut config: Value =
        serde_json::from_str(&kubectl("config view --raw --minify --flatten --output=json").await?)?;
    config["users"][0]["user"] = json!({"token": token.trim()});
    let path = folder.join("reader");
    std::fs::write(&path, config.to_string())?;
    Ok(path.to_str().context("a path in UTF-8")?.to_owned())
}
