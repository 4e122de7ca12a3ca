//! What is measured and written down about requests: metrics and the access log.

mod record;

pub use record::{Attempt, Connection, Record};
