//! Durations as Gateway API writes them (GEP-2257).

use std::time::Duration;

/// The units, with their milliseconds. Those that begin alike: the longer one first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1000)];
/// Numbers with a unit at most.
const PARTS: usize = 4;
/// Digits of such a number at most.
const DIGITS: usize = 5;

/// Reads `1h30m`, `500ms` or `0s`: one to four whole numbers of up to five digits, each with its unit.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let (mut rest, mut sum, mut parts) = (text, Duration::ZERO, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > DIGITS || parts == PARTS {
            return None;
        }
        let (number, behind) = rest.split_at(digits);
        let (unit, behind) =
            UNITS.iter().find_map(|(unit, milliseconds)| Some((milliseconds, behind.strip_prefix(unit)?)))?;
        sum += Duration::from_millis(number.parse::<u64>().ok()? * unit);
        (rest, parts) = (behind, parts + 1);
    }
    (parts > 0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_duration_add_up() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("500ms", 500),
            ("10s", 10_000),
            ("1h30m", 5_400_000),
            ("1s1500ms", 2500),
            ("5m5ms", 300_005),
            ("1h1m1s1ms", 3_661_001),
            ("99999h", 359_996_400_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_gateway_api_does_not_write_is_none() {
        for text in
            ["", "1", "s", "-1s", "+1s", "1.5s", "1d", "1us", "1S", "1 s", " 1s", "100000s", "1h1m1s1ms1ms", "1s1"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
