//! Sessions by cookie: that clients of ingress-nginx stay where they are, and what becomes of sessions when endpoints come, go
//! and fail. And keys of requests, which lead to endpoints in the same way.

mod changes;
mod failures;
mod gateways;
mod keys;
mod minted;
mod reference;
mod world;
