//! What the admission webhook sees of the pipeline.

use super::SharedTranslator;
use crate::admission::{Review, Verdict, review};
use crate::pipeline::State;
use crate::settings::WatchedNamespaces;
use crate::store::Store;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a review waits for what has arrived to be translated, which a little later it will be.
const ARRIVAL: Duration = Duration::from_secs(1);

/// How long a review then waits for the pipeline, which may be translating a whole cluster.
const PATIENCE: Duration = Duration::from_secs(2);

/// What exists, and what of it is served.
pub(super) struct Arrivals {
    pub(super) store: Arc<RwLock<Store>>,
    /// How many events have arrived.
    pub(super) consumed: Arc<AtomicU64>,
    pub(super) state: watch::Receiver<State>,
}

impl Arrivals {
    /// Waits until all that has arrived is in effect: of two Ingresses that are applied one after the other, the second is
    /// reviewed beside the first. Where this takes long, what is in effect has to do.
    fn wait(&self) {
        let consumed = self.consumed.load(Relaxed);
        let mut state = self.state.clone();
        let in_effect = state.wait_for(|state| state.source_revision >= consumed);
        let _ = Handle::current().block_on(async { timeout(ARRIVAL, in_effect).await.map(drop) });
    }
}

/// Reviews beside what is served. The pipeline waits while it does, which is about as long as it will take for the Ingress
/// itself. To be called where a runtime's threads may block.
pub(super) fn reviewer(translator: SharedTranslator, arrivals: Arrivals, watched: WatchedNamespaces) -> Arc<Review> {
    Arc::new(move |request| {
        const BUSY: &str = "it is translating a large change";
        arrivals.wait();
        // The translator first: who waits for it holds nothing that the pipeline needs meanwhile.
        let Some(translator) = translator.try_lock_for(PATIENCE) else { return Verdict::Unchecked(BUSY.to_owned()) };
        let Some(store) = arrivals.store.try_read_for(PATIENCE) else { return Verdict::Unchecked(BUSY.to_owned()) };
        review(request, &watched, &translator, &store)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::AdmissionRequest;
    use crate::feed::SourceEvent;
    use crate::settings::ControllerSettings;
    use crate::source::manifest::parse;
    use crate::translate::Translator;
    use serde_json::{Value, json};

    fn ingress(name: &str) -> Value {
        let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
        let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"namespace": "default", "name": name},
            "spec": {"rules": [{"host": "h", "http": {"paths": [path]}}]},
        })
    }

    fn creation(object: &Value) -> AdmissionRequest {
        let resource = json!({"group": "networking.k8s.io", "version": "v1", "resource": "ingresses"});
        let request = json!({"resource": resource, "operation": "CREATE", "object": object});
        serde_json::from_value(request).expect("a request")
    }

    #[tokio::test]
    async fn what_has_arrived_is_waited_for() {
        let mut translator = Translator::new(ControllerSettings::default());
        translator.translate(&Store::new(), &[]);
        let shared = SharedTranslator::new(translator);
        let (states, state) = watch::channel(State::default());
        let store = Arc::new(RwLock::new(Store::new()));
        let arrivals = Arrivals { store: store.clone(), consumed: Arc::new(AtomicU64::new(1)), state };
        let review = reviewer(shared.clone(), arrivals, WatchedNamespaces::All);
        let reviewed = tokio::task::spawn_blocking(move || review(creation(&ingress("second"))));
        // It has begun when it, too, follows the state.
        while states.receiver_count() < 2 {
            tokio::task::yield_now().await;
        }
        let objects = parse(&"test.yaml".into(), ingress("first").to_string().as_bytes()).objects;
        let changes: Vec<_> =
            objects.into_iter().flat_map(|object| store.write().apply(SourceEvent::Apply(object))).collect();
        shared.lock().translate(&store.read(), &changes);
        states.send_replace(State { source_revision: 1, ..State::default() });
        let verdict = reviewed.await.expect("a verdict");
        assert!(
            matches!(&verdict, Verdict::Refused { message, .. } if message.contains("default/first")),
            "{verdict:?}"
        );
    }
}
