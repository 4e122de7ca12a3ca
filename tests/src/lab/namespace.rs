use super::kubectl::{apply, kubectl};
use anyhow::Result;
use std::process::{Command, Stdio};

/// A namespace of a test's own. Dropping it deletes it and all that is in it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Creates it, anew where an earlier run left it.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn create(name: &str) -> Result<Self> {
        make_namespace(name).await?;
        Ok(Self { name: name.to_owned() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates or changes the objects of these YAML documents, in this namespace where they name none.
    ///
    /// # Errors
    /// The API server refuses one of them.
    pub async fn apply(&self, documents: &str) -> Result<()> {
        apply(&self.within(documents)?).await
    }

    /// Runs kubectl for this namespace.
    ///
    /// # Errors
    /// It fails.
    pub async fn kubectl(&self, command_line: &str) -> Result<String> {
        kubectl(&format!("--namespace={} {command_line}", self.name)).await
    }

    /// The documents, with this namespace where they name none. `kubectl apply --namespace` refuses those that name
    /// another, and a test may need both.
    fn within(&self, documents: &str) -> Result<String> {
        let mut objects: Vec<serde_json::Value> = serde_saphyr::from_multiple(documents)?;
        for object in &mut objects {
            let metadata = &mut object["metadata"];
            if metadata.get("namespace").is_none() {
                metadata["namespace"] = self.name.as_str().into();
            }
        }
        // JSON is YAML, too.
        Ok(objects.iter().map(|object| format!("---\n{object}\n")).collect())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        delete_in_background(&[format!("namespace/{}", self.name)]);
    }
}

/// Creates a namespace, anew where an earlier run left it.
pub(super) async fn make_namespace(name: &str) -> Result<()> {
    let create = format!("create namespace {name}");
    match kubectl(&create).await {
        Err(error) if error.to_string().contains("AlreadyExists") => {
            kubectl(&format!("delete namespace {name} --ignore-not-found --wait=true")).await?;
            kubectl(&create).await.map(drop)
        }
        created => created.map(drop),
    }
}

/// Has these objects deleted, each `KIND/NAME`, and does not wait for their end; not where a test fails: what it leaves is
/// worth a look, and the cluster ends with the tests.
pub(super) fn delete_in_background(objects: &[String]) {
    if !std::thread::panicking() {
        let mut delete = Command::new("kubectl");
        delete.args(["delete", "--ignore-not-found", "--wait=false"]).args(objects);
        let _ = delete.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
