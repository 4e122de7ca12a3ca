use http::StatusCode;

/// A page of the dashboard, or a file that belongs to its pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub body: String,
    /// It runs a script of ours.
    pub has_script: bool,
}
