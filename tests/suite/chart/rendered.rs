//! What Helm makes of the chart and of values.

use crate::manifests::{directory, list, text};
use controller::cli::flags::{self, Flags};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Built by `make test` from `tests/tools/helm`.
const HELM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/helm");

/// What a release would install, and what it says to the user.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) objects: Vec<Value>,
    pub(super) notes: String,
}

impl Rendered {
    /// The release `adit` in the namespace `adit`, with these arguments for Helm.
    ///
    /// # Errors
    /// What Helm says of values that it refuses.
    pub(super) fn make(arguments: &[&str]) -> Result<Self, String> {
        Self::release("adit", arguments)
    }

    /// The release of this name, in a namespace of this name.
    ///
    /// # Errors
    /// As [`Rendered::make`].
    pub(super) fn release(name: &str, arguments: &[&str]) -> Result<Self, String> {
        Self::in_namespace(name, name, arguments)
    }

    /// The release of this name in this namespace.
    ///
    /// # Errors
    /// As [`Rendered::make`].
    pub(super) fn in_namespace(name: &str, namespace: &str, arguments: &[&str]) -> Result<Self, String> {
        let chart = chart();
        let chart = chart.to_str().expect("a path in UTF-8");
        let common = ["install", name, chart, "--namespace", namespace, "--dry-run=client", "--output=json"];
        let output = helm(&[&common, arguments].concat());
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let release: Value = serde_json::from_slice(&output.stdout).expect("a release as JSON");
        let manifest = release["manifest"].as_str().expect("a manifest");
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(manifest).unwrap_or_else(|error| panic!("{error}: {manifest}"));
        let objects = documents.into_iter().filter(|document| !document.is_null()).collect();
        Ok(Self { objects, notes: text(&release["info"]["notes"]) })
    }

    /// The object of this kind and name, `KIND/NAME`.
    pub(super) fn object(&self, identity: &str) -> &Value {
        let found: Vec<_> = self.objects.iter().filter(|object| identity_of(object) == identity).collect();
        let [object] = found.as_slice() else { panic!("{} of {identity}: {:?}", found.len(), self.identities()) };
        object
    }

    /// `KIND/NAME` of all objects.
    pub(super) fn identities(&self) -> Vec<String> {
        self.objects.iter().map(identity_of).collect()
    }

    pub(super) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// The Deployments and DaemonSets that run Adit.
    pub(super) fn workloads(&self) -> Vec<&Value> {
        let all = self.of("Deployment").chain(self.of("DaemonSet"));
        let ours = |workload: &&Value| workload["metadata"]["labels"]["app.kubernetes.io/component"] == "controller";
        all.filter(ours).collect()
    }

    /// The Pods of Adit; those of all workloads are the same.
    pub(super) fn template(&self) -> &Value {
        &self.workloads().first().expect("a workload")["spec"]["template"]
    }

    /// The container of Adit.
    pub(super) fn container(&self) -> &Value {
        &self.template()["spec"]["containers"][0]
    }

    pub(super) fn arguments(&self) -> Vec<String> {
        list(&self.container()["args"]).iter().map(text).collect()
    }

    /// What the arguments say, with variables of the environment as their own names.
    pub(super) fn flags(&self) -> Flags {
        let arguments: Vec<_> = self.arguments().iter().map(|arg| arg.replace("$(", "").replace(')', "")).collect();
        let (command, arguments) = arguments.split_first().expect("arguments");
        assert_eq!(command, "serve");
        flags::parse(arguments.iter().map(String::as_str)).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }
}

/// `KIND/NAME`.
pub(super) fn identity_of(object: &Value) -> String {
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

pub(super) fn chart() -> PathBuf {
    directory().join("chart/adit")
}

/// The values files of the tests.
pub(super) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/chart")
}

/// Runs Helm without a cluster, and without what somebody has configured for it.
pub(super) fn helm(arguments: &[&str]) -> Output {
    assert!(Path::new(HELM).exists(), "{HELM} is missing: `make test` builds it");
    let home = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(HELM);
    command.args(arguments).env_clear().env("HOME", home.path()).env("KUBECONFIG", "/dev/null");
    command.output().unwrap_or_else(|error| panic!("{HELM}: {error}"))
}
