use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs one unit of translation. A panic in it is a defect of ours, and costs that unit only: its last result stays.
/// Units are functions of what they read, and leave nothing half done behind.
pub(super) fn catch_panic<T>(unit: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(unit)).map_err(|payload| {
        let message = payload.downcast_ref::<String>().cloned();
        let cause =
            message.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        format!("cannot be translated, because of a defect of Adit ({cause}); what was served before stays in effect")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_its_unit() {
        assert_eq!(catch_panic(|| 1), Ok(1));
        let error = catch_panic(|| -> i32 { panic!("cause {}", 7) }).expect_err("it panics");
        assert!(error.contains("cause 7"), "{error}");
    }
}
