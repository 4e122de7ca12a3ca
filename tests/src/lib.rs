//! Adit's tests: one fixture format, several drivers.
//!
//! A case is a directory `cases/FEATURE/CASE` of three files:
//!
//! * `objects.yaml`: what `kubectl apply` would take. Services with a selector need no EndpointSlices: [`cluster`] starts
//!   an [`echo`] backend per pod and writes the slices.
//! * `requests.yaml`: a [`case::Spec`], the requests to make and what must come of them.
//! * `config.snap`: what the objects are translated into, written by [`golden`].
//!
//! [`run`] plays a case through a [`run::Driver`], [`check`] judges what comes of it, and [`suite`] makes every case a test
//! of its own. Adding a test is adding a directory.
//!
//! [`fuzz`] holds what is read from strangers to properties.

#![allow(clippy::missing_errors_doc, reason = "an error is what fails the test, and says so itself")]

pub mod adit;
pub mod apiserver;
pub mod backend;
pub mod browser;
pub mod case;
pub mod check;
pub mod checked;
pub mod client;
pub mod cluster;
pub mod collector;
pub mod connection;
pub mod converted;
pub mod decoded;
pub mod dns;
pub mod drivers;
pub mod echo;
pub mod echo_server;
pub mod fastcgi;
pub mod frames;
pub mod fuzz;
pub mod golden;
pub mod grpc;
pub mod html;
pub mod http2;
pub mod lab;
pub mod lasting;
pub mod listed;
pub mod log;
pub mod lookup;
pub mod objects;
pub mod openid;
pub mod ports;
pub mod process;
pub mod recorder;
pub mod run;
pub mod suite;
pub mod tls;
pub mod tls_server;
pub mod wire;
