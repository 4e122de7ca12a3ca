//! Manifests that are wrong in every way that people get them wrong. What is said names object, field, value and what is
//! expected; everything else in the directory keeps being served; nothing panics.

use controller::diagnostic::{Diagnostic, Severity};
use controller::settings::ControllerSettings;
use controller::source::directory;
use controller::store::Store;
use controller::translate::Translator;
use gateway::config::EntryPoint;
use gateway::table::{Found, Publisher};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tests::lookup;

/// What must be said: the parts of one diagnostic, the message in part.
struct Said {
    severity: Severity,
    object: &'static str,
    field: &'static str,
    value: Option<&'static str>,
    message: &'static str,
}

const fn error(object: &'static str, field: &'static str, value: &'static str, message: &'static str) -> Said {
    Said { severity: Severity::Error, object, field, value: Some(value), message }
}

const fn warning(object: &'static str, field: &'static str, value: &'static str, message: &'static str) -> Said {
    Said { severity: Severity::Warning, object, field, value: Some(value), message }
}

impl Said {
    const fn without_value(self) -> Self {
        Self { value: None, ..self }
    }

    fn is(&self, found: &Diagnostic) -> bool {
        // A file is named by its path, in a directory that is another one each time.
        let object = found.object.to_string();
        let is_object = match self.object.strip_prefix("File ") {
            Some(name) => object.starts_with("File ") && object.ends_with(&format!("/{name}")),
            None => object == self.object,
        };
        is_object
            && found.severity == self.severity
            && *found.field == *self.field
            && found.value.as_deref() == self.value
            && found.message.contains(self.message)
    }
}

/// A directory of manifests, one of them good.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        let directory = Self(tempfile::tempdir().expect("a directory"));
        directory.write("good.yaml", GOOD);
        directory
    }

    fn with(manifest: &str) -> Self {
        let directory = Self::new();
        directory.write("bad.yaml", manifest);
        directory
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), content).expect("a file");
    }
}

/// What comes of a directory.
struct Loaded {
    publisher: Publisher,
    diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    fn of(directory: &Path) -> Self {
        let (mut store, mut translator) = (Store::new(), Translator::new(ControllerSettings::default()));
        let publisher = Publisher::new(Arc::default());
        let events = directory::load(&[directory.to_owned()], std::io::empty()).events;
        let changes: Vec<_> = events.into_iter().flat_map(|event| store.apply(event)).collect();
        let published = publisher.publish(translator.translate(&store, &changes));
        let rejected: Vec<_> = published.rejected.iter().map(Diagnostic::from).collect();
        let diagnostics = store.problems().chain(translator.diagnostics()).chain(&rejected).cloned().collect();
        Self { publisher, diagnostics }
    }

    /// The declared path of the route of a request.
    fn route(&self, host: &str, path: &str) -> Option<String> {
        lookup::get(host, path.as_bytes(), |request| {
            match self.publisher.load().find(EntryPoint::Http, request, path.as_bytes()) {
                Found::Route(route) => Some(route.labels.path.to_string()),
                _ => None,
            }
        })
    }

    /// Exactly this is said, the good route is served, and nothing is a defect.
    fn says(&self, expected: &[Said]) {
        let found: Vec<String> = self.diagnostics.iter().map(ToString::to_string).collect();
        let list = found.join("\n");
        for said in expected {
            let matching = self.diagnostics.iter().filter(|diagnostic| said.is(diagnostic)).count();
            assert_eq!(matching, 1, "{} {} {:?} {:?} in:\n{list}", said.object, said.field, said.value, said.message);
        }
        assert_eq!(found.len(), expected.len(), "{list}");
        assert!(!list.contains("defect of Adit"), "{list}");
        assert_eq!(self.route("good.example", "/").as_deref(), Some("/"), "the good route is served");
    }
}

fn says(manifest: &str, expected: &[Said]) {
    Loaded::of(Directory::with(manifest).0.path()).says(expected);
}

/// An Ingress `bad` with these paths for host `bad.example` and these annotations, all in YAML's flow style.
fn ingress(annotations: &str, paths: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: bad, annotations: {{{annotations}}}}}\n\
         spec: {{rules: [{{host: bad.example, http: {{paths: [{paths}]}}}}]}}\n"
    )
}

/// A path of it that leads to the good Service.
fn path(path: &str, kind: &str) -> String {
    format!("{{path: '{path}', pathType: {kind}, backend: {{service: {{name: good, port: {{number: 80}}}}}}}}")
}

/// A path `/` of it that leads to this backend.
fn to(backend: &str) -> String {
    format!("{{path: /, pathType: Prefix, backend: {backend}}}")
}

const BAD: &str = "Ingress default/bad";

#[test]
fn text_that_is_no_yaml() {
    let not_yaml = error("File bad.yaml", "", "", "is not valid YAML: unclosed bracket").without_value();
    says("kind: [\n", &[not_yaml]);
    let twice = error("File bad.yaml", "", "", "duplicate").without_value();
    says("kind: Service\nkind: Ingress\n", &[twice]);
    let no_object = error("File bad.yaml", "", "", "expected a mapping with apiVersion and kind").without_value();
    says("just text\n", &[no_object]);
    let not_utf8 = error("File latin.yaml", "", "", "is not UTF-8").without_value();
    let directory = Directory::new();
    directory.write("latin.yaml", b"# caf\xe9\n");
    Loaded::of(directory.0.path()).says(&[not_utf8]);
}

