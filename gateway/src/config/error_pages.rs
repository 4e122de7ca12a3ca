use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// `error-pages`: the bodies of responses to errors.
#[derive(Clone, PartialEq, Eq)]
pub struct ErrorPages {
    pages: Arc<[Page]>,
    /// Of the pages. They are many bytes, and are hashed with each route that has them.
    hash: u64,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// The errors that it is for.
    pub errors: Errors,
    /// What it is.
    pub kind: PageKind,
    /// The body.
    pub body: Arc<str>,
}

/// Errors that a page is for. Of those that a status is among, the first counts for which there is a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Errors {
    /// Those with a status from 400 to 599.
    Status(u16),
    /// Those whose status begins with 4 or 5.
    Class(u16),
    /// All.
    All,
}

impl Errors {
    /// Those that a status is among, from the fewest to all; nothing of one that is no error.
    pub fn of_status(status: u16) -> impl Iterator<Item = Self> {
        let is_error = (400..=599).contains(&status);
        [Self::Status(status), Self::Class(status / 100), Self::All].into_iter().filter(move |_| is_error)
    }
}

/// What a page is. Where a client likes several as much, the first of these counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageKind {
    /// HTML.
    Html,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// Plain text.
    Text,
}

impl PageKind {
    /// Its media type, with the coding of its characters.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

impl ErrorPages {
    /// These pages, each once.
    pub fn new(pages: impl IntoIterator<Item = Page>) -> Self {
        let pages: Arc<[Page]> = pages.into_iter().collect();
        // The same in every process of one build: this hasher has no key.
        let mut hasher = DefaultHasher::new();
        pages.hash(&mut hasher);
        Self { hash: hasher.finish(), pages }
    }

    /// The pages.
    pub fn pages(&self) -> &[Page] {
        &self.pages
    }
}

impl Hash for ErrorPages {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl fmt::Debug for ErrorPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pages()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_among_fewer_and_fewer() {
        let of = |status| Errors::of_status(status).collect::<Vec<_>>();
        assert_eq!(of(404), [Errors::Status(404), Errors::Class(4), Errors::All]);
        assert_eq!(of(599), [Errors::Status(599), Errors::Class(5), Errors::All]);
        assert!(of(200).is_empty() && of(308).is_empty() && of(600).is_empty());
    }
}
