//! The pages of `docs/` that are made from the code: `make docs` writes them, a test keeps them current.

use super::flags;

/// A generated page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its name: `docs/NAME.md`.
    pub name: &'static str,
    /// Its whole text.
    pub render: fn() -> String,
}

/// All generated pages.
pub const PAGES: &[Page] = &[Page { name: "flags", render: flags::markdown }];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_current() {
        for page in PAGES {
            let file = format!("{}/../docs/{}.md", env!("CARGO_MANIFEST_DIR"), page.name);
            let found = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(found, (page.render)(), "{file} is out of date: run `make docs`");
        }
    }
}
