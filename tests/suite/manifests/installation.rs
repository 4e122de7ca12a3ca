//! One rendered file.

use controller::cli::flags::{self, Flags};
use controller::settings::Settings;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// All that one file installs.
#[derive(Debug)]
pub(crate) struct Installation {
    /// That of the file, without its ending.
    pub(crate) name: String,
    pub(crate) objects: Vec<Value>,
}

impl Installation {
    /// Those that install Adit, and so not what is added to them.
    pub(crate) fn all() -> Vec<Self> {
        let entries = fs::read_dir(directory().join("install")).expect("rendered files");
        let file = |entry: fs::DirEntry| entry.path().file_stem().expect("a name").to_string_lossy().into_owned();
        let names = entries.map(|entry| file(entry.expect("a rendered file")));
        let installing = names
            .filter(|name| !["monitoring", "admission", "gateway-api", "gateway-services"].contains(&name.as_str()));
        let all: Vec<_> = installing.map(|name| Self::named(&name)).collect();
        assert!(!all.is_empty(), "nothing is rendered");
        all
    }

    pub(crate) fn named(name: &str) -> Self {
        let file = directory().join("install").join(format!("{name}.yaml"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let objects = serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), objects }
    }

    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// The one object of this kind.
    pub(crate) fn only<'a>(&'a self, kind: &'a str) -> &'a Value {
        let found: Vec<_> = self.of(kind).collect();
        let [object] = found.as_slice() else { panic!("{}: {} of kind {kind}", self.name, found.len()) };
        object
    }

    /// The Deployment or DaemonSet.
    pub(crate) fn workload(&self) -> &Value {
        let kind = match self.name.trim_end_matches("-takeover") {
            "daemonset" | "hostnetwork" => "DaemonSet",
            _ => "Deployment",
        };
        self.only(kind)
    }

    pub(crate) fn template(&self) -> &Value {
        &self.workload()["spec"]["template"]
    }

    pub(crate) fn pod(&self) -> &Value {
        &self.template()["spec"]
    }

    pub(crate) fn container(&self) -> &Value {
        let [container] = list(&self.pod()["containers"]) else { panic!("{}: expected one container", self.name) };
        container
    }

    pub(crate) fn args(&self) -> Vec<String> {
        list(&self.container()["args"]).iter().map(text).collect()
    }

    /// What the arguments say, with variables of the environment as their own names.
    pub(crate) fn flags(&self) -> Flags {
        let args: Vec<_> = self.args().iter().map(|arg| arg.replace("$(", "").replace(')', "")).collect();
        let (command, args) = args.split_first().expect("arguments");
        assert_eq!(command, "serve", "{}", self.name);
        let flags = flags::parse(args.iter().map(String::as_str));
        flags.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    pub(crate) fn settings(&self) -> Settings {
        self.flags().settings
    }
}

/// `manifests/`.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests")
}

/// A list, which is empty where there is none.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text, or a number as one.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// This field of each of a list's objects that have it.
pub(crate) fn texts(value: &Value, field: &str) -> Vec<String> {
    list(value).iter().filter(|item| !item[field].is_null()).map(|item| text(&item[field])).collect()
}
