//! The text of a key, and the ways to read it.

use super::error::KeyError;
use crate::object::NamespacedName;
use crate::value::parse_bool;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// The value of one key.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a>(pub(super) &'a str);

/// The longest time that a setting may name: every clock can add it.
const LONGEST: Duration = Duration::from_secs(0x7fff_ffff);

impl<'a> Value<'a> {
    /// The value without the blanks around it.
    pub fn text(self) -> &'a str {
        self.0.trim()
    }

    /// A Boolean, in one of the spellings that Go's `strconv.ParseBool` takes.
    ///
    /// # Errors
    /// The value has none of these spellings.
    pub fn bool(self) -> Result<bool, KeyError> {
        parse_bool(self.text()).ok_or(KeyError::Expected("\"true\" or \"false\""))
    }

    /// A whole number in a range.
    ///
    /// # Errors
    /// The value is not a whole number, or is out of the range. The error names what `expected` says.
    pub fn number<T>(self, range: RangeInclusive<T>, expected: &'static str) -> Result<T, KeyError>
    where
        T: std::str::FromStr + PartialOrd,
    {
        self.text().parse().ok().filter(|number| range.contains(number)).ok_or(KeyError::Expected(expected))
    }

    /// A time as nginx writes it: `75`, `75s`, `1h 30m`, `500ms`. A number without a unit is seconds. (nginx:
    /// `ngx_parse_time`; a month is 30 days, a year 365.)
    ///
    /// # Errors
    /// The value is empty, has an unknown unit, or is longer than 2147483647 seconds.
    pub fn time(self) -> Result<Duration, KeyError> {
        const EXPECTED: KeyError = KeyError::Expected("a time, such as \"60\", \"75s\" or \"1m\"");
        let text = self.text();
        if text.is_empty() {
            return Err(EXPECTED);
        }
        let mut total = Duration::ZERO;
        let mut rest = text;
        while !rest.is_empty() {
            let (number, after) = split_number(rest).ok_or(EXPECTED)?;
            let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            let unit = time_unit(unit).ok_or(EXPECTED)?;
            let part = u32::try_from(number).ok().and_then(|number| unit.checked_mul(number));
            total = part.and_then(|part| total.checked_add(part)).filter(|total| *total <= LONGEST).ok_or(EXPECTED)?;
            rest = after.trim_start();
        }
        Ok(total)
    }

    /// A time of at least a millisecond.
    ///
    /// # Errors
    /// As for [`Self::time`], or the time is zero.
    pub fn positive_time(self) -> Result<Duration, KeyError> {
        let time = self.time()?;
        if time.is_zero() { Err(KeyError::Expected("a time above zero, such as \"60\"")) } else { Ok(time) }
    }

    /// A size as nginx writes it: `1024`, `8k`, `1m`, `1g`.
    ///
    /// # Errors
    /// The value is not a number with such a suffix, or does not fit into 64 bits.
    pub fn size(self) -> Result<u64, KeyError> {
        const EXPECTED: KeyError = KeyError::Expected("a number of bytes, or a number with k, m or g, such as \"8m\"");
        let (number, unit) = split_number(self.text()).ok_or(EXPECTED)?;
        let shift = match unit {
            "" => 0,
            "k" | "K" => 10,
            "m" | "M" => 20,
            "g" | "G" => 30,
            _ => return Err(EXPECTED),
        };
        number.checked_mul(1 << shift).ok_or(EXPECTED)
    }

    /// A list separated by commas, without the blanks and the empty places in it.
    pub fn list(self) -> impl Iterator<Item = &'a str> {
        self.0.split(',').map(str::trim).filter(|item| !item.is_empty())
    }

    /// Absolute paths, separated by commas.
    ///
    /// # Errors
    /// A path does not begin with `/`.
    pub fn paths(self) -> Result<Vec<Arc<str>>, KeyError> {
        if self.list().any(|path| !path.starts_with('/')) {
            return Err(KeyError::Expected("paths that begin with '/', separated by commas"));
        }
        Ok(self.list().map(Into::into).collect())
    }

    /// The name of another object: `namespace/name`.
    ///
    /// # Errors
    /// The value does not have this form.
    pub fn namespaced_name(self) -> Result<NamespacedName, KeyError> {
        self.text().parse().map_err(|_| KeyError::Expected("the name of a ConfigMap, in the form \"namespace/name\""))
    }
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

fn time_unit(unit: &str) -> Option<Duration> {
    const DAY: u64 = 24 * 60 * 60;
    Some(match unit {
        "ms" => Duration::from_millis(1),
        "" | "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(60 * 60),
        "d" => Duration::from_secs(DAY),
        "w" => Duration::from_secs(7 * DAY),
        "M" => Duration::from_secs(30 * DAY),
        "y" => Duration::from_secs(365 * DAY),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_nginxs() {
        let time = |text| Value(text).time().ok();
        assert_eq!(time("60"), Some(Duration::from_secs(60)));
        assert_eq!(time("75s"), Some(Duration::from_secs(75)));
        assert_eq!(time("1h 30m"), Some(Duration::from_secs(5400)));
        assert_eq!(time("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(time("0"), Some(Duration::ZERO));
        for text in ["", "s", "-1", "1.5s", "1x", "99999999999999999999", "4294967295y"] {
            assert_eq!(time(text), None, "{text:?}");
        }
        assert!(Value("0s").positive_time().is_err());
    }

    #[test]
    fn sizes_are_nginxs() {
        assert_eq!(Value("8k").size(), Ok(8192));
        assert_eq!(Value("1M").size(), Ok(1 << 20));
        for text in ["", "k", "1kb", "1 k", "99999999999g"] {
            assert!(Value(text).size().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[0-9a-zA-Z ,./-]{0,24}|\\PC{0,12}") {
            let value = Value(&text);
            let _ = (value.time(), value.size(), value.bool(), value.namespaced_name(), value.list().count());
        }
    }
}
