//! The access log, line by line.

use std::io::{self, Write};
use tokio::sync::mpsc;

/// Sends the lines of the access log on, each once it is whole.
pub struct Lines(pub mpsc::UnboundedSender<String>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(bytes).lines() {
            // A test that has ended does not listen any more.
            let _ = self.0.send(line.to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
