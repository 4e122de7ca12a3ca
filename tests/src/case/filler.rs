//! Long texts in short: `{{a*9000}}` is 9000 times `a`.

use anyhow::{Context, Result};

pub(super) fn expand(text: &str) -> Result<String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (filler, tail) =
            after.split_once("}}").with_context(|| format!("{after:?} lacks the end of a filler, }}}}"))?;
        let (unit, count) = filler.rsplit_once('*').with_context(|| format!("{filler:?} is not TEXT*COUNT"))?;
        let count = count.parse().with_context(|| format!("{filler:?} is not TEXT*COUNT"))?;
        expanded.push_str(before);
        expanded.push_str(&unit.repeat(count));
        rest = tail;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn expands_every_filler() {
        assert_eq!(expand("/{{ab*2}}/{{*3}}").expect("valid"), "/abab/");
        assert_eq!(expand("/plain/{x}").expect("valid"), "/plain/{x}");
    }

    #[test]
    fn refuses_what_is_not_a_filler() {
        for text in ["{{a*2", "{{a}}", "{{a*x}}"] {
            assert!(expand(text).is_err(), "{text}");
        }
    }
}
