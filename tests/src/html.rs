//! Pages as people read them.

use regex::{Captures, Regex};
use std::sync::LazyLock;

static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new("<[^>]*>").expect("a pattern"));
static ENTITY: LazyLock<Regex> = LazyLock::new(|| Regex::new("&(amp|lt|gt|quot);").expect("a pattern"));

/// What a page says, without its markup.
pub fn text(html: &str) -> String {
    let text = TAG.replace_all(html, "");
    let character = |entity: &Captures<'_>| match &entity[1] {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        _ => "\"",
    };
    ENTITY.replace_all(&text, character).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_no_text() {
        assert_eq!(text(r#"<p class="a">1 &lt; 2 &amp;&amp; &quot;b&quot;</p>"#), "1 < 2 && \"b\"");
        assert_eq!(text("&amp;lt;"), "&lt;");
    }
}
