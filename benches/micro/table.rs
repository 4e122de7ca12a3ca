//! The table of what was counted, as Markdown: written, read, and compared with another one.

use benches::report::{head_line, row_line};
use std::collections::BTreeMap;

/// What a number may differ by, in per cent, without a word.
pub(crate) const TOLERANCE: f64 = 2.0;

/// The parts, and the instructions of each.
pub(crate) type Counts = Vec<(&'static str, u64)>;

/// The table.
pub(crate) fn markdown(counts: &Counts) -> String {
    let rows = counts.iter().map(|(name, count)| format!("\n{}", row_line(&[(*name).to_owned(), count.to_string()])));
    head_line(&["what", "instructions"]) + &rows.collect::<String>() + "\n"
}

/// The table that is in a text.
pub(crate) fn read(text: &str) -> BTreeMap<&str, u64> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    cells.filter_map(|(name, count)| Some((name, count.parse().ok()?))).collect()
}

/// The table beside what was counted before, and how many numbers have moved.
pub(crate) fn compare(counts: &Counts, before: &BTreeMap<&str, u64>) -> (String, usize) {
    let mut text = head_line(&["what", "instructions", "before", "change"]) + "\n";
    let mut moved = 0;
    for (name, count) in counts {
        let known = before.get(name).copied();
        let change = known.map(|known| (*count as f64 / known as f64 - 1.0) * 100.0);
        moved += usize::from(change.is_none_or(|change| change.abs() > TOLERANCE));
        let change = change.map_or_else(|| "new".to_owned(), |change| format!("{change:+.1} %"));
        let known = known.map(|known| known.to_string()).unwrap_or_default();
        text += &(row_line(&[(*name).to_owned(), count.to_string(), known, change]) + "\n");
    }
    (text, moved)
}
