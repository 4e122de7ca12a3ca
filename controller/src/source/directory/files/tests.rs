use super::*;

/// A directory in memory, whose clock ticks with every write.
#[derive(Default)]
struct Disk {
    files: Files,
    content: BTreeMap<Arc<str>, (u64, Result<String, String>)>,
    clock: u64,
}

impl Disk {
    fn write(&mut self, path: &str, text: impl Into<String>) {
        self.clock += 1;
        self.content.insert(path.into(), (self.clock, Ok(text.into())));
    }

    fn lock(&mut self, path: &str) {
        self.content.insert(path.into(), (self.clock, Err("Permission denied".to_owned())));
    }

    fn remove(&mut self, path: &str) {
        self.content.remove(path);
    }

    fn scan(&self) -> Scan {
        let seen = |(path, (inode, content)): (&Arc<str>, &(u64, Result<String, String>))| {
            let fingerprint = Fingerprint { device: 1, inode: *inode, size: 0, modified: (0, 0), changed: (0, 0) };
            let seen = match content {
                Ok(_) if self.files.fingerprint(path) == Some(fingerprint) => Seen::Unchanged,
                Ok(text) => Seen::Read { fingerprint: Some(fingerprint), bytes: text.clone().into_bytes() },
                Err(reason) => Seen::Unreadable(reason.clone()),
            };
            (path.clone(), seen)
        };
        Scan { files: self.content.iter().map(seen).collect(), ..Scan::default() }
    }

    /// What a look gives, each event in a line.
    fn look(&mut self) -> Vec<String> {
        let scan = self.scan();
        reported(self.files.take(scan))
    }
}

fn reported(events: Vec<SourceEvent>) -> Vec<String> {
    let show = |event| match event {
        SourceEvent::Apply(observed) => format!("+{} {}", observed.key, place(&observed)),
        SourceEvent::Delete(key) => format!("-{key}"),
        SourceEvent::Problems { part, diagnostics } => {
            let said: Vec<&str> = diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
            format!("{part}: {}", said.join("; "))
        }
        SourceEvent::Zone(zone) => format!("zone {zone}"),
        SourceEvent::Synced => "synced".to_owned(),
    };
    events.into_iter().map(show).collect()
}

fn place(observed: &Observed) -> String {
    observed.age.place.as_ref().map_or_else(String::new, |place| format!("{}:{}", place.file, place.line))
}

fn service(name: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n---\n")
}

const NOTHING: [&str; 0] = [];
const BROKEN: &str = "kind: [\n";

#[test]
fn objects_come_change_and_go_with_their_files() {
    let mut disk = Disk::default();
    disk.write("a.yaml", service("one") + &service("two"));
    disk.write("b.yaml", service("three"));
    let first = ["+Service default/one a.yaml:1", "+Service default/three b.yaml:1", "+Service default/two a.yaml:5"];
    assert_eq!(disk.look(), first);
    assert_eq!(disk.look(), NOTHING);
    disk.write(
        "a.yaml",
        service("one") + "apiVersion: v1\nkind: Service\nmetadata: {name: two}\nspec: {type: NodePort}\n",
    );
    assert_eq!(disk.look(), ["+Service default/two a.yaml:5"]);
    disk.write("a.yaml", service("one"));
    assert_eq!(disk.look(), ["-Service default/two"]);
    disk.remove("b.yaml");
    assert_eq!(disk.look(), ["-Service default/three"]);
}

#[test]
fn a_file_touched_or_renamed_changes_no_more_than_places() {
    let mut disk = Disk::default();
    disk.write("a.yaml", service("one"));
    disk.look();
    disk.write("a.yaml", service("one"));
    assert_eq!(disk.look(), NOTHING);
    disk.remove("a.yaml");
    disk.write("b.yaml", service("one"));
    assert_eq!(disk.look(), ["+Service default/one b.yaml:1"]);
}

