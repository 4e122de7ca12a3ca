//! A real cluster with Adit in it, as those see both who use them.
//!
//! Tests have a [`Namespace`] of their own each, put [`Echo`] Deployments and Ingresses into it, and ask through an
//! [`Entry`], where Adit can be reached from outside. [`Load`] asks all the time, and counts what is lost. Nothing that a
//! cluster does is done at once: [`eventually`] waits for it.

mod certificate;
mod echo;
mod entry;
mod install;
mod kubectl;
mod load;
pub mod machine;
pub mod names;
mod namespace;
mod wait;

pub use certificate::certificate;
pub use echo::Echo;
pub use entry::{Answer, Entry, give_address, nodes};
pub use install::{Installed, Manifest};
pub use kubectl::{apply, delete, get, get_path, kubectl, kubectl_with};
pub use load::{Load, Tally};
pub use namespace::Namespace;
pub use wait::eventually;
