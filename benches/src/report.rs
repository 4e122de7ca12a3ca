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
    row(cells);
    println!("|{}", "---|".repeat(cells.len()));
}

/// A row of a Markdown table.
pub fn row(cells: &[impl Display]) {
    let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
    println!("| {} |", cells.join(" | "));
}
