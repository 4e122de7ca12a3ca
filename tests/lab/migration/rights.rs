//! `adit migrate` for users who may not read all, or nothing.

use super::documented::Section;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tests::lab::{Namespace, kubectl};

const ROLE: &str = "may-read-ingresses";

pub(super) async fn are_told(reader: &Section, namespace: &Namespace) -> Result<()> {
    namespace.kubectl("create serviceaccount reader").await?;
    let folder = tempfile::tempdir()?;
    let kubeconfig = kubeconfig(folder.path(), namespace.kubectl("create token reader").await?.trim()).await?;
    let migrate = format!("adit migrate --kubeconfig={}", kubeconfig.display());
    let refused = reader.shell(&migrate).await.err().context("a user without rights has a report")?.to_string();
    ensure!(refused.contains("adit: no Ingress may be read at https://"), "{refused}");

    kubectl(&format!("create clusterrole {ROLE} --verb=list,watch --resource=ingresses,ingressclasses")).await?;
    let subject = format!("--clusterrole={ROLE} --serviceaccount={}:reader", namespace.name());
    kubectl(&format!("create clusterrolebinding {ROLE} {subject}")).await?;
    let report =
        tests::lab::eventually("a report", async || reader.shell(&format!("{migrate} 2>/dev/null")).await).await?;
    kubectl(&format!("delete clusterrole,clusterrolebinding {ROLE}")).await?;
    for said in [
        "4 Ingresses",
        "Ingress shop/office: exact",
        "note: Secret of every namespace cannot be watched: ",
        "note: Deployments are not looked at: ",
        "note: not checked, because no Service is given: ",
    ] {
        ensure!(report.contains(said), "{said:?}: {report}");
    }
    Ok(())
}

/// The one of the tests, with another user.
async fn kubeconfig(folder: &Path, token: &str) -> Result<PathBuf> {
    let mut config: Value = serde_json::from_str(&kubectl("config view --raw --minify --output=json").await?)?;
    config["users"][0]["user"] = json!({"token": token});
    let path = folder.join("kubeconfig");
    std::fs::write(&path, config.to_string())?;
    Ok(path)
}
