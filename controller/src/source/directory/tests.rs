use super::*;
use crate::object::{Kind, ObjectKey};
use crate::store::Store;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

fn service(name: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n---\n")
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().expect("a directory")).expect("directories can be made");
    fs::write(path, text).expect("files can be written");
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// The Services that one look finds, and all that is wrong.
fn loaded(paths: &[&Path]) -> (Vec<String>, Vec<String>) {
    let Loaded { events, .. } =
        load(&paths.iter().map(|path| path.to_path_buf()).collect::<Vec<_>>(), std::io::empty());
    assert_eq!(events.last(), Some(&SourceEvent::Synced));
    let (mut names, mut problems) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            SourceEvent::Apply(observed) => names.push(observed.key.name.to_string()),
            SourceEvent::Problems { diagnostics, .. } => problems.extend(diagnostics.iter().map(ToString::to_string)),
            SourceEvent::Delete(_) | SourceEvent::Zone(_) | SourceEvent::Synced => {}
        }
    }
    (names, problems)
}

#[test]
fn manifests_are_told_from_other_files() {
    let directory = temporary();
    for (file, name) in [("a.yaml", "a"), ("b.yml", "b"), ("c.json", "c"), ("below/deeper/d.yaml", "d")] {
        write(directory.path(), file, &service(name));
    }
    for name in [".a.yaml", "#a.yaml", "a.yaml~", "a.yaml.swp", "a.yaml.tmp", "a.txt", "README", ".git/x.yaml", "4913"]
    {
        write(directory.path(), name, "not: [ YAML");
    }
    symlink("/nowhere", directory.path().join("dangling")).expect("a link");
    assert_eq!(loaded(&[directory.path()]), (["a", "b", "c", "d"].map(str::to_owned).to_vec(), vec![]));
    assert_eq!(loaded(&[&directory.path().join("below"), &directory.path().join("b.yml")]).0, ["b", "d"]);
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_is_read() {
    let directory = temporary();
    write(directory.path(), "a.yaml", &service("a"));
    fs::write(directory.path().join("latin.yaml"), b"# caf\xe9\n").expect("files can be written");
    symlink("/nowhere", directory.path().join("gone.yaml")).expect("a link");
    symlink(directory.path(), directory.path().join("loop")).expect("a link");
    let (names, problems) = loaded(&[directory.path(), Path::new("/nowhere/at/all")]);
    assert_eq!(names, ["a"]);
    let expected = [
        "gone.yaml: cannot be read",
        "latin.yaml: is not UTF-8",
        "loop: cannot be read",
        "/nowhere/at/all: cannot be read",
    ];
    for expected in expected {
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
}

#[test]
fn an_empty_directory_is_worth_a_warning() {
    let directory = temporary();
    let (names, problems) = loaded(&[directory.path()]);
    assert_eq!(names, [""; 0]);
    assert!(problems[0].starts_with("warning: ") && problems[0].contains("has no manifest"), "{problems:?}");
}

/// A followed directory and the store that its events fill.
struct Following {
    directory: TempDir,
    events: mpsc::Receiver<SourceEvent>,
    store: Store,
}

impl Following {
    /// Follows `root` below a directory with these files.
    fn start(root: &str, files: &[(&str, String)]) -> Self {
        let directory = temporary();
        for (name, text) in files {
            write(directory.path(), name, text);
        }
        Self::follow(directory, root)
    }

    fn follow(directory: TempDir, root: &str) -> Self {
        let (sender, events) = mpsc::channel(16);
        DirectorySource::new(vec![directory.path().join(root)]).spawn(sender).expect("a thread");
        let mut following = Self { directory, events, store: Store::new() };
        following.until(Store::is_synced);
        following
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        write(self.directory.path(), name, text);
    }

    /// Takes events until the store is as expected.
    fn until(&mut self, expected: impl Fn(&Store) -> bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !expected(&self.store) {
            let event = runtime.block_on(async { tokio::time::timeout_at(deadline, self.events.recv()).await });
            self.store.apply(event.expect("in time").expect("the source runs"));
        }
    }

    /// Takes events until these Services exist, and none of the others.
    fn until_services(&mut self, there: &[&str], gone: &[&str]) {
        let exists = |store: &Store, name: &&str| store.service("default", name).is_some();
        self.until(|store| there.iter().all(|n| exists(store, n)) && !gone.iter().any(|n| exists(store, n)));
    }
}

#[test]
fn writes_renames_and_removals_are_followed() {
    let mut following = Following::start("", &[("a.yaml", service("a"))]);
    following.write("b.yaml", &service("b"));
    following.until_services(&["a", "b"], &[]);
    following.write("a.yaml", &service("c"));
    following.until_services(&["c", "b"], &["a"]);
    following.write(".new", &service("d"));
    fs::rename(following.path(".new"), following.path("b.yaml")).expect("renamed");
    following.until_services(&["c", "d"], &["b"]);
    following.write("deep/er/e.yaml", &service("e"));
    following.until_services(&["c", "d", "e"], &[]);
    fs::remove_dir_all(following.path("deep")).expect("removed");
    fs::remove_file(following.path("a.yaml")).expect("removed");
    following.until_services(&["d"], &["c", "e"]);
}

#[test]
fn a_broken_file_is_reported_while_its_objects_stay() {
    let mut following = Following::start("", &[("a.yaml", service("a"))]);
    following.write("a.yaml", "kind: [\n");
    following.until(|store| store.problems().count() > 0);
    assert!(following.store.service("default", "a").is_some());
    following.write("a.yaml", &service("b"));
    following.until_services(&["b"], &["a"]);
    following.until(|store| store.problems().count() == 0);
}

#[test]
fn an_emptied_file_keeps_its_objects_until_it_is_gone() {
    let mut following = Following::start("", &[("a.yaml", service("a"))]);
    following.write("a.yaml", "");
    following.until(|store| store.problems().count() > 0);
    assert!(following.store.service("default", "a").is_some());
    fs::remove_file(following.path("a.yaml")).expect("removed");
    following.until_services(&[], &["a"]);
}

#[test]
fn a_single_file_is_followed_through_renames() {
    let mut following =
        Following::start("a.manifest", &[("a.manifest", service("a")), ("other.yaml", service("other"))]);
    following.write("new", &service("b"));
    fs::rename(following.path("new"), following.path("a.manifest")).expect("renamed");
    following.until_services(&["b"], &["a", "other"]);
    fs::remove_file(following.path("a.manifest")).expect("removed");
    following.until_services(&[], &["b"]);
    following.write("a.manifest", &service("c"));
    following.until_services(&["c"], &[]);
}

#[test]
fn a_mounted_volume_is_swapped_as_one() {
    let directory = temporary();
    write(directory.path(), "..1/a.yaml", &service("a"));
    write(directory.path(), "..2/a.yaml", &service("b"));
    symlink("..1", directory.path().join("..data")).expect("a link");
    symlink("..data/a.yaml", directory.path().join("a.yaml")).expect("a link");
    let mut following = Following::follow(directory, "");
    following.until_services(&["a"], &[]);
    symlink("..2", following.path("..data_tmp")).expect("a link");
    fs::rename(following.path("..data_tmp"), following.path("..data")).expect("renamed");
    following.until_services(&["b"], &["a"]);
}

#[test]
fn the_target_of_a_link_is_followed() {
    let directory = temporary();
    write(directory.path(), "elsewhere/a.yaml", &service("a"));
    fs::create_dir(directory.path().join("root")).expect("a directory");
    symlink("../elsewhere/a.yaml", directory.path().join("root/a.yaml")).expect("a link");
    let mut following = Following::follow(directory, "root");
    following.until_services(&["a"], &[]);
    following.write("elsewhere/a.yaml", &service("b"));
    following.until_services(&["b"], &["a"]);
}

#[test]
fn a_replaced_directory_is_followed() {
    let mut following = Following::start("root", &[("root/a.yaml", service("a")), ("next/b.yaml", service("b"))]);
    fs::rename(following.path("root"), following.path("old")).expect("renamed");
    fs::rename(following.path("next"), following.path("root")).expect("renamed");
    following.until_services(&["b"], &["a"]);
    following.write("root/c.yaml", &service("c"));
    following.until_services(&["b", "c"], &[]);
    fs::remove_dir_all(following.path("root")).expect("removed");
    following.until_services(&[], &["b", "c"]);
    following.write("root/d.yaml", &service("d"));
    following.until_services(&["d"], &[]);
}

#[test]
fn only_what_changed_is_said() {
    let mut following = Following::start("", &[("a.yaml", service("a") + &service("b")), ("c.yaml", service("c"))]);
    following.write("a.yaml", &(service("a") + &service("d")));
    let mut said = Vec::new();
    while said.len() < 2 {
        said.push(following.events.blocking_recv().expect("the source runs"));
    }
    let key = |name| ObjectKey::new(Kind::Service, "default", name);
    assert_eq!(said[0], SourceEvent::Delete(key("b")));
    assert!(matches!(&said[1], SourceEvent::Apply(observed) if observed.key == key("d")), "{said:?}");
}

#[test]
fn standard_input_is_a_manifest_among_others() {
    let directory = temporary();
    write(directory.path(), "a.yaml", &service("a"));
    let paths = [STANDARD_INPUT.into(), directory.path().to_owned()];
    let mut store = Store::new();
    for event in load(&paths, (service("a") + &service("b")).as_bytes()).events {
        store.apply(event);
    }
    assert!(store.service("default", "a").is_some() && store.service("default", "b").is_some());
    let problems: Vec<_> = store.problems().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("Service default/a: is defined before"), "{problems:?}");
    assert!(problems[0].ends_with("(standard input, document 1, line 1)"), "{problems:?}");
}

/// As it is when the program before it fails: "no objects, no problems" would be a lie.
#[test]
fn nothing_at_all_on_standard_input_is_an_error() {
    let Loaded { events, .. } = load(&[STANDARD_INPUT.into()], std::io::empty());
    let [SourceEvent::Problems { diagnostics, .. }, SourceEvent::Synced] = events.as_slice() else {
        panic!("{events:?}")
    };
    let said = diagnostics[0].to_string();
    assert_eq!(said, "error: File standard input: cannot be read: it is empty: did the program before it fail?");
}
