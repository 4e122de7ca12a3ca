//! The syntax of nginx's configuration: text to directives, and back. What a directive means is not known here.
//!
//! Words are read as nginx reads them (`ngx_conf_read_token`): quotes and escapes are gone afterwards.

mod bounds;
mod directive;
mod error;
mod parse;
mod print;
mod tokens;

pub use bounds::{MAX_DEPTH, MAX_DIRECTIVES, MAX_LENGTH};
pub use directive::{Directive, Position};
pub use error::{SyntaxError, SyntaxErrorKind};
pub use parse::parse;
pub(crate) use tokens::unescaped;
