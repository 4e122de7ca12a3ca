//! How the settings of new and failing endpoints are read: annotations of ours, and the ConfigMap's keys of the same names.

use super::error::ValueError;
use super::value::Value;
use crate::route_defaults::UpstreamSettings;
use std::num::NonZero;

type Read = Result<(), ValueError>;

/// `slow-start`.
pub(crate) fn slow_start(value: Value<'_>, settings: &mut UpstreamSettings) -> Read {
    let time = value.time()?;
    settings.slow_start = (!time.is_zero()).then_some(time);
    Ok(())
}

/// `eject-after-failures`.
pub(crate) fn eject_after_failures(value: Value<'_>, settings: &mut UpstreamSettings) -> Read {
    settings.ejection.failures = NonZero::new(value.number(0..=u32::MAX, "a whole number; 0 ejects no endpoint")?);
    Ok(())
}

/// `eject-slower-than`.
pub(crate) fn eject_slower_than(value: Value<'_>, settings: &mut UpstreamSettings) -> Read {
    let time = value.time()?;
    settings.ejection.slower_than = (!time.is_zero()).then_some(time);
    Ok(())
}

/// `eject-time`.
pub(crate) fn eject_time(value: Value<'_>, settings: &mut UpstreamSettings) -> Read {
    settings.ejection.time = value.positive_time()?;
    Ok(())
}

/// `eject-max-percent`.
pub(crate) fn eject_max_percent(value: Value<'_>, settings: &mut UpstreamSettings) -> Read {
    settings.ejection.max_percent = value.number(1..=100, "a whole number of percent from 1 to 100")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(apply: fn(Value<'_>, &mut UpstreamSettings) -> Read, text: &str) -> Option<UpstreamSettings> {
        let mut settings = UpstreamSettings::default();
        apply(Value::from(text), &mut settings).ok().map(|()| settings)
    }

    #[test]
    fn zero_switches_off() {
        let start = |text| read(slow_start, text).map(|settings| settings.slow_start);
        assert_eq!((start("1m"), start("0")), (Some(Some(Duration::from_secs(60))), Some(None)));
        let slower = |text| read(eject_slower_than, text).map(|settings| settings.ejection.slower_than);
        assert_eq!((slower("2s"), slower("0")), (Some(Some(Duration::from_secs(2))), Some(None)));
        let failures = |text| read(eject_after_failures, text).map(|settings| settings.ejection.policy().is_some());
        assert_eq!((failures("5"), failures("0"), failures("-1")), (Some(true), Some(false), None));
        assert_eq!(
            (read(eject_time, "0"), read(eject_max_percent, "0"), read(eject_max_percent, "101")),
            (None, None, None)
        );
    }
}
