//! The text of a setting, and the ways to read it.
//!
//! Annotations and keys of the ConfigMap are read the same way, but for blanks: those around a key's value do not count,
//! and make an annotation's Boolean or number invalid, as in ingress-nginx. Flags are Go's (`cli/flags/value.rs`).

use super::error::ValueError;
use super::reference::object_name;
use crate::lookup::Lookup;
use crate::object::Kind;
use ipnet::IpNet;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The value of one annotation or key, and the objects that it may name.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    text: &'a str,
    lookup: Option<&'a Lookup<'a>>,
    /// That of the object that has the value, where a name without a namespace is one of it.
    namespace: Option<&'a str>,
    /// Whether it may name objects of other namespaces than that.
    across: bool,
}

/// The longest time that a setting may name: every clock can add it.
const LONGEST: Duration = Duration::from_secs(0x7fff_ffff);

impl<'a> From<&'a str> for Value<'a> {
    /// A value that can name no object.
    fn from(text: &'a str) -> Self {
        Self { text, lookup: None, namespace: None, across: true }
    }
}

impl<'a> Value<'a> {
    /// A value that may name objects by `namespace/name`.
    pub(crate) fn new(text: &'a str, lookup: &'a Lookup<'a>) -> Self {
        Self { text, lookup: Some(lookup), namespace: None, across: true }
    }

    /// The same in an object of this namespace: a name without a namespace is one of it. Objects of other namespaces may
    /// be named only `across`.
    pub(crate) fn within(self, namespace: &'a str, across: bool) -> Self {
        Self { namespace: Some(namespace), across, ..self }
    }

