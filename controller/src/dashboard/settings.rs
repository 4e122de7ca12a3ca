use super::layout::{prose, shown, table};
use crate::explain::Setting;
use maud::{Markup, html};

/// A table of what objects ask for.
pub(super) fn write(settings: &[Setting]) -> Markup {
    let rows = html! {
        @for setting in settings {
            tr {
                th scope="row" {
                    code { (setting.name) }
                    span .detail { (shown(&setting.source.object)) }
                }
                td {
                    code .value { (shown(&setting.value)) }
                    span .detail { (prose(&setting.effect)) }
                }
            }
        }
    };
    table("What annotations ask for", &["Annotation", "Value and effect"], &rows)
}
