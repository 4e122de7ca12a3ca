//! Lanes: each carries requests between clients and endpoints in its own way, and drives an
//! [`Exchange`](crate::exchange::Exchange) meanwhile.

pub(crate) mod pingora;
pub(crate) mod upgrade;
