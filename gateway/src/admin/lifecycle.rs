use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The state of the process: starting, ready, or terminating.
#[derive(Debug, Default)]
pub struct Lifecycle {
    published: AtomicBool,
    listening: AtomicBool,
    terminating: AtomicBool,
}

impl Lifecycle {
    /// The first full configuration is served.
    pub fn published(&self) {
        self.published.store(true, Relaxed);
    }

    /// The listeners for traffic are open.
    pub fn listening(&self) {
        self.listening.store(true, Relaxed);
    }

    /// The process has been asked to end.
    pub fn terminating(&self) {
        self.terminating.store(true, Relaxed);
    }

    /// Liveness. As ingress-nginx, which fails its liveness probe once it shuts down.
    ///
    /// # Errors
    /// The process is terminating.
    pub fn alive(&self) -> Result<(), &'static str> {
        require(!self.terminating.load(Relaxed), "the process is terminating")
    }

    /// Readiness. Remains while terminating, because requests are still served: Kubernetes itself takes a Pod that
    /// terminates out of rotation.
    ///
    /// # Errors
    /// Nothing is published yet, or the listeners are not open yet.
    pub fn ready(&self) -> Result<(), &'static str> {
        require(self.published.load(Relaxed), "the first full configuration is not published yet")?;
        require(self.listening.load(Relaxed), "the listeners are not open yet")
    }
}

fn require(condition: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if condition { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_takes_a_table_and_listeners() {
        let lifecycle = Lifecycle::default();
        assert!(lifecycle.ready().expect_err("nothing is there").contains("configuration"));
        lifecycle.published();
        assert!(lifecycle.ready().expect_err("nobody listens").contains("listeners"));
        lifecycle.listening();
        assert_eq!(lifecycle.ready(), Ok(()));
    }

    #[test]
    fn terminating_is_not_alive_but_ready() {
        let lifecycle = Lifecycle::default();
        lifecycle.published();
        lifecycle.listening();
        assert_eq!(lifecycle.alive(), Ok(()));
        lifecycle.terminating();
        assert!(lifecycle.alive().is_err());
        assert_eq!(lifecycle.ready(), Ok(()));
    }
}
