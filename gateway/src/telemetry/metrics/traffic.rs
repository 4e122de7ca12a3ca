use std::sync::Arc;

/// What the requests to a Service have come to, since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// How many there were.
    pub requests: u64,
    /// How many of them were answered with a status from 500 on.
    pub errors: u64,
    /// How long they took together, in seconds; 0 where that is not measured.
    pub seconds: f64,
}

/// A Service, as namespace and name.
pub type ServiceName = (Arc<str>, Arc<str>);
