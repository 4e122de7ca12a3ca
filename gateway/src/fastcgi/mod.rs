//! FastCGI 1.0 as a web server speaks it: the records, the params of a request, and the head of a program's response.
//! Pure: [`crate::lane`] reads and writes.

mod head;
mod params;
mod record;

pub use head::{CgiHead, HeadReader, InvalidCgiHead};
pub use params::{Params, TooLong};
pub use record::{MalformedRecord, Piece, RecordReader, begin_request, end_input, params, standard_input};
