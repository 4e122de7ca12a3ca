//! Blocks for tests, written nearly as nginx's directives are.

use crate::config::{
    Block, Effects, Operation, Origin, Piece, RewriteFlag, RewriteStatement, Statement, Subject, Template, Test,
    Variable,
};

/// A template in which `$1` is a group, and a name that is no variable's is one that a snippet sets.
pub(crate) fn template(text: &str) -> Template {
    let mut parts = text.split('$');
    let mut pieces = vec![Piece::Literal(parts.next().expect("a part").into())];
    for part in parts {
        let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let end =
            if part.starts_with(|c: char| c.is_ascii_digit()) { 1 } else { part.find(is_end).unwrap_or(part.len()) };
        pieces.extend([Piece::Variable(variable(&part[..end])), Piece::Literal(part[end..].into())]);
    }
    pieces.retain(|piece| !matches!(piece, Piece::Literal(text) if text.is_empty()));
    Template(pieces.into())
}

fn variable(name: &str) -> Variable {
    let header = |name: &str| name.replace('_', "-").into();
    match (name.parse(), name.strip_prefix("upstream_http_"), name.strip_prefix("sent_http_")) {
        (Ok(number), ..) => Variable::Group(number),
        (_, Some(name), _) => Variable::UpstreamHeader(header(name)),
        (_, _, Some(name)) => Variable::SentHeader(header(name)),
        _ => Variable::parse(name).unwrap_or_else(|_| Variable::Named(name.into())),
    }
}

/// A block whose statements stand in lines from 1.
pub(crate) fn block(operations: impl IntoIterator<Item = Operation>) -> Block {
    let statement = |(line, operation)| Statement {
        origin: Origin::new(Subject::other("Ingress default/shop"), format!("snippet line {}", line + 1)),
        operation,
    };
    Block { statements: operations.into_iter().enumerate().map(statement).collect(), effects: Effects::default() }
}

/// `set $NAME VALUE`.
pub(crate) fn set(name: &str, value: &str) -> Operation {
    Operation::Set { name: name.into(), value: template(value) }
}

/// `return STATUS TEXT`; without a text if it is empty.
pub(crate) fn answer(status: u16, text: &str) -> Operation {
    Operation::Return { status, text: (!text.is_empty()).then(|| template(text)) }
}

/// `rewrite PATTERN REPLACEMENT [FLAG]`.
pub(crate) fn rewrite(text: &str) -> Operation {
    let mut words = text.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let (pattern, replacement) = (word(), word());
    let kept = replacement.strip_suffix('?');
    Operation::Rewrite(RewriteStatement {
        pattern: pattern.into(),
        replacement: template(kept.unwrap_or(replacement)),
        drops_arguments: kept.is_some(),
        flag: match word() {
            "last" => RewriteFlag::Last,
            "break" => RewriteFlag::Break,
            "redirect" => RewriteFlag::Redirect,
            "permanent" => RewriteFlag::Permanent,
            _ if replacement.starts_with("http") || replacement.starts_with("$scheme") => RewriteFlag::Redirect,
            _ => RewriteFlag::Next,
        },
    })
}

/// `if (TEST) { ... }`.
pub(crate) fn when(test: &str, block: Block) -> Operation {
    let mut words = test.splitn(3, ' ');
    let variable = variable(words.next().expect("a variable").trim_start_matches('$'));
    let operator = words.next().unwrap_or_default();
    let text = words.next().unwrap_or_default();
    let negated = operator.starts_with('!');
    let test = match operator {
        "" => Test::IsTrue(variable),
        "=" | "!=" => Test::Equals { variable, text: template(text), negated },
        _ => Test::Matches { variable, pattern: text.into(), ignores_case: operator.ends_with('*'), negated },
    };
    Operation::If { test, block }
}
