//! The headers of a request or a response, as a list that is read once and looked up by name.

mod fields;
mod list;
mod name;

pub use fields::Fields;
pub use list::Headers;
pub(crate) use list::Lines;
pub(crate) use name::Name;
