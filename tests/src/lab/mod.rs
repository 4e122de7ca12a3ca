//! A real cluster with Adit in it, as those see both who use them.
//!
//! A test begins by saying which Adit it needs ([`Installed`]): the one that most tests share and none changes, or one of
//! its own, beside all others, which it may restart, scale and cripple. Those that cripple the cluster itself are alone.
//!
//! Tests have a [`Namespace`] of their own each, put [`Echo`] Deployments and Ingresses into it, and ask through an
//! [`Entry`], where Adit can be reached from outside. [`Load`] asks all the time, and counts what is lost. Nothing that a
//! cluster does is done at once: [`eventually`] waits for it.

mod certificate;
mod echo;
mod entry;
mod gateway_api;
mod install;
mod kubectl;
mod load;
pub mod machine;
mod manifest;
pub mod names;
mod namespace;
mod turn;
mod wait;

pub use certificate::certificate;
pub use echo::Echo;
pub use entry::{Answer, Entry, give_address, nodes, own_address};
pub use gateway_api::install_gateway_api;
pub use install::Installed;
pub use kubectl::{apply, get, get_path, kubectl, kubectl_with};
pub use load::{Load, Tally};
pub use manifest::Manifest;
pub use namespace::Namespace;
pub use turn::Turn;
pub use wait::{eventually, rolled_out};
