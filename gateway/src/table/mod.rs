//! The routing table: compiled, immutable, swapped whole.
//!
//! A request takes one look-up under one load of the table and keeps only its `Arc<Route>`, which points at nothing
//! above it. See [`Table::find`] for precedence.

mod route;

pub use route::{Route, RouteLabels, RouteTarget};
