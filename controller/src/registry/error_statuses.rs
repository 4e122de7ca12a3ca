use super::ValueError;
use std::sync::Arc;

/// Statuses of errors, separated by commas.
///
/// # Errors
/// One of them is not a number from 400 to 599.
pub(crate) fn error_statuses(text: &str) -> Result<Arc<[u16]>, ValueError> {
    const EXPECTED: ValueError =
        ValueError::Expected("statuses from 400 to 599, separated by commas, such as \"404,503\"");
    let status = |text: &str| text.parse().ok().filter(|status| (400..=599).contains(status)).ok_or(EXPECTED);
    // ingress-nginx takes a comma at the end.
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(status).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_errors() {
        assert_eq!(error_statuses("404, 503,").as_deref(), Ok(&[404, 503][..]));
        assert_eq!(error_statuses("").as_deref(), Ok(&[][..]));
        for text in ["200", "600", "4xx", "404 503", "-404", "404;", "+404x"] {
            assert!(error_statuses(text).is_err(), "{text}");
        }
    }
}
