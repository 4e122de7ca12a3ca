use crate::config::Variable;
use crate::variables::{Values, seconds, text};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::{Duration, SystemTime};

/// The variables of time, in the system's time zone as nginx has them. A second is formatted once.
#[derive(Debug)]
pub struct Clock {
    zone: TimeZone,
    now: Duration,
    local: String,
    iso8601: String,
    rfc3164: String,
}

impl Clock {
    /// A clock that stands at 1970-01-01 until its first [`Clock::set`].
    pub fn new(zone: TimeZone) -> Self {
        let (local, iso8601, rfc3164) = Default::default();
        let mut clock = Self { zone, now: Duration::ZERO, local, iso8601, rfc3164 };
        clock.format();
        clock
    }

    /// Sets the time of the variables. Times before 1970 are 1970.
    pub fn set(&mut self, now: SystemTime) {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let same_second = self.now.as_secs() == now.as_secs();
        self.now = now;
        if !same_second {
            self.format();
        }
    }

    fn format(&mut self) {
        let now = i64::try_from(self.now.as_secs()).ok().and_then(|second| Timestamp::from_second(second).ok());
        let now = now.unwrap_or(Timestamp::MAX).to_zoned(self.zone.clone());
        self.local = now.strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
        self.iso8601 = now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        self.rfc3164 = now.strftime("%b %e %H:%M:%S").to_string();
    }

    /// The time as syslog has it: `Nov  1 09:15:00`.
    pub(super) fn rfc3164(&self) -> &str {
        &self.rfc3164
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(TimeZone::system())
    }
}

impl Values for Clock {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            Variable::Msec => seconds(self.now, out),
            Variable::TimeIso8601 => text(&self.iso8601, out),
            Variable::TimeLocal => text(&self.local, out),
            _ => false,
        }
    }
}

/// The variables of time at the moment when they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Now;

impl Values for Now {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        if !matches!(variable, Variable::Msec | Variable::TimeIso8601 | Variable::TimeLocal) {
            return false;
        }
        let mut clock = Clock::default();
        clock.set(SystemTime::now());
        clock.value(variable, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Template;
    use crate::variables::render;

    fn shown(clock: &Clock) -> String {
        let template = Template::parse("$time_local|$time_iso8601|$msec").expect("valid");
        let mut out = Vec::new();
        render(&template, clock, &mut out);
        String::from_utf8(out).expect("times are text")
    }

    #[test]
    fn tells_the_time_as_nginx() {
        let mut clock = Clock::new(TimeZone::UTC);
        clock.set(SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_252_500_042));
        assert_eq!(shown(&clock), "21/Nov/2026:09:15:00 +0000|2026-11-21T09:15:00+00:00|1795252500.042");
        assert_eq!(clock.rfc3164(), "Nov 21 09:15:00");
        clock.set(SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_252_501_999));
        assert_eq!(shown(&clock), "21/Nov/2026:09:15:01 +0000|2026-11-21T09:15:01+00:00|1795252501.999");
    }

    #[test]
    fn follows_the_zone() {
        let mut clock = Clock::new(TimeZone::fixed(jiff::tz::offset(-3)));
        clock.set(SystemTime::UNIX_EPOCH);
        assert_eq!(shown(&clock), "31/Dec/1969:21:00:00 -0300|1969-12-31T21:00:00-03:00|0.000");
    }

    #[test]
    fn survives_any_time() {
        let mut clock = Clock::new(TimeZone::UTC);
        clock.set(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
        assert!(shown(&clock).ends_with("|0.000"));
        clock.set(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40));
        assert!(shown(&clock).starts_with("30/Dec/9999:"));
    }
}
