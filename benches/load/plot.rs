//! A group's plot, as SVG: a bar for each proxy, and a line from the lowest round to the highest.

use crate::outcome::{Outcome, Row, Spread};
use anyhow::{Context, Result};
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

/// Pixels: of the names, of the bars, of the values behind them; of the title; from bar to bar.
const NAMES: f64 = 110.0;
const BARS: f64 = 440.0;
const VALUES: f64 = 90.0;
const TITLE: f64 = 50.0;
const STEP: f64 = 26.0;
/// Bars end where they would be so many times as long as the first, so that the others can be told apart.
const CUT: f64 = 8.0;

#[derive(Serialize)]
struct Plot<'p> {
    title: &'p str,
    quantity: &'static str,
    width: f64,
    height: f64,
    bars: Vec<Bar<'p>>,
}

#[derive(Serialize)]
struct Bar<'p> {
    name: &'p str,
    value: String,
    /// Whether it should be longer.
    cut: bool,
    /// The middle of the bar, where it begins and ends, and where the line does.
    y: f64,
    left: f64,
    right: f64,
    lowest: f64,
    highest: f64,
}

/// The plot of what matters most in a group.
///
/// # Errors
/// Nothing was measured.
pub(crate) fn svg(outcome: &Outcome) -> Result<String> {
    let quantity = *outcome.quantities().first().context("something is measured")?;
    let rows = outcome.rows.iter().filter(|row| row.void.is_none());
    let spreads: Vec<(&Row, Spread)> = rows.filter_map(|row| Some((row, row.spread(quantity)?))).collect();
    let longest = spreads.iter().map(|(_, spread)| spread.highest).fold(0.0, f64::max);
    let end = spreads.first().map_or(longest, |(_, first)| longest.min(first.median * CUT));
    let x = |value: f64| NAMES + (value / end).min(1.0) * BARS;
    let bars = spreads.iter().enumerate().map(|(number, (row, spread))| Bar {
        name: &row.name,
        value: format!("{:.*}", quantity.digits(), spread.median),
        cut: spread.median > end,
        y: TITLE + STEP * (number as f64 + 0.5),
        left: NAMES,
        right: x(spread.median),
        lowest: x(spread.lowest),
        highest: x(spread.highest),
    });
    let bars: Vec<_> = bars.collect();
    let height = TITLE + STEP * bars.len() as f64 + STEP / 2.0;
    let plot = Plot { title: &outcome.title, quantity: quantity.name(), width: NAMES + BARS + VALUES, height, bars };
    Ok(Environment::new().render_str(include_str!("plot.svg"), Serde(plot))?)
}
