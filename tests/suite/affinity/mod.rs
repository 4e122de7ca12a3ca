//! Sessions by cookie: that clients of ingress-nginx stay where they are, and what becomes of sessions when endpoints come, go
//! and fail.

mod changes;
mod failures;
mod minted;
mod reference;
mod world;
