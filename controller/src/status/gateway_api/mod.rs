//! The statuses of Gateway API: [`plan`] says which to write, and [`merged`] what is in them. Both are pure.

mod merged;
mod place;
mod plan;
mod unopened;

pub(super) use place::Place;
pub(super) use plan::{Plan, StatusUpdate, parts};
