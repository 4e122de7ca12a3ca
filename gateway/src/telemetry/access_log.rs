//! The access log: lines are rendered into a buffer of the worker's and written, or sent to a syslog server, by one
//! thread for all.

use super::clock::Clock;
use super::escape::escape;
use super::syslog::{self, SyslogClient};
use crate::config::{AccessLog, Escape, Piece, Syslog, Template, Variable};
use crate::variables::Values;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use prometheus::IntCounter;
use std::io::{self, Write};
use std::time::SystemTime;

/// Lines are handed to the writer when they fill this many bytes, or at a flush.
const BUFFER: usize = 64 << 10;

/// How many full buffers may wait for the writer while the disk stalls: 4 MiB in all.
const WAITING: usize = 64;

enum Message {
    Lines(Lines),
    /// Respond when everything sent before is written.
    Sync(Sender<()>),
}

#[derive(Debug, Default)]
struct Lines {
    text: Vec<u8>,
    count: u64,
    /// Where they are sent; `None`: they are written.
    server: Option<Syslog>,
}

/// Sends lines to the thread that writes the log. The thread ends when every sender is dropped.
#[derive(Clone, Debug)]
pub(super) struct LogSender {
    channel: Sender<Message>,
    dropped: IntCounter,
}

impl LogSender {
    /// Starts the thread. Lines that it does not keep up with, or cannot write, are counted in `dropped`.
    pub(super) fn start(target: Box<dyn Write + Send>, dropped: IntCounter) -> io::Result<Self> {
        let (channel, messages) = bounded(WAITING);
        let lost = dropped.clone();
        std::thread::Builder::new()
            .name("adit-access-log".into())
            .spawn(move || write_all(&messages, target, &lost))?;
        Ok(Self { channel, dropped })
    }

    /// Waits until everything sent before is written. May wait for a stalled target: never call it on a worker.
    pub(super) fn sync(&self) {
        let (done, written) = bounded(1);
        if self.channel.send(Message::Sync(done)).is_ok() {
            // Receiving fails if the thread has ended: then there is nothing to wait for.
            let _ = written.recv();
        }
    }

    /// Never waits: lines that do not fit in the queue are dropped and counted.
    fn send(&self, lines: Lines) {
        if let Err(TrySendError::Full(Message::Lines(lines)) | TrySendError::Disconnected(Message::Lines(lines))) =
            self.channel.try_send(Message::Lines(lines))
        {
            self.dropped.inc_by(lines.count);
        }
    }
}

fn write_all(messages: &Receiver<Message>, mut target: Box<dyn Write + Send>, dropped: &IntCounter) {
    let (mut failing, mut client) = (false, SyslogClient::default());
    for message in messages {
        let lines = match message {
            Message::Lines(lines) => lines,
            Message::Sync(done) => {
                // The receiver may have been dropped.
                let _ = done.send(());
                continue;
            }
        };
        if let Some(server) = &lines.server {
            dropped.inc_by(client.send(server, &lines.text));
            continue;
        }
        let result = target.write_all(&lines.text).and_then(|()| target.flush());
        if let Err(error) = &result {
            dropped.inc_by(lines.count);
            if !failing {
                tracing::error!(%error, "cannot write the access log; its lines are dropped until it can be written again");
            }
        }
        failing = result.is_err();
    }
}

/// A worker's end of the access log.
#[derive(Debug)]
pub(super) struct LogBuffer {
    lines: Lines,
    clock: Clock,
    sender: LogSender,
}

impl LogBuffer {
    pub(super) fn new(sender: LogSender) -> Self {
        Self { lines: Lines::default(), clock: Clock::default(), sender }
    }

    /// Adds the line of a request or a session that ended at `now`.
    pub(super) fn write(&mut self, record: &impl Values, log: &AccessLog, now: SystemTime) {
        self.clock.set(now);
        self.turn_to(log.syslog.as_ref());
        let text = &mut self.lines.text;
        if text.capacity() == 0 {
            // The last line may exceed the limit.
            text.reserve(BUFFER + BUFFER / 4);
        }
        if log.syslog.is_some() {
            syslog::head(&self.clock, text);
        }
        let start = text.len();
        line(&log.format, log.escape, &(record, &self.clock), text);
        if log.syslog.is_some() {
            one_line(&mut text[start..]);
        }
        self.added();
    }

    /// Sends what goes elsewhere, before lines for this server, or for none, are added.
    fn turn_to(&mut self, server: Option<&Syslog>) {
        if self.lines.server.as_ref() != server {
            self.flush();
            self.lines.server = server.cloned();
        }
    }

    /// Adds a line that is written as it stands.
    pub(super) fn write_line(&mut self, line: &[u8]) {
        self.turn_to(None);
        self.lines.text.extend_from_slice(line);
        self.added();
    }

    fn added(&mut self) {
        self.lines.count += 1;
        if self.lines.text.len() >= BUFFER {
            self.flush();
        }
    }

    /// Sends the buffered lines to the writer.
    pub(super) fn flush(&mut self) {
        if self.lines.count > 0 {
            self.sender.send(std::mem::take(&mut self.lines));
        }
    }
}

/// Leaves only the last line feed: without escapes a path may bring others, and a datagram is a line.
fn one_line(text: &mut [u8]) {
    if let Some((_, line)) = text.split_last_mut() {
        line.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
    }
}

/// Appends one line. Literal text stands as it is; values are escaped, and absent ones are `-` under the default
/// escape and nothing under the others, as nginx: ngx_http_log_variable.
fn line(format: &Template, how: Escape, values: &impl Values, out: &mut Vec<u8>) {
    for piece in &*format.0 {
        let start = out.len();
        match piece {
            Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Variable(variable) if values.value(variable, out) => {
                if !is_plain(variable) {
                    escape(out, start, how);
                }
            }
            Piece::Variable(_) if how == Escape::Default => out.push(b'-'),
            Piece::Variable(_) => {}
        }
    }
    out.push(b'\n');
}

/// Whether the value is made of numbers, times and addresses, in which nothing is ever escaped: as much as half of a line.
fn is_plain(variable: &Variable) -> bool {
    use Variable as V;
    matches!(
        variable,
        V::BodyBytesSent
            | V::BrotliRatio
            | V::BytesSent
            | V::GzipRatio
            | V::RemoteAddr
            | V::RequestLength
            | V::RequestTime
            | V::Status
            | V::TimeIso8601
            | V::TimeLocal
            | V::UpstreamAddr
            | V::UpstreamResponseLength
            | V::UpstreamResponseTime
            | V::UpstreamStatus
            | V::ZstdRatio
    )
}
