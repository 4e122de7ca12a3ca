use crate::diagnostic::Escaped;

/// The longest text that is shown, in characters.
const LONGEST: usize = 120;

/// A client's or a backend's text, shortened and escaped.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    Escaped(&shown).to_string()
}
