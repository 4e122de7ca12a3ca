use super::ValueError;
use gateway::config::{RetryCondition, RetryConditions};

/// nginx's word for none.
const OFF: &str = "off";

/// Words of nginx's `proxy_next_upstream`, separated by blanks. Where one of them is `off`, the others do not count.
///
/// # Errors
/// There is no word, or nginx has none like one of them, which is named.
pub(crate) fn retry_conditions(text: &str) -> Result<RetryConditions, ValueError> {
    let mut conditions = RetryConditions::NONE;
    let mut is_off = false;
    if text.trim().is_empty() {
        return Err(expected("is empty"));
    }
    for word in text.split_whitespace() {
        match RetryCondition::ALL.into_iter().find(|condition| condition.word() == word) {
            Some(condition) => conditions = conditions.with(condition),
            None if word == OFF => is_off = true,
            None => return Err(expected(&format!("has the word {word:?}"))),
        }
    }
    Ok(if is_off { RetryConditions::NONE } else { conditions })
}

fn expected(fault: &str) -> ValueError {
    let words: Vec<_> = RetryCondition::ALL.into_iter().map(RetryCondition::word).collect();
    format!("{fault}: expected {} or {OFF}, separated by spaces", words.join(", ")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_nginxs() {
        let conditions = retry_conditions(" error  http_502 non_idempotent ").expect("words");
        let named = [RetryCondition::Error, RetryCondition::Http502, RetryCondition::NonIdempotent];
        for condition in RetryCondition::ALL {
            assert_eq!(conditions.contains(condition), named.contains(&condition), "{condition:?}");
        }
        assert_eq!(retry_conditions("off"), Ok(RetryConditions::NONE));
        assert_eq!(retry_conditions("error off timeout"), Ok(RetryConditions::NONE));
    }

    #[test]
    fn a_word_that_nginx_does_not_have_is_named() {
        for (text, word) in [
            ("error http_501", "\"http_501\""),
            ("error,timeout", "\"error,timeout\""),
            ("errortimeout", "\"errortimeout\""),
            ("Error", "\"Error\""),
            (" ", "is empty"),
        ] {
            let error = retry_conditions(text).expect_err(text).to_string();
            assert!(error.contains(word) && error.contains("expected error, timeout,"), "{error}");
        }
    }
}
