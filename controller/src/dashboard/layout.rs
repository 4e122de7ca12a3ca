//! What all pages share: the frame around them, and small parts.

use crate::diagnostic::Escaped;
use form_urlencoded::Serializer;
use maud::{DOCTYPE, Markup, html};
use std::fmt::Display;

/// Which link of the navigation a page stands below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Hosts,
    Backends,
    Certificates,
    Why,
    Requests,
    /// None of them.
    None,
}

const TABS: [(Tab, &str, &str); 6] = [
    (Tab::Overview, "./", "Overview"),
    (Tab::Hosts, "hosts", "Hosts"),
    (Tab::Backends, "backends", "Backends"),
    (Tab::Certificates, "certificates", "Certificates"),
    (Tab::Why, "why", "Why"),
    (Tab::Requests, "requests", "Requests"),
];

/// The frame around a page. All links are relative, so that a proxy may put the pages below another path.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) tab: Tab,
    pub(super) title: &'a str,
    pub(super) revision: u64,
    pub(super) replica: &'a str,
}

impl Layout<'_> {
    pub(super) fn write(&self, content: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (shown(&self.title)) " – Adit" }
                    link rel="stylesheet" href="style.css";
                }
                body {
                    a .skip href="#main" { "Skip to the content" }
                    (self.header())
                    main #main tabindex="-1" {
                        h1 { (shown(&self.title)) }
                        (content)
                    }
                    (self.footer())
                }
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header {
                a .brand href="./" { "Adit" }
                nav aria-label="Pages" {
                    ul {
                        @for (tab, href, name) in TABS {
                            li { a href=(href) aria-current=[(tab == self.tab).then_some("page")] { (name) } }
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        html! {
            footer {
                p {
                    "Adit " (env!("CARGO_PKG_VERSION")) ", revision " (self.revision) " of the routing table"
                    @if !self.replica.is_empty() { ", replica " (self.replica) }
                    ". What is shown was true when the page was loaded."
                }
            }
        }
    }
}

/// Text of somebody else's, in which control characters and those that change its direction are seen.
pub(super) fn shown(text: &impl Display) -> String {
    Escaped(text).to_string()
}

/// Text of our documentation, in which code stands between backticks.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (number, part) in text.split('`').enumerate() {
            @if number % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A word that stands out.
pub(super) fn badge(class: &str, word: &str) -> Markup {
    html! { span class={ "badge " (class) } { (word) } }
}

/// A table that can be moved sideways where it is too wide.
pub(super) fn table(caption: &str, columns: &[&str], rows: &Markup) -> Markup {
    html! {
        div .wide role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// The path of a page of this with one parameter.
pub(super) fn link(path: &str, name: &str, value: &str) -> String {
    format!("{path}?{}", Serializer::new(String::new()).append_pair(name, value).finish())
}
