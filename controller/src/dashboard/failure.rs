use http::StatusCode;
use maud::{Markup, html};
use std::fmt;

/// Why there is no page.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    message: String,
}

impl Failure {
    pub(super) fn not_found(message: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: message.to_owned() }
    }

    /// A parameter is not as it must be: the message names it, and what is expected.
    pub(super) fn bad_query(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message }
    }

    pub(super) fn defect(error: &dyn fmt::Display) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: error.to_string() }
    }

    pub(super) fn title(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::BAD_REQUEST => "Not understood",
            _ => "Failed",
        }
    }

    pub(super) fn write(&self) -> Markup {
        html! {
            p .note { (self.message) }
            p { a href="./" { "Go to the overview" } }
        }
    }
}
