//! What the admission webhook sees of the pipeline.

use super::SharedTranslator;
use crate::admission::{Review, Verdict, review};
use crate::settings::WatchedNamespaces;
use crate::store::Store;
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::Duration;

/// How long a review waits for the pipeline, which may be translating a whole cluster.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reviews beside what is served now. The pipeline waits while it does, which is about as long as it will take for the
/// Ingress itself.
pub(super) fn reviewer(
    translator: SharedTranslator,
    store: Arc<RwLock<Store>>,
    watched: WatchedNamespaces,
) -> Arc<Review> {
    Arc::new(move |request| {
        const BUSY: &str = "it is translating a large change";
        // The translator first: who waits for it holds nothing that the pipeline needs meanwhile.
        let Some(translator) = translator.try_lock_for(PATIENCE) else { return Verdict::Unchecked(BUSY.to_owned()) };
        let Some(store) = store.try_read_for(PATIENCE) else { return Verdict::Unchecked(BUSY.to_owned()) };
        review(request, &watched, &translator, &store)
    })
}