#[test]
fn a_broken_file_keeps_its_last_good_version() {
    let mut disk = Disk::default();
    disk.write("a.yaml", service("one") + &service("two"));
    disk.look();
    disk.write("a.yaml", service("three") + BROKEN);
    let reported = disk.look();
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(reported[0].contains("is not valid YAML"), "{reported:?}");
    assert!(
        reported[0].ends_with("keeps the objects of its last good version until this is corrected"),
        "{reported:?}"
    );
    // Still the last good version, not what the broken one had.
    disk.write("a.yaml", service("four") + BROKEN);
    assert_eq!(disk.look(), NOTHING);
    disk.write("a.yaml", service("one"));
    assert_eq!(disk.look(), ["-Service default/two", "a.yaml: "]);
}

#[test]
fn a_file_that_was_never_good_serves_its_good_documents() {
    let mut disk = Disk::default();
    disk.write("a.yaml", service("one") + BROKEN);
    let reported = disk.look();
    assert_eq!(reported[0], "+Service default/one a.yaml:1");
    assert!(reported[1].starts_with("a.yaml: is not valid YAML") && !reported[1].contains("keeps"), "{reported:?}");
    disk.write("a.yaml", service("one") + &service("two") + BROKEN);
    let reported = disk.look();
    assert_eq!(reported[0], "+Service default/two a.yaml:5");
}

#[test]
fn an_unreadable_file_keeps_its_objects() {
    let mut disk = Disk::default();
    disk.write("a.yaml", service("one"));
    disk.look();
    disk.lock("a.yaml");
    disk.lock("b.yaml");
    let kept = "keeps the objects of its last good version until this is corrected";
    let denied = "cannot be read: Permission denied";
    assert_eq!(disk.look(), [format!("a.yaml: {denied}; {kept}"), format!("b.yaml: {denied}")]);
    assert_eq!(disk.look(), NOTHING);
    disk.write("a.yaml", service("one"));
    disk.write("b.yaml", service("two"));
    assert_eq!(disk.look(), ["+Service default/two b.yaml:1", "a.yaml: ", "b.yaml: "]);
}

#[test]
fn the_first_file_by_path_wins_an_object() {
    let mut disk = Disk::default();
    disk.write("b.yaml", service("one"));
    disk.write("c.yaml", service("one"));
    let second = |at: &str| format!("is defined before, in {at}: that one is served, and this one is ignored");
    assert_eq!(
        disk.look(),
        ["+Service default/one b.yaml:1".to_owned(), format!("c.yaml: {}", second("b.yaml, document 1, line 1"))]
    );
    disk.write("a.yaml", service("zero") + &service("one"));
    assert_eq!(
        disk.look(),
        [
            "+Service default/one a.yaml:5".to_owned(),
            "+Service default/zero a.yaml:1".to_owned(),
            format!("b.yaml: {}", second("a.yaml, document 2, line 5")),
            format!("c.yaml: {}", second("a.yaml, document 2, line 5")),
        ]
    );
    disk.remove("a.yaml");
    disk.remove("b.yaml");
    assert_eq!(disk.look(), ["+Service default/one c.yaml:1", "-Service default/zero", "b.yaml: ", "c.yaml: "]);
}

#[test]
fn what_settles_or_hides_stays_as_it_is() {
    let mut disk = Disk::default();
    disk.write("d/a.yaml", service("one"));
    disk.write("d/b.yaml", service("two"));
    disk.write("e.yaml", service("three"));
    disk.look();
    let settling = BTreeMap::from([("e.yaml".into(), Seen::Settling)]);
    let scan = Scan { files: settling, unreadable: vec!["d".into()], ..Scan::default() };
    assert_eq!(reported(disk.files.take(scan)), NOTHING);
    let gone = ["-Service default/one", "-Service default/three", "-Service default/two"];
    assert_eq!(reported(disk.files.take(Scan::default())), gone);
}

#[test]
fn problems_beside_the_files_come_and_go() {
    let mut disk = Disk::default();
    let mut scan = disk.scan();
    scan.problems.insert("d".into(), vec![Diagnostic::warning(Subject::other("File d"), "", "is empty")]);
    assert_eq!(reported(disk.files.take(scan)), ["d: is empty"]);
    assert_eq!(disk.look(), ["d: "]);
    assert_eq!(disk.look(), NOTHING);
}
