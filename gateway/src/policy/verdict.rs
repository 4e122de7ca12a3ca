use crate::request::Reply;

/// What one of the ways to let a request in says: its address, its credentials, or an auth server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the route does not have it, or it does not name this client.
    Silent,
    /// The request may come in.
    Allowed,
    /// It may not, and this is the answer.
    Refused(Reply),
}
