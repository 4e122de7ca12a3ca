//! The condition of an `if`.

use super::pattern::pattern;
use super::template::Variables;
use gateway::config::Test;

const EXPECTED: &str = "is not a condition: expected \"($variable)\", or \"($variable OPERATOR text)\" with one of the operators =, !=, \
                        ~, ~*, !~ and !~*";

/// Reads the arguments of an `if` (`ngx_http_rewrite_if_condition`).
pub(super) fn test(arguments: &[String], variables: Variables<'_>) -> Result<Test, String> {
    let words = words(arguments).ok_or(EXPECTED)?;
    let Some((name, rest)) = words.split_first() else { return Err(EXPECTED.into()) };
    if let "-f" | "!-f" | "-d" | "!-d" | "-e" | "!-e" | "-x" | "!-x" = *name {
        return Err("tests a file: there are no files that a snippet may look at".into());
    }
    let name = name.strip_prefix('$').filter(|name| !name.is_empty()).ok_or(EXPECTED)?;
    let variable = variables.variable(name)?;
    let (operator, text) = match *rest {
        [] => return Ok(Test::IsTrue(variable)),
        [operator, text] => (operator, text),
        _ => return Err(EXPECTED.into()),
    };
    let negated = operator.starts_with('!');
    match operator {
        "=" | "!=" => Ok(Test::Equals { variable, text: variables.template(text)?, negated }),
        "~" | "~*" | "!~" | "!~*" => {
            let ignores_case = operator.ends_with('*');
            Ok(Test::Matches { variable, pattern: pattern(text)?, ignores_case, negated })
        }
        _ => Err(EXPECTED.into()),
    }
}

/// The regular expression of a condition, if it has one.
pub(super) fn pattern_of(arguments: &[String]) -> Option<&str> {
    match *words(arguments)? {
        [_, operator, pattern] if operator.contains('~') => Some(pattern),
        _ => None,
    }
}

/// The words between the parentheses, which may stand by themselves or not.
fn words(arguments: &[String]) -> Option<Vec<&str>> {
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let first = words.first_mut()?;
    *first = first.strip_prefix('(')?;
    if first.is_empty() {
        words.remove(0);
    }
    let last = words.last_mut()?;
    *last = last.strip_suffix(')')?;
    if last.is_empty() {
        words.pop();
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::config::{Template, Variable};
    use std::collections::BTreeSet;

    fn read(condition: &str) -> Result<Test, String> {
        let none = BTreeSet::new();
        let directives = crate::nginx_syntax::parse(&format!("if {condition} {{}}")).expect(condition);
        test(&directives[0].arguments, Variables { own: &none, outer: &none, is_of_auth: false })
    }

    #[test]
    fn conditions_are_nginxs() {
        let text = |text: &str| Template::parse(text).expect("a template");
        let equals = |value, negated| Test::Equals { variable: Variable::Host, text: text(value), negated };
        let matches = |ignores_case, negated| {
            let pattern = "^a(b|c)".into();
            Test::Matches { variable: Variable::Host, pattern, ignores_case, negated }
        };
        assert_eq!(read("($host)"), Ok(Test::IsTrue(Variable::Host)));
        assert_eq!(read("( $host )"), Ok(Test::IsTrue(Variable::Host)));
        assert_eq!(read("($host = a)"), Ok(equals("a", false)));
        assert_eq!(read("($host != \"a b\")"), Ok(equals("a b", true)));
        assert_eq!(read("( $host = '' )"), Ok(equals("", false)));
        assert_eq!(read("($host = $http_host)"), Ok(equals("$http_host", false)));
        assert_eq!(read("($host ~ ^a(b|c))"), Ok(matches(false, false)));
        assert_eq!(read("($host ~* \"^a(b|c)\")"), Ok(matches(true, false)));
        assert_eq!(read("($host !~ ^a(b|c))"), Ok(matches(false, true)));
        assert_eq!(read("($host !~* ^a(b|c) )"), Ok(matches(true, true)));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for condition in
            ["$host", "($host", "()", "( )", "(a)", "($host =)", "($host == a)", "($host = a b)", "($)", "(a = $host)"]
        {
            assert_eq!(read(condition), Err(EXPECTED.into()), "{condition}");
        }
        assert!(read("(-f $request_uri)").expect_err("a file").contains("file"));
        assert!(read("($host ~ \"a(\")").expect_err("a pattern").contains("regular expression"));
    }
}
