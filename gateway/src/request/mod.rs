//! A request as received, and the gateway's own replies: plain values for policies and lanes.

mod call;
mod client;
mod header_name;
mod host;
pub(crate) mod length;
mod path;
mod reason;
mod reply;
mod session;
pub(crate) mod target;
pub(crate) mod upgrade;
mod view;

pub(crate) use call::{GRPC, is_call, service_and_method};
pub use client::Client;
pub(crate) use client::forwarded_address;
pub use header_name::NameRules;
pub(crate) use host::is_authority;
pub use host::{HOST_LIMIT, canonical_host};
pub use path::{BadPath, normalize};
pub use reason::Reason;
pub use reply::Reply;
pub(crate) use reply::reason_phrase;
pub use session::SessionCookie;
pub use view::RequestView;
