//! What a line of the log says, whatever its format.

use std::borrow::Cow;

/// Why a line is no request of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::migrate) enum Unreadable {
    /// It has another format.
    Format,
    /// It has the format, and what it says is no request of HTTP: nginx has refused it.
    Request,
}

/// The parts of a line as they stand there. Absent ones are empty.
#[derive(Debug, Default)]
pub(super) struct Parts<'l> {
    pub(super) host: Cow<'l, str>,
    pub(super) scheme: Cow<'l, str>,
    pub(super) client: Cow<'l, str>,
    pub(super) method: Cow<'l, str>,
    pub(super) target: Cow<'l, [u8]>,
    pub(super) status: Cow<'l, str>,
    /// `None` where the format has none, `-` or nothing where nginx had none.
    pub(super) upstream: Option<Cow<'l, str>>,
    pub(super) upstream_address: Cow<'l, str>,
    pub(super) user_agent: Cow<'l, str>,
    pub(super) referer: Cow<'l, str>,
}
