//! TCP and UDP services: their ports, which come and go at run time, and what is carried through them.

mod gateway_api;
mod ports;
mod tcp;
mod udp;
mod world;
