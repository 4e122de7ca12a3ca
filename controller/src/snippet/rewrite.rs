//! The rewrite module: what is run, in its order, before a request is let in.

use super::entry::{Call, EVERYWHERE, Entry, Kind, WITH_AUTH};
use super::pattern::pattern;
use super::template::literals;
use crate::route_defaults::SnippetStatement;
use gateway::config::{Operation, RewriteFlag, RewriteStatement, Template, Variable};

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry {
        name: "if",
        contexts: WITH_AUTH,
        arguments: 1..=usize::MAX,
        kind: Kind::If,
        idle: None,
        refused: None,
        doc: "Runs its block if the condition holds: `($variable)`, `=`, `!=`, `~`, `~*`, `!~` and `!~*`. As in nginx the effects of the \
              last `if` that holds take the place of the location's, which it inherits. Conditions on files (`-f`, `-d`, `-e`, `-x`) \
              are refused.",
    },
    Entry::works(
        "set",
        WITH_AUTH,
        2..=2,
        "Sets a variable, which the snippet's other directives may use, and those of the snippets that come after it. Of nginx's \
         own variables only `$args` can be set.",
        set,
    ),
    Entry::works(
        "return",
        WITH_AUTH,
        1..=2,
        "Answers the request with a status from 200 to 599, and a text or the URL of a redirect. 444 closes the connection. In an \
         auth request it answers for the auth server, which is not asked then: 200 to 299 allows the client's request, 401 and 403 \
         refuse it, and any other status is answered with 500.",
        answer,
    ),
    Entry::works(
        "rewrite",
        EVERYWHERE,
        2..=3,
        "Replaces the path where a regular expression matches it, or redirects. All flags: `last`, `break`, `redirect`, \
         `permanent`. A path may be looked up again ten times; then the answer is 500.",
        rewrite,
    ),
    Entry::works("break", EVERYWHERE, 0..=0, "Ends the run of these directives.", |call| {
        push(call, Operation::Break);
        Ok(())
    }),
];

fn push(call: &mut Call<'_>, operation: Operation) {
    call.block.statements.push(SnippetStatement::Other(call.origin.clone(), operation));
}

fn set(call: &mut Call<'_>) -> Result<(), String> {
    let name = match variable_name(call.argument(0)) {
        Some(ARGUMENTS) => {
            call.variables.variable(ARGUMENTS)?; // not in an auth request
            ARGUMENTS
        }
        _ => own_variable(call)?,
    };
    let value = call.variables.template(call.argument(1))?;
    push(call, Operation::Set { name: name.into(), value });
    Ok(())
}

/// The variable, by its first argument, that a directive sets, and which is none of nginx's own.
pub(super) fn own_variable<'a>(call: &Call<'a>) -> Result<&'a str, String> {
    let name = call.argument(0);
    let name = variable_name(name).ok_or("does not begin with a variable: expected a name such as \"$target\"")?;
    match Variable::parse(name) {
        Ok(_) => Err(format!("sets ${name}, which is one of nginx's own variables: expected another name")),
        Err(_) => Ok(name),
    }
}

/// nginx's own variable that can be set: the arguments of the request.
const ARGUMENTS: &str = "args";

/// The name that a `set` may have, without its `$`.
pub(super) fn variable_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

fn answer(call: &mut Call<'_>) -> Result<(), String> {
    const EXPECTED: &str = "is not valid: expected a status from 200 to 599, and perhaps a text or a URL after it";
    let first = call.argument(0);
    let (status, text) = match first.parse() {
        Ok(status @ 200..=599) => (status, call.arguments.get(1)),
        Err(_) if call.arguments.len() == 1 && is_url(first) => (302, call.arguments.first()),
        _ => return Err(EXPECTED.into()),
    };
    let text = text.map(|text| call.variables.template(text)).transpose()?;
    if let 301 | 302 | 303 | 307 | 308 = status {
        text.as_ref().map_or(Ok(()), one_line)?;
    }
    push(call, Operation::Return { status, text });
    Ok(())
}

fn rewrite(call: &mut Call<'_>) -> Result<(), String> {
    let pattern = pattern(call.argument(0))?;
    let text = call.argument(1);
    let (replacement, drops_arguments) = text.strip_suffix('?').map_or((text, false), |text| (text, true));
    if text.is_empty() {
        return Err("has an empty replacement: expected a path or a URL".into());
    }
    let flag = match (call.argument(2), is_url(replacement)) {
        ("permanent", _) => RewriteFlag::Permanent,
        ("redirect", _) | ("" | "last" | "break", true) => RewriteFlag::Redirect,
        ("", false) => RewriteFlag::Next,
        ("last", false) => RewriteFlag::Last,
        ("break", false) => RewriteFlag::Break,
        (other, _) => {
            return Err(format!("has the flag {other:?}: expected last, break, redirect or permanent"));
        }
    };
    let replacement = call.variables.template(replacement)?;
    one_line(&replacement)?;
    push(call, Operation::Rewrite(RewriteStatement { pattern, replacement, drops_arguments, flag }));
    Ok(())
}

/// What nginx takes for a URL, to which it redirects.
fn is_url(text: &str) -> bool {
    ["http://", "https://", "$scheme"].iter().any(|start| text.starts_with(start))
}

pub(super) fn one_line(template: &Template) -> Result<(), String> {
    if literals(template).any(|text| text.contains(char::is_control)) {
        return Err("has a line feed or another control character in a path or URL: expected one line".into());
    }
    Ok(())
}