    /// The value without the spaces around it.
    pub fn text(self) -> &'a str {
        self.text.trim()
    }

    /// A Boolean, in one of the spellings that Go's `strconv.ParseBool` takes.
    ///
    /// # Errors
    /// The value has none of these spellings.
    pub fn bool(self) -> Result<bool, ValueError> {
        parse_bool(self.text).ok_or(ValueError::Expected("\"true\" or \"false\""))
    }

    /// A whole number in a range.
    ///
    /// # Errors
    /// The value is not a whole number, or is out of the range. The error names what `expected` says.
    pub fn number<T>(self, range: RangeInclusive<T>, expected: &'static str) -> Result<T, ValueError>
    where
        T: FromStr + PartialOrd,
    {
        self.text.parse().ok().filter(|number| range.contains(number)).ok_or(ValueError::Expected(expected))
    }

    /// A whole number without a unit.
    ///
    /// # Errors
    /// The value is not a whole number, or does not fit into 64 bits.
    pub fn int(self) -> Result<i64, ValueError> {
        self.text.parse().map_err(|_| ValueError::Expected("a whole number without a unit, such as \"30\""))
    }

    /// A time as nginx writes it: `75`, `75s`, `1h 30m`, `500ms`. A number without a unit is seconds. (nginx:
    /// `ngx_parse_time`; a month is 30 days, a year 365.)
    ///
    /// # Errors
    /// The value is empty, has an unknown unit, or is longer than 2147483647 seconds.
    pub fn time(self) -> Result<Duration, ValueError> {
        const EXPECTED: ValueError = ValueError::Expected("a time, such as \"60\", \"75s\" or \"1m\"");
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
    pub fn positive_time(self) -> Result<Duration, ValueError> {
        let time = self.time()?;
        if time.is_zero() { Err(ValueError::Expected("a time above zero, such as \"60\"")) } else { Ok(time) }
    }

    /// A size as nginx writes it: `1024`, `8k`, `1m`, `1g`.
    ///
    /// # Errors
    /// The value is not a number with such a suffix, or does not fit into 64 bits.
    pub fn size(self) -> Result<u64, ValueError> {
        const EXPECTED: ValueError =
            ValueError::Expected("a number of bytes, or a number with k, m or g, such as \"8m\"");
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

    /// A number of kilobytes, in bytes.
    ///
    /// # Errors
    /// The value is not a whole number, or does not fit into 32 bits.
    pub fn kilobytes(self) -> Result<u64, ValueError> {
        let kilobytes = self.number(0..=u32::MAX, "a number of kilobytes from 0 to 4294967295, such as \"100\"")?;
        Ok(u64::from(kilobytes) << 10)
    }

    /// As [`Self::size`]; `None` for a number with the suffix `b`, which passes ingress-nginx's validator of annotations
    /// and then sets nothing.
    ///
    /// # Errors
    /// As for [`Self::size`].
    pub fn size_or_nothing(self) -> Result<Option<u64>, ValueError> {
        match self.text().strip_suffix(['b', 'B']).and_then(split_number) {
            Some((_, "")) => Ok(None),
            _ => self.size().map(Some),
        }
    }

    /// The size of a buffer.
    ///
    /// # Errors
    /// As for [`Self::size`], or the size is zero.
    pub fn buffer_size(self) -> Result<u64, ValueError> {
        match self.size()? {
            0 => Err(ValueError::Expected("a size above 0, such as \"8k\"")),
            bytes => Ok(bytes),
        }
    }

    /// A number of buffers.
    ///
    /// # Errors
    /// The value is not a whole number, 0 or too large.
    pub fn buffers(self) -> Result<u32, ValueError> {
        self.number(1..=1 << 16, "a whole number from 1 to 65536")
    }

    /// nginx's spelling of a switch.
    ///
    /// # Errors
    /// The value is neither `on` nor `off`.
    pub fn on_or_off(self) -> Result<bool, ValueError> {
        self.one_of(&["on", "off"], "\"on\" or \"off\"").map(|word| word == "on")
    }

    /// One of a few words.
    ///
    /// # Errors
    /// The value is none of the words. The error names what `expected` says.
    pub fn one_of(self, words: &[&str], expected: &'static str) -> Result<&'a str, ValueError> {
        let text = self.text();
        if words.contains(&text) { Ok(text) } else { Err(ValueError::Expected(expected)) }
    }

    /// A status for requests that are refused. nginx closes the connection for 444, which is no status of HTTP.
    ///
    /// # Errors
    /// The value is not a number from 400 to 599, or is 444.
    pub fn refusal_status(self) -> Result<u16, ValueError> {
        const EXPECTED: &str = "an HTTP status from 400 to 599, but not 444, such as \"429\"";
        self.number(400..=599, EXPECTED).and_then(|status| match status {
            444 => Err(ValueError::Expected(EXPECTED)),
            status => Ok(status),
        })
    }

    /// A version of HTTP/1: whether it is 1.0.
    ///
    /// # Errors
    /// The value is neither 1.0 nor 1.1.
    pub fn http_10(self) -> Result<bool, ValueError> {
        Ok(self.one_of(&["1.0", "1.1"], "\"1.1\" or \"1.0\"")? == "1.0")
    }

    /// A list separated by commas, without the blanks and the empty places in it.
    pub fn list(self) -> impl Iterator<Item = &'a str> {
        self.text.split(',').map(str::trim).filter(|item| !item.is_empty())
    }

    /// Absolute paths, separated by commas.
    ///
    /// # Errors
    /// A path does not begin with `/`.
    pub fn paths(self) -> Result<Vec<Arc<str>>, ValueError> {
        if self.list().any(|path| !path.starts_with('/')) {
            return Err(ValueError::Expected("paths that begin with '/', separated by commas"));
        }
        Ok(self.list().map(Into::into).collect())
    }

    /// IP networks and addresses, separated by commas; at least one, each once. Host bits are cut off.
    ///
    /// # Errors
    /// A part is neither an address nor a network.
    pub fn networks(self) -> Result<Arc<[IpNet]>, ValueError> {
        const EXPECTED: &str = "IP addresses or networks separated by commas, such as \"10.0.0.0/8, 192.0.2.1\"";
        let network = |text: &str| parse_network(text.trim()).map(|network| network.trunc());
        let mut networks: Vec<_> =
            self.text.split(',').map(network).collect::<Option<_>>().ok_or(ValueError::Expected(EXPECTED))?;
        networks.sort_unstable();
        networks.dedup();
        Ok(networks.into())
    }

    /// The ConfigMap that the value names. What is looked for is recorded, found or not.
    ///
    /// # Errors
    /// The value is not a name, or there is no such ConfigMap.
    pub fn config_map(self) -> Result<&'a Arc<ConfigMap>, ValueError> {
        self.object(Kind::ConfigMap, Lookup::config_map)
    }

    /// The same, of the namespace of the object that has the value: what it holds is shown to clients, and is nobody
    /// else's.
    ///
    /// # Errors
    /// As for [`Self::config_map`], or it is one of another namespace.
    pub fn own_config_map(self) -> Result<&'a Arc<ConfigMap>, ValueError> {
        let named = object_name(self.text, self.namespace);
        match (named, self.namespace) {
            (Some(name), Some(own)) if &*name.namespace != own => {
                Err("names a ConfigMap of another namespace: expected one of its own".into())
            }
            _ => self.config_map(),
        }
    }

    /// The Secret that the value names. What is looked for is recorded, found or not.
    ///
    /// # Errors
    /// The value is not a name, or there is no such Secret.
    pub fn secret(self) -> Result<&'a Arc<Secret>, ValueError> {
        self.object(Kind::Secret, Lookup::secret)
    }

    fn object<T>(
        self,
        kind: Kind,
        find: impl FnOnce(&'a Lookup<'a>, &str, &str) -> Option<T>,
    ) -> Result<T, ValueError> {
        let name = object_name(self.text, self.namespace).ok_or_else(|| {
            let form = if self.namespace.is_some() { "\"name\" or \"namespace/name\"" } else { "\"namespace/name\"" };
            format!("is not valid: expected the name of a {kind}, in the form {form}")
        })?;
        if !self.across && self.namespace.is_some_and(|namespace| *name.namespace != *namespace) {
            let foreign = "names an object of another namespace: expected one of its own, unless the ConfigMap's \
                           allow-cross-namespace-resources is \"true\"";
            return Err(ValueError::Refused(foreign.into()));
        }
        let found = self.lookup.and_then(|lookup| find(lookup, &name.namespace, &name.name));
        found.ok_or(ValueError::NotFound(kind))
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

/// An IP network, or an address, which is a network of its own.
pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    let Some((address, length)) = text.split_once('/') else { return text.parse::<IpAddr>().map(IpNet::from).ok() };
    // As ipnet reads it, but for octets such as 05, which others read in octal.
    let address: IpAddr = address.parse().ok()?;
    text.parse().ok().filter(|network: &IpNet| network.addr() == address && !length.is_empty())
}

