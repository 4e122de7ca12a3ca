use super::route::RouteLabels;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// Gives equal labels the same `Arc` for as long as anybody holds it, so that what is counted under a route's labels
/// outlives the tables that name the route.
#[derive(Debug, Default)]
pub(super) struct LabelInterner {
    known: HashMap<RouteLabels, Weak<RouteLabels>>,
    /// How many may be known before those that nobody holds are forgotten.
    sweep_at: usize,
}

impl LabelInterner {
    pub(super) fn intern(&mut self, labels: RouteLabels) -> Arc<RouteLabels> {
        if let Some(shared) = self.known.get(&labels).and_then(Weak::upgrade) {
            return shared;
        }
        self.sweep();
        let shared = Arc::new(labels.clone());
        self.known.insert(labels, Arc::downgrade(&shared));
        shared
    }

    /// Forgets dead labels once they may be half of all, which makes the work constant per new label.
    fn sweep(&mut self) {
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, labels| labels.strong_count() > 0);
            self.sweep_at = 2 * self.known.len() + 64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(path: &str) -> RouteLabels {
        RouteLabels { path: path.into(), ..RouteLabels::default() }
    }

    #[test]
    fn equal_labels_are_shared_while_held() {
        let mut interner = LabelInterner::default();
        let first = interner.intern(labels("/a"));
        assert!(Arc::ptr_eq(&first, &interner.intern(labels("/a"))));
        assert!(!Arc::ptr_eq(&first, &interner.intern(labels("/b"))));
    }

    #[test]
    fn dead_labels_are_forgotten() {
        let mut interner = LabelInterner::default();
        let kept = interner.intern(labels("/kept"));
        for n in 0..10_000 {
            interner.intern(labels(&n.to_string()));
        }
        assert!(interner.known.len() < 200, "{}", interner.known.len());
        assert!(Arc::ptr_eq(&kept, &interner.intern(labels("/kept"))));
    }
}
