//! How results are summed up and printed.

use std::cmp::Ordering;
use std::fmt::Display;

/// The middle one of some samples, of which there is at least one.
pub fn median_by<T: Copy>(samples: &mut [T], order: impl FnMut(&T, &T) -> Ordering) -> T {
    samples.sort_unstable_by(order);
    samples[samples.len() / 2]
}

/// The head of a Markdown table.
pub fn head(cells: &[&str]) {
    println!("{}", head_line(cells));
}

/// A row of a Markdown table.
pub fn row(cells: &[impl Display]) {
    println!("{}", row_line(cells));
}

/// The two lines of the head of a Markdown table.
pub fn head_line(cells: &[impl Display]) -> String {
    format!("{}\n|{}", row_line(cells), "---|".repeat(cells.len()))
}

/// The line of a row of a Markdown table.
pub fn row_line(cells: &[impl Display]) -> String {
    let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
    format!("| {} |", cells.join(" | "))
}
