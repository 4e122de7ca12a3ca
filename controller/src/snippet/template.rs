//! Texts with variables, as a snippet writes them.

use gateway::config::{Piece, Template, TemplateError, Variable};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The variables that snippets set: those that one may use beside nginx's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables<'a> {
    /// Those of the snippet itself.
    pub(super) own: &'a BTreeSet<Arc<str>>,
    /// Those of the snippets that come before it.
    pub(super) outer: &'a BTreeSet<Arc<str>>,
    /// They stand in an auth request, whose path and arguments are not the client's.
    pub(super) is_of_auth: bool,
}

impl Variables<'_> {
    /// A text with variables, as nginx reads it (`ngx_http_script_compile`).
    pub(super) fn template(self, text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            if dollar > 0 {
                pieces.push(Piece::Literal(rest[..dollar].into()));
            }
            let (name, after) = name(&rest[dollar + 1..])?;
            pieces.push(Piece::Variable(self.variable(name)?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.into()));
        }
        Ok(Template(pieces.into()))
    }

    /// The variable of a name, which is without its `$`.
    pub(super) fn variable(self, name: &str) -> Result<Variable, String> {
        if let [digit @ b'1'..=b'9'] = name.as_bytes() {
            return Ok(Variable::Group(digit - b'0'));
        }
        match Variable::parse(name) {
            Ok(variable) if self.is_of_auth && is_of_target(&variable) => {
                return Err(format!(
                    "uses the variable ${name}, which in an auth request is not of the client's request: expected $request_uri"
                ));
            }
            Ok(variable) => return Ok(variable),
            Err(TemplateError::Unknown(_)) => {}
            Err(error @ TemplateError::Dangling) => return Err(error.to_string()),
        }
        let header = |prefix| {
            let rest = name.strip_prefix(prefix).filter(|rest| !rest.is_empty());
            rest.map(|rest| rest.to_ascii_lowercase().replace('_', "-").into())
        };
        if let Some(known) = self.own.get(name).or_else(|| self.outer.get(name)) {
            Ok(Variable::Named(Arc::clone(known)))
        } else if let Some(header) = header("upstream_http_") {
            Ok(Variable::UpstreamHeader(header))
        } else if let Some(header) = header("sent_http_") {
            Ok(Variable::SentHeader(header))
        } else {
            Err(format!(
                "uses the variable ${name}, which is not supported and which no snippet sets: expected one of nginx's that \
                 docs/configmap.md lists, or one of a `set` in this snippet, in the same Ingress's server-snippet or in the ConfigMap's, \
                 or of a map or geo of the ConfigMap's http-snippet"
            ))
        }
    }
}

/// Whether a variable is of the path or the arguments of a request as they are now.
pub(super) fn is_of_target(variable: &Variable) -> bool {
    use Variable::{Args, Argument, DocumentUri, FastcgiScriptName, IsArgs, QueryString, Uri};
    matches!(variable, Args | Argument(_) | DocumentUri | FastcgiScriptName | IsArgs | QueryString | Uri)
}

/// Whether a name is that of a header of a response.
pub(super) fn is_of_headers(name: &str) -> bool {
    ["upstream_http_", "sent_http_"].iter().any(|family| name.starts_with(family))
}

/// The parts of a text that are no variables.
pub(super) fn literals(template: &Template) -> impl Iterator<Item = &str> {
    template.0.iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(&**text),
        Piece::Variable(_) => None,
    })
}

/// The name of a variable after its `$`, and what follows.
fn name(text: &str) -> Result<(&str, &str), String> {
    if text.starts_with(|c: char| matches!(c, '1'..='9')) {
        return Ok(text.split_at(1));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or("contains \"${\" without a \"}\" after it")?,
        None => text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len())),
    };
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("contains a '$' without the name of a variable after it".into());
    }
    Ok((name, rest))
}

/// The names of the groups of a regular expression, which become variables: `(?<name>...)` and the like.
pub(super) fn group_names(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split("(?").skip(1).filter_map(|after| {
        let named =
            after.strip_prefix("P<").or_else(|| after.strip_prefix('<')).or_else(|| after.strip_prefix('\''))?;
        let (name, _) = named.split_once(['>', '\''])?;
        // `(?<=` and `(?<!` look behind.
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then_some(name).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<Template, String> {
        let (own, outer) = (BTreeSet::from(["mine".into()]), BTreeSet::from(["theirs".into()]));
        Variables { own: &own, outer: &outer, is_of_auth: false }.template(text)
    }

    #[test]
    fn variables_are_nginxs_groups_and_those_that_are_set() {
        use Piece::{Literal, Variable as Is};
        let pieces = |text: &str| template(text).expect(text).0.to_vec();
        assert_eq!(
            pieces("/a/$1$20"),
            [Literal("/a/".into()), Is(Variable::Group(1)), Is(Variable::Group(2)), Literal("0".into())]
        );
        assert_eq!(
            pieces("${mine}x$theirs"),
            [Is(Variable::Named("mine".into())), Literal("x".into()), Is(Variable::Named("theirs".into()))]
        );
        assert_eq!(pieces("$host"), [Is(Variable::Host)]);
        assert_eq!(pieces("$sent_http_content_type"), [Is(Variable::SentHeader("content-type".into()))]);
        assert_eq!(pieces("$upstream_http_x_a"), [Is(Variable::UpstreamHeader("x-a".into()))]);
        assert_eq!(pieces("plain"), [Literal("plain".into())]);
    }

    #[test]
    fn what_is_no_variable_is_named() {
        assert!(template("$nope").expect_err("unknown").contains("$nope"));
        for text in ["5$", "$ x", "${host", "${}", "${a-b}", "$-"] {
            assert!(template(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_groups() {
        let names = |pattern| group_names(pattern).collect::<Vec<_>>();
        assert_eq!(names("(?<a>x)(?P<b1>y)(?'c'z)(?:d)(?<=e)(?<!f)(?i)"), ["a", "b1", "c"]);
    }
}
