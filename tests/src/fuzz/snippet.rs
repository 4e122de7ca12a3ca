//! Snippets: nginx's syntax reads what it prints, and whatever a snippet says, each of its faults names a line of it.

use crate::objects::config_map;
use controller::feed::SourceEvent;
use controller::nginx_syntax::{self, Directive, MAX_DEPTH, Position};
use controller::settings::ControllerSettings;
use controller::source::manifest;
use controller::store::Store;
use controller::translate::Translator;
use gateway::table::Publisher;
use serde_json::{Value, json};
use std::sync::Arc;

/// The input is a snippet, where it is text.
pub fn fuzz(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    printed_directives_are_read_again(text);
    snippets_are_total(text);
}

/// What is printed is read as what it was, and what is read stands in the text.
pub fn printed_directives_are_read_again(text: &str) {
    match nginx_syntax::parse(text) {
        Ok(directives) => {
            let printed: String = directives.iter().map(|directive| format!("{directive}\n")).collect();
            let again = nginx_syntax::parse(&printed).unwrap_or_else(|error| panic!("{printed:?}: {error}"));
            assert_eq!(without_positions(directives.clone()), without_positions(again), "{printed:?}");
            directives.iter().for_each(|directive| stands_in(directive, text, 0));
        }
        Err(error) => is_in(error.position, text),
    }
}

fn without_positions(directives: Vec<Directive>) -> Vec<Directive> {
    let position = Position { line: 1, column: 1 };
    let strip =
        |directive: Directive| Directive { block: directive.block.map(without_positions), position, ..directive };
    directives.into_iter().map(strip).collect()
}

fn stands_in(directive: &Directive, text: &str, depth: usize) {
    assert!(depth <= MAX_DEPTH);
    is_in(directive.position, text);
    directive.block.iter().flatten().for_each(|inner| stands_in(inner, text, depth + 1));
}

fn is_in(Position { line, column }: Position, text: &str) {
    let line = text.split('\n').nth(line as usize - 1).expect("a line of the text");
    assert!((1..=line.chars().count() + 1).contains(&(column as usize)), "{line:?} {column}");
}

/// What snippets may name.
const ZONES: &str = "limit_req_zone $host zone=a:1m; limit_conn_zone $host zone=A:1m;";

/// Whatever a snippet says, it is translated and published without a panic. Where nothing is wrong with it, the gateway takes it.
pub fn snippets_are_total(text: &str) {
    for key in ["configuration-snippet", "server-snippet", "auth-snippet", "stream-snippet"] {
        let key = format!("nginx.ingress.kubernetes.io/{key}");
        let annotations = json!({key: text, "nginx.ingress.kubernetes.io/auth-url": "http://auth/"});
        serves(&annotations, &json!({"http-snippet": ZONES}));
    }
    for key in ["http-snippet", "server-snippet", "location-snippet"] {
        serves(&json!({}), &json!({key: text}));
    }
}

fn serves(annotations: &Value, config: &Value) {
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "a", "annotations": annotations},
        "spec": {"rules": [{"host": "a", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}},
        ]}}]},
    });
    let mut data = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    data.as_object_mut().into_iter().for_each(|data| data.extend(config.as_object().cloned().unwrap_or_default()));
    let config = config_map("adit", &data);
    let manifest = manifest::parse(&"fuzz.yaml".into(), format!("{ingress}\n---\n{config}").as_bytes());
    let (mut store, mut translator) = (Store::new(), Translator::new(ControllerSettings::default()));
    let events = manifest.objects.into_iter().map(SourceEvent::Apply);
    let changes: Vec<_> = events.flat_map(|event| store.apply(event)).collect();
    let publisher = Publisher::new(Arc::default());
    let published = publisher.publish(translator.translate(&store, &changes));
    assert!(published.rejected.is_empty(), "{:?}", published.rejected);
    // The gateway makes all variables that the snippet is said to make.
    let table = publisher.load();
    let denied = table.settings().denied.as_ref();
    assert!(denied.is_none_or(|denied| denied.reason.contains("fault")), "{denied:?}");
    for diagnostic in translator.diagnostics() {
        assert!(!diagnostic.message.contains("a defect of Adit"), "{diagnostic}");
    }
}
