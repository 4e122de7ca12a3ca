//! Manifests, from their bytes to a published table.

use controller::diagnostic::Diagnostic;
use controller::feed::SourceEvent;
use controller::settings::ControllerSettings;
use controller::source::manifest;
use controller::store::Store;
use controller::translate::Translator;
use gateway::config::VirtualHost;
use gateway::table::Publisher;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The input is a manifest.
pub fn fuzz(input: &[u8]) {
    manifests_are_total(input);
}

/// Whatever the bytes, they are read, translated and published without a panic, all that is said of them has its place,
/// and objects that come one by one end in the same configuration as those that come together.
pub fn manifests_are_total(bytes: &[u8]) {
    let file: Arc<str> = "fuzz.yaml".into();
    let manifest = manifest::parse(&file, bytes);
    // To YAML, a carriage return alone ends a line too.
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    for diagnostic in &manifest.diagnostics {
        let place = diagnostic.place.as_ref().expect("a place in the file");
        assert!(
            place.file == file && place.document >= 1 && (1..=lines).contains(&(place.line as usize)),
            "{diagnostic}"
        );
        is_a_statement(diagnostic);
    }
    let keys: BTreeSet<_> = manifest.objects.iter().map(|object| &object.key).collect();
    assert_eq!(keys.len(), manifest.objects.len(), "each key once");

    let mut together = Translation::default();
    together.apply(manifest.objects.iter().cloned().map(SourceEvent::Apply));
    let mut one_by_one = Translation::default();
    for object in manifest.objects.into_iter().rev() {
        one_by_one.apply([SourceEvent::Apply(object)]);
    }
    assert_eq!(together.hosts(), one_by_one.hosts());
}

/// It says what of which object, and blames no defect.
fn is_a_statement(diagnostic: &Diagnostic) {
    assert!(!diagnostic.object.to_string().is_empty() && !diagnostic.message.is_empty(), "{diagnostic:?}");
    assert!(!diagnostic.message.contains("a defect of Adit"), "{diagnostic}");
}

struct Translation {
    store: Store,
    translator: Translator,
    publisher: Publisher,
}

impl Default for Translation {
    fn default() -> Self {
        Self {
            store: Store::new(),
            translator: Translator::new(ControllerSettings::default()),
            publisher: Publisher::new(Arc::default()),
        }
    }
}

impl Translation {
    fn apply(&mut self, events: impl IntoIterator<Item = SourceEvent>) {
        let changes: Vec<_> = events.into_iter().flat_map(|event| self.store.apply(event)).collect();
        let published = self.publisher.publish(self.translator.translate(&self.store, &changes));
        self.translator.diagnostics().for_each(is_a_statement);
        published.rejected.iter().map(Diagnostic::from).for_each(|diagnostic| is_a_statement(&diagnostic));
    }

    fn hosts(&self) -> Vec<Arc<VirtualHost>> {
        self.translator.hosts().cloned().collect()
    }
}
