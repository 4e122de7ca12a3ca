//! The weights in `Accept` and `Accept-Encoding` (RFC 9110, section 12.4.2).

use crate::headers::{Fields, Headers};

/// How much a client likes something, in thousandths: 0 is not at all.
pub(super) type Quality = u16;

/// What a client likes by default.
const FULL: Quality = 1000;

/// What a header of a request names, and how much its client likes each.
pub(super) fn elements<'h>(headers: &'h Headers, name: &'h str) -> impl Iterator<Item = (&'h [u8], Quality)> {
    headers.values(name).flat_map(|value| value.split(|byte| *byte == b',')).map(|element| {
        let (name, parameters) = split(element, b';');
        (name, quality(parameters))
    })
}

/// The weight among the parameters; one that cannot be read is 0, as in nginx.
fn quality(parameters: Option<&[u8]>) -> Quality {
    let Some(parameters) = parameters else { return FULL };
    let mut weights = parameters.split(|byte| *byte == b';').map(|parameter| split(parameter, b'='));
    match weights.find(|(name, _)| name.eq_ignore_ascii_case(b"q")) {
        Some((_, Some(value))) => thousandths(value).unwrap_or(0),
        Some((_, None)) => 0,
        None => FULL,
    }
}

/// `qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )`.
fn thousandths(value: &[u8]) -> Option<Quality> {
    let (whole, fraction) = match value {
        [whole] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return None,
    };
    let digit = |byte: u8| char::from(byte).to_digit(10).and_then(|digit| Quality::try_from(digit).ok());
    let mut quality = digit(*whole)?;
    for place in 0..3 {
        quality = quality * 10 + fraction.get(place).map_or(Some(0), |byte| digit(*byte))?;
    }
    (quality <= FULL).then_some(quality)
}

/// What is before and behind the first of a byte, without blanks around it.
fn split(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, text) {
        Some(found) => (text[..found].trim_ascii(), Some(text[found + 1..].trim_ascii())),
        None => (text.trim_ascii(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_weight_that_is_written_is_read(quality in 0..=1000u16) {
            let text = format!("{}.{:03}", quality / 1000, quality % 1000);
            prop_assert_eq!(thousandths(text.as_bytes()), Some(quality));
        }
    }
}
