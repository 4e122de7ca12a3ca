use crate::diagnostic::Escaped;
use std::fmt;

/// What stands between two columns.
const GAP: usize = 3;

/// A table as kubectl prints them: each column as wide as its widest cell.
pub(super) struct Columns<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Columns<N> {
    pub(super) fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    /// Adds a row. An empty cell is shown as a dash, so that a program that splits lines finds its columns.
    pub(super) fn add(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| if cell.is_empty() { "-".to_owned() } else { Escaped(&cell).to_string() }));
    }
}

impl<const N: usize> fmt::Display for Columns<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].len()).max().unwrap_or_default() + GAP;
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &self.rows {
            let line: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other() {
        let mut columns = Columns::new(["NAME", "PORT"]);
        columns.add(["shop/cart\u{202e}".to_owned(), "80".to_owned()]);
        columns.add([String::new(), "8080".to_owned()]);
        let lines = ["NAME                PORT", r"shop/cart\u{202e}   80", "-                   8080", ""];
        assert_eq!(columns.to_string(), lines.join("\n"));
    }
}