#[test]
fn a_broken_document_hides_no_other() {
    let manifest = format!("kind: [\n---\n{}", ingress("", &path("/other", "Prefix")));
    let loaded = Loaded::of(Directory::with(&manifest).0.path());
    loaded.says(&[error("File bad.yaml", "", "", "is not valid YAML").without_value()]);
    assert_eq!(loaded.route("bad.example", "/other").as_deref(), Some("/other"));
}

#[test]
fn files_that_cannot_be_read() {
    let directory = Directory::new();
    symlink("/nowhere", directory.0.path().join("gone.yaml")).expect("a link");
    let unreadable = error("File gone.yaml", "", "", "cannot be read").without_value();
    Loaded::of(directory.0.path()).says(&[unreadable]);
}

#[test]
fn an_empty_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let loaded = Loaded::of(directory.path());
    let [diagnostic] = &loaded.diagnostics[..] else { panic!("one warning: {:?}", loaded.diagnostics) };
    assert_eq!(diagnostic.severity, Severity::Warning);
    assert!(diagnostic.object.to_string().contains(&*directory.path().to_string_lossy()), "{diagnostic}");
    assert!(diagnostic.message.contains("has no manifest"), "{diagnostic}");
}

#[test]
fn wrong_types() {
    let rules = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: bad}\nspec: {rules: 7}\n";
    says(rules, &[error(BAD, "spec.rules", "7", "not a list")]);
    let port = ingress("", &to("{service: {name: good, port: {number: http}}}"));
    let field = "spec.rules[0].http.paths[0].backend.service.port.number";
    says(&port, &[error(BAD, field, "http", "is not a 32-bit integer")]);
    let annotation = ingress("nginx.ingress.kubernetes.io/use-regex: true", "");
    let field = "metadata.annotations[nginx.ingress.kubernetes.io/use-regex]";
    says(&annotation, &[error(BAD, field, "true", "string")]);
}

#[test]
fn kinds_that_are_not_read() {
    let misspelt = "expected Ingress of networking.k8s.io/v1";
    let plural = "apiVersion: networking.k8s.io/v1\nkind: Ingresses\nmetadata: {name: bad}\n";
    says(plural, &[warning("File bad.yaml", "kind", "Ingresses", misspelt)]);
    let group = "apiVersion: v1\nkind: Ingress\nmetadata: {name: bad}\n";
    says(group, &[warning("File bad.yaml", "kind", "Ingress", misspelt)]);
    says("metadata: {name: bad}\n", &[warning("File bad.yaml", "kind", "", "is missing").without_value()]);
    says("apiVersion: example.com/v1\nkind: Wombat\nmetadata: {name: not-ours}\n", &[]);
}

#[test]
fn invalid_values() {
    const PATH: &str = "spec.rules[0].http.paths[0]";
    const TIMEOUT: &str = "metadata.annotations[nginx.ingress.kubernetes.io/proxy-connect-timeout]";
    const ALLOWED: &str = "metadata.annotations[nginx.ingress.kubernetes.io/whitelist-source-range]";
    let regex = ingress("nginx.ingress.kubernetes.io/use-regex: 'true'", &path("/foo(", "ImplementationSpecific"));
    says(&regex, &[error(BAD, PATH, "/foo(", "is not a valid regular expression: unclosed group")]);
    let duration = ingress("nginx.ingress.kubernetes.io/proxy-connect-timeout: 30s", &path("/", "Prefix"));
    says(&duration, &[error(BAD, TIMEOUT, "30s", "expected a whole number of seconds")]);
    let network = ingress("nginx.ingress.kubernetes.io/whitelist-source-range: 10.0.0.0/99", &path("/", "Prefix"));
    says(&network, &[error(BAD, ALLOWED, "10.0.0.0/99", "every request is answered with 503")]);
    let kind = ingress("", &path("/", "Wrong"));
    says(&kind, &[error(BAD, "spec.rules[0].http.paths[0].pathType", "Wrong", "expected Exact, Prefix or")]);
    let relative = ingress("", &path("a", "Prefix"));
    says(&relative, &[error(BAD, "spec.rules[0].http.paths[0].path", "a", "does not begin with '/'")]);
    let host = ingress("", "").replace("bad.example", "'bad host'");
    says(&host, &[error(BAD, "spec.rules[0].host", "bad host", "expected labels of a-z")]);
    says(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: adit, namespace: adit}\n\
         data: {proxy-real-ip-cidr: 10.0.0.0/99, client-header-timeout: soon, no-such-key: x}\n",
        &[
            error("ConfigMap adit/adit", "data.proxy-real-ip-cidr", "10.0.0.0/99", "is not an IP address or network"),
            error("ConfigMap adit/adit", "data.client-header-timeout", "soon", "expected a time"),
            error("ConfigMap adit/adit", "data.no-such-key", "x", "is not a key"),
        ],
    );
}

