use form_urlencoded::Serializer;
use maud::{Markup, html};
use serde::Serialize;

/// How many entries of a long list are shown at once.
pub(super) const PAGE: usize = 100;

/// One part of a long list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<T> {
    /// What the entries have in their names; empty for all.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) search: String,
    /// The number of this part, from 1.
    pub(super) page: usize,
    /// How many parts there are.
    pages: usize,
    /// How many entries there are in all parts.
    pub(super) total: usize,
    /// Those of this part.
    pub(super) entries: Vec<T>,
}

impl<T> Part<T> {
    /// A part of all these, each of which is described by a function. One after the last is the last.
    pub(super) fn of<S>(all: Vec<S>, page: usize, describe: impl FnMut(S) -> T) -> Self {
        let total = all.len();
        let pages = total.div_ceil(PAGE).max(1);
        let page = page.min(pages);
        let entries = all.into_iter().skip((page - 1) * PAGE).take(PAGE).map(describe).collect();
        Self { search: String::new(), page, pages, total, entries }
    }

    /// The same, as found by this text.
    pub(super) fn found_by(self, search: &str) -> Self {
        Self { search: search.to_owned(), ..self }
    }

    /// How many there are, and which of them are shown.
    pub(super) fn summary(&self, one: &str, many: &str) -> String {
        let what = if self.total == 1 { one } else { many };
        let first = (self.page - 1) * PAGE + 1;
        match self.pages {
            1 => format!("{} {what}", self.total),
            _ => format!("{} {what}, {first} to {} shown", self.total, first + self.entries.len() - 1),
        }
    }

    /// Links to the parts before and after this one, where there are any. `parameters` are the page's others.
    pub(super) fn links(&self, path: &str, parameters: &[(&str, &str)]) -> Markup {
        let link = |page: usize| {
            let mut query = Serializer::new(String::new());
            query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
            format!("{path}?{}", query.append_pair("page", &page.to_string()).finish())
        };
        html! {
            @if self.pages > 1 {
                nav .pages aria-label="Parts of this list" {
                    @if self.page > 1 { a href=(link(self.page - 1)) rel="prev" { "Previous" } }
                    span { "Page " (self.page) " of " (self.pages) }
                    @if self.page < self.pages { a href=(link(self.page + 1)) rel="next" { "Next" } }
                }
            }
        }
    }
}

/// A form that searches a list.
pub(super) fn search_form(path: &str, label: &str, search: &str) -> Markup {
    html! {
        form .search action=(path) method="get" role="search" {
            label for="q" { (label) }
            div .row {
                input #q name="q" type="search" value=(search) autocomplete="off" spellcheck="false";
                button type="submit" { "Search" }
            }
        }
    }
}
