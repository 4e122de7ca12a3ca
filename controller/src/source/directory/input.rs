//! A manifest that another program pipes in.

use super::files::Seen;
use super::scan::MAX_SIZE;
use std::io::Read;

/// What places and diagnostics call it.
pub(super) const NAME: &str = "standard input";

/// Reads it to its end. Nothing at all is an error: `kubectl get` writes at least an empty list, unless it failed.
pub(super) fn read(input: impl Read) -> Seen {
    let mut bytes = Vec::new();
    match input.take(MAX_SIZE + 1).read_to_end(&mut bytes) {
        Ok(0) => Seen::Unreadable("it is empty: did the program before it fail?".to_owned()),
        Ok(_) if bytes.len() as u64 > MAX_SIZE => {
            Seen::Unreadable(format!("it has more than {MAX_SIZE} bytes: expected at most that many"))
        }
        Ok(_) => Seen::Read { fingerprint: None, bytes },
        Err(error) => Seen::Unreadable(error.to_string()),
    }
}