#[test]
fn backends_that_are_not_there() {
    const SERVICE: &str = "spec.rules[0].http.paths[0].backend.service.name";
    const PORT: &str = "spec.rules[0].http.paths[0].backend.service.port";
    const BACKEND: &str = "spec.rules[0].http.paths[0].backend";
    let service = ingress("", &to("{service: {name: nobody, port: {number: 80}}}"));
    says(&service, &[error(BAD, SERVICE, "nobody", "Service default/nobody, which does not exist")]);
    let number = ingress("", &to("{service: {name: good, port: {number: 81}}}"));
    says(&number, &[error(BAD, PORT, "81", "is not a port of Service default/good, which has 80")]);
    let name = ingress("", &to("{service: {name: good, port: {name: web}}}"));
    says(&name, &[error(BAD, PORT, "web", "is not a port of Service default/good, which has 80")]);
    let neither = ingress("", &to("{}"));
    says(&neither, &[error(BAD, BACKEND, "", "expected service.name and service.port").without_value()]);
}

#[test]
fn external_names_that_lead_nowhere() {
    const SERVICE: &str = "spec.rules[0].http.paths[0].backend.service.name";
    for (name, message) in [
        ("loop.default.svc.cluster.local", "is the Service itself"),
        ("LOOP.default.svc", "is the Service itself"),
        ("not a name", "is not a DNS name"),
        ("localhost", "is not allowed: expected neither this machine"),
    ] {
        let ingress = ingress("", &to("{service: {name: loop, port: {number: 80}}}"));
        let service = format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: loop}}\nspec: {{type: ExternalName, externalName: '{name}'}}\n"
        );
        says(&(ingress + &service), &[error(BAD, SERVICE, "loop", message)]);
    }
}

#[test]
fn the_same_path_twice() {
    let other = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: other}\n\
                 spec: {rules: [{host: good.example, http: {paths: [";
    const PATH: &str = "spec.rules[0].http.paths[0].path";
    says(
        &format!("{other}{}]}}}}]}}\n", path("/", "Prefix")),
        &[
            // `bad.yaml` comes before `good.yaml`, and so counts as older.
            warning("Ingress default/other", PATH, "/", "Ingress default/good"),
            warning("Ingress default/good", PATH, "/", "Ingress default/other"),
        ],
    );
}

/// Fields are named as the user wrote them, whatever was left out before them.
#[test]
fn what_is_left_out_moves_nothing() {
    let paths = [path("a", "Prefix"), path("/b", "Wrong"), to("{service: {name: nobody, port: {number: 80}}}")];
    says(
        &ingress("", &paths.join(", ")),
        &[
            error(BAD, "spec.rules[0].http.paths[0].path", "a", "does not begin with '/'"),
            error(BAD, "spec.rules[0].http.paths[1].pathType", "Wrong", "expected Exact, Prefix or"),
            error(
                BAD,
                "spec.rules[0].http.paths[2].backend.service.name",
                "nobody",
                "Service default/nobody, which does not exist",
            ),
        ],
    );
}

/// An Ingress whose rules are all wrong is not one without rules, whose default backend would serve every host.
#[test]
fn an_ingress_of_wrong_rules_does_not_take_everything() {
    let default = "spec: {defaultBackend: {service: {name: good, port: {number: 80}}}, ";
    let manifest = ingress("", &path("a", "Prefix")).replace("spec: {", default);
    let loaded = Loaded::of(Directory::with(&manifest).0.path());
    loaded.says(&[error(BAD, "spec.rules[0].http.paths[0].path", "a", "does not begin with '/'")]);
    assert_eq!(loaded.route("bad.example", "/"), None);
    assert_eq!(loaded.route("other.example", "/"), None);
}

/// 100,000 paths in more than 10 MB, one of them wrong.
#[test]
fn a_huge_ingress() {
    let mut manifest = ingress("", "");
    manifest.truncate(manifest.rfind("http:").expect("a rule"));
    manifest.push_str("http: {paths: [\n");
    for number in 0..100_000 {
        let _ = writeln!(manifest, "{},", path(&format!("/some/longer/path/{number}"), "Prefix"));
    }
    manifest.push_str(&path("wrong", "Prefix"));
    manifest.push_str("]}}]}\n");
    assert!(manifest.len() > 10_000_000, "{}", manifest.len());
    let loaded = Loaded::of(Directory::with(&manifest).0.path());
    loaded.says(&[error(BAD, "spec.rules[0].http.paths[100000].path", "wrong", "does not begin with '/'")]);
    assert_eq!(loaded.route("bad.example", "/some/longer/path/99999/x").as_deref(), Some("/some/longer/path/99999"));
}

const GOOD: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: good}
spec:
  rules:
  - host: good.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: good, port: {number: 80}}}}
---
apiVersion: v1
kind: Service
metadata: {name: good}
spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: good-1, labels: {kubernetes.io/service-name: good}}
addressType: IPv4
endpoints: [{addresses: [10.1.0.1]}]
ports: [{port: 8080}]
";
