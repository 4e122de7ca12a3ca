//! What the generated pages of the documentation are written with.

use std::fmt::Write as _;

/// A text as code; an empty one as it is.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// A row of a table; a `|` in a cell would end it.
pub(super) fn row(page: &mut String, cells: &[impl AsRef<str>]) {
    for cell in cells {
        let _ = write!(page, "| {} ", cell.as_ref().replace('|', "\\|"));
    }
    page.push_str("|\n");
}
