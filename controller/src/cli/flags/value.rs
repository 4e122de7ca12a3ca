//! Values as Go's flag package writes them.

use crate::object::NamespacedName;
use crate::registry::{ValueError, parse_bool};
use jiff::SignedDuration;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// The values that a flag was given, in order; at least one.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a>(&'a [&'a str]);

impl<'a> Values<'a> {
    pub(super) fn new(values: &'a [&'a str]) -> Self {
        Self(values)
    }

    /// All of them, without those that are empty.
    pub fn all(self) -> impl Iterator<Item = &'a str> {
        self.0.iter().copied().filter(|value| !value.is_empty())
    }

    /// The last one, which counts where a flag has one value.
    pub fn last(self) -> &'a str {
        self.0.last().copied().unwrap_or_default()
    }

    /// The last one, or `None` if it is empty: `--configmap=` says "none".
    pub fn last_unless_empty(self) -> Option<&'a str> {
        Some(self.last()).filter(|value| !value.is_empty())
    }

    /// For error messages.
    pub(super) fn shown(self) -> String {
        self.0.join(",")
    }

    /// As Go's `strconv.ParseBool`.
    ///
    /// # Errors
    /// The last value has none of Go's spellings of a Boolean.
    pub fn switch(self) -> Result<bool, ValueError> {
        parse_bool(self.last()).ok_or_else(|| "is not a boolean: expected true or false".into())
    }

    /// A value of a type that parses itself; `expected` names what that is.
    ///
    /// # Errors
    /// The last value cannot be parsed. The error says "is not", then what `expected` says.
    pub fn parse<T: FromStr>(self, expected: &str) -> Result<T, ValueError> {
        self.last().parse().map_err(|_| format!("is not {expected}").into())
    }

    /// As [`Self::parse`], or `None` if it is empty.
    ///
    /// # Errors
    /// As for [`Self::parse`].
    pub fn parse_unless_empty<T: FromStr>(self, expected: &str) -> Result<Option<T>, ValueError> {
        self.last_unless_empty().map(|_| self.parse(expected)).transpose()
    }

    /// All of them, parsed.
    ///
    /// # Errors
    /// One of the values cannot be parsed, as for [`Self::parse`].
    pub fn parse_all<T: FromStr>(self, expected: &str) -> Result<Vec<T>, ValueError> {
        self.all().map(|value| value.parse().map_err(|_| format!("is not {expected}").into())).collect()
    }

    /// The name of an object, or `None` if it is empty.
    ///
    /// # Errors
    /// The last value is neither empty nor of the form `namespace/name`.
    pub fn name(self) -> Result<Option<NamespacedName>, ValueError> {
        self.parse_unless_empty("a name in a namespace: expected the form namespace/name")
    }

    /// An IP address, or `None` if it is empty.
    ///
    /// # Errors
    /// The last value is neither empty nor an IP address.
    pub fn address(self) -> Result<Option<IpAddr>, ValueError> {
        self.parse_unless_empty("an IP address: expected a form such as 127.0.0.1 or ::1")
    }

    /// A TCP port.
    ///
    /// # Errors
    /// The last value is not a number from 0 to 65535.
    pub fn port(self) -> Result<u16, ValueError> {
        self.parse("a port: expected 0 to 65535")
    }

    /// A duration: seconds without a unit, as ingress-nginx's flags count them, or Go's `1m30s`.
    ///
    /// # Errors
    /// The last value is neither of both, or is negative.
    pub fn duration(self) -> Result<Duration, ValueError> {
        let text = self.last();
        let signed = match text.parse::<u32>() {
            Ok(seconds) => Some(SignedDuration::from_secs(seconds.into())),
            Err(_) => text.parse::<SignedDuration>().ok(),
        };
        signed
            .and_then(|duration| Duration::try_from(duration).ok())
            .ok_or_else(|| "is not a duration: expected seconds, or a form such as 30s or 1m30s".into())
    }
}
