use super::ValueError;
use gateway::config::MediaTypes;

/// Media types that are compressed beside `text/html`, or `*`.
///
/// # Errors
/// One of them is not a media type.
pub(crate) fn compressed_types<'a>(types: impl Iterator<Item = &'a str> + Clone) -> Result<MediaTypes, ValueError> {
    const EXPECTED: ValueError =
        ValueError::Expected("media types separated by spaces, such as \"application/json text/css\", or \"*\"");
    let is_type = |text: &str| {
        let is_part = |part: &str| part.bytes().all(|byte| byte.is_ascii_graphic() && !b"/,;=\"*".contains(&byte));
        text.split_once('/')
            .is_some_and(|(main, sub)| !main.is_empty() && !sub.is_empty() && is_part(main) && is_part(sub))
    };
    if !types.clone().all(|text| text == "*" || is_type(text)) {
        return Err(EXPECTED);
    }
    if types.clone().any(|text| text == "*") {
        return Ok(MediaTypes::All);
    }
    Ok(MediaTypes::HtmlAnd(types.map(|text| text.to_ascii_lowercase().into()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_in_lower_case_and_without_parameters() {
        let of = |text: &str| compressed_types(text.split(' '));
        let html_and = |types: &[&str]| Ok(MediaTypes::HtmlAnd(types.iter().map(|name| (*name).into()).collect()));
        assert_eq!(of("Text/CSS application/vnd.api+json"), html_and(&["text/css", "application/vnd.api+json"]));
        assert_eq!(of("text/css *"), Ok(MediaTypes::All));
        for text in ["json", "text/", "/css", "text/*", "text/css;charset=utf-8", "text/css,text/plain", "a/b/c"] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
