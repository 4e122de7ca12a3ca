//! What is made for Gateways that have a Service for themselves: the list of target ports, Services, and EndpointSlices with
//! the endpoints of Adit's own Service.
//!
//! A target port is in the list before anything leads to it, and leaves it when nothing does any more: it never becomes
//! another Gateway's before that.

mod inventory;
mod objects;
mod plan;
mod target_ports;

pub(super) use plan::{Change, Plan, Verb};
