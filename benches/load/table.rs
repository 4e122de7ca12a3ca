//! A group's table, as Markdown.

use crate::outcome::{Outcome, Quantity, Row, Spread};
use benches::report::{head_line, row_line};
use std::fmt::Write;

/// The table, and what is to be said about it. The second column compares the first quantity with that of the first row.
pub(crate) fn markdown(outcome: &Outcome) -> String {
    let quantities = outcome.quantities();
    let main = |row: &Row| row.spread(*quantities.first()?).map(|spread| spread.median);
    let first = outcome.rows.first().and_then(main);
    let mut text = format!("### {}\n\n", outcome.title);
    let names = quantities.iter().map(|quantity| quantity.name());
    let head: Vec<&str> = ["proxy", "to the first"].into_iter().chain(names).collect();
    let _ = writeln!(text, "{}", head_line(&head));
    for row in &outcome.rows {
        let ratio = main(row).zip(first).map(|(value, first)| format!("{:.2}", value / first));
        let ratio = if row.void.is_some() { "void".to_owned() } else { ratio.unwrap_or_default() };
        let values = quantities.iter().map(|&quantity| cell(row, quantity));
        let cells: Vec<String> = [row.name.clone(), ratio].into_iter().chain(values).collect();
        let _ = writeln!(text, "{}", row_line(&cells));
    }
    for Row { name, void, .. } in &outcome.rows {
        if let Some(reason) = void {
            let _ = write!(text, "\n{name} is void: {reason}\n");
        }
    }
    let absent: Vec<_> = outcome.absent.iter().map(|(name, reason)| format!("{name} ({reason})")).collect();
    if !absent.is_empty() {
        let _ = write!(text, "\nWithout {}.\n", absent.join(", "));
    }
    text
}

/// Nothing of a void row counts.
fn cell(row: &Row, quantity: Quantity) -> String {
    let spread = row.spread(quantity).filter(|_| row.void.is_none());
    let Some(Spread { lowest, median, highest }) = spread else { return String::new() };
    let digits = quantity.digits();
    let [lowest, median, highest] = [lowest, median, highest].map(|value| format!("{value:.digits$}"));
    if lowest == highest { median } else { format!("{median} ({lowest} - {highest})") }
}