/// A Boolean as Go's `strconv.ParseBool` reads it.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn booleans_are_gos() {
        assert_eq!(Value::from("T").bool(), Ok(true));
        assert_eq!(Value::from("0").bool(), Ok(false));
        for text in ["yes", "on", " true", "tRUE", ""] {
            assert!(Value::from(text).bool().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sizes_of_annotations_may_set_nothing() {
        assert_eq!(Value::from("0").size_or_nothing(), Ok(Some(0)));
        assert_eq!(Value::from("8M").size_or_nothing(), Ok(Some(8 << 20)));
        assert_eq!(Value::from("7b").size_or_nothing(), Ok(None));
        for text in ["", "m", "1.5m", "-1", "1mb", "99999999999999999999", "18446744073709551615g"] {
            assert!(Value::from(text).size_or_nothing().is_err(), "{text:?}");
        }
    }

    #[test]
    fn times_are_nginxs() {
        let time = |text| Value::from(text).time().ok();
        assert_eq!(time("60"), Some(Duration::from_secs(60)));
        assert_eq!(time("75s"), Some(Duration::from_secs(75)));
        assert_eq!(time("1h 30m"), Some(Duration::from_secs(5400)));
        assert_eq!(time("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(time("0"), Some(Duration::ZERO));
        for text in ["", "s", "-1", "1.5s", "1x", "99999999999999999999", "4294967295y"] {
            assert_eq!(time(text), None, "{text:?}");
        }
        assert!(Value::from("0s").positive_time().is_err());
    }

    #[test]
    fn sizes_are_nginxs() {
        assert_eq!(Value::from("8k").size(), Ok(8192));
        assert_eq!(Value::from("1M").size(), Ok(1 << 20));
        for text in ["", "k", "1kb", "1 k", "99999999999g"] {
            assert!(Value::from(text).size().is_err(), "{text:?}");
        }
        assert_eq!(Value::from("1").buffer_size(), Ok(1));
        assert!(Value::from("0k").buffer_size().is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[0-9a-zA-Z ,./-]{0,24}|\\PC{0,12}") {
            let value = Value::from(&*text);
            let _ = (value.time(), value.size(), value.bool(), value.config_map().is_ok(), value.list().count());
        }
    }
}
