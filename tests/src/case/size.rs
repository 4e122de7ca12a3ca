//! Sizes as fixtures write them: `2MiB`, `900KiB`, `10`.

use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Size {
    Bytes(u64),
    Text(String),
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match Size::deserialize(deserializer)? {
        Size::Bytes(bytes) => Ok(bytes),
        Size::Text(text) => parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is not a size: expected bytes, or a number of KiB or MiB"))
        }),
    }
}

pub(super) fn deserialize_some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserialize(deserializer).map(Some)
}

fn parse(text: &str) -> Option<u64> {
    let (number, unit) = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
        (Some(number), _) => (number, 1 << 10),
        (_, Some(number)) => (number, 1 << 20),
        _ => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn parses_units() {
        assert_eq!(parse("2MiB"), Some(2 << 20));
        assert_eq!(parse("900KiB"), Some(900 << 10));
        assert_eq!(parse("10"), Some(10));
        assert_eq!(parse("10 GB"), None);
        assert_eq!(parse(&format!("{}MiB", u64::MAX)), None);
    }
}
