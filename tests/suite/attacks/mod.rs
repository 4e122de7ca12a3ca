//! What is tried against an ingress proxy, each with its right answer: what the client gets, what reaches a backend, which
//! connections are used again, and that it is logged and counted.

mod answers;
mod answers_http2;
mod authorization;
mod body;
mod chunks;
mod head;
mod host;
mod http2_floods;
mod http2_heads;
mod identity;
mod passwords;
mod probes;
mod slow;
mod target;
mod world;
