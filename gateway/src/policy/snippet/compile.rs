use super::effects::Effects;
use super::matcher::Matcher;
use super::replacement::Rewrite;
use super::{Block, Operation, Snippet, Statement, Test};
use crate::config::{self, Operation as Configured, Origin};
use crate::pattern::Case;
use crate::policy::Invalid;
use std::sync::Arc;

/// Characters of all regular expressions of a snippet, with their repetitions written out.
const PATTERN_LIMIT: usize = 10_000;
/// Statements of a snippet, those in its `if`s included.
const STATEMENT_LIMIT: usize = 1000;
/// How deep `if`s may stand in each other.
const DEPTH_LIMIT: usize = 8;

impl Snippet {
    /// Compiles a block.
    ///
    /// # Errors
    /// A regular expression is not one that Adit supports, a name or a media type is not one of a header, a status is not
    /// one of a response, or there is more of something than there may be.
    pub fn compile(block: &config::Block) -> Result<Self, Invalid> {
        Compiler::default().block(block, 0).map(Self)
    }

    /// Compiles a block that is [run aside](Self::run_aside).
    ///
    /// # Errors
    /// As [`Self::compile`], and a statement changes the request's path or arguments.
    pub(crate) fn compile_aside(block: &config::Block) -> Result<Self, Invalid> {
        match changing_target(block) {
            None => Self::compile(block),
            Some(origin) => Err(Invalid {
                value: origin.to_string().into(),
                reason: "changes path or arguments, which are not those of the client's request".to_owned(),
            }),
        }
    }
}

/// Where a block changes the path or the arguments, if it does.
fn changing_target(block: &config::Block) -> Option<&Origin> {
    block.statements.iter().find_map(|config::Statement { origin, operation }| match operation {
        Configured::Rewrite(_) => Some(origin),
        Configured::Set { name, .. } if **name == *"args" => Some(origin),
        Configured::If { block, .. } => changing_target(block),
        Configured::Set { .. } | Configured::Return { .. } | Configured::Break => None,
    })
}

/// What has been compiled so far.
#[derive(Default)]
struct Compiler {
    pattern_size: usize,
    statements: usize,
}

impl Compiler {
    fn block(&mut self, block: &config::Block, depth: usize) -> Result<Block, Invalid> {
        let statements = block.statements.iter().map(|statement| self.statement(statement, depth));
        Ok(Block {
            statements: statements.collect::<Result<_, _>>()?,
            effects: Arc::new(Effects::compile(&block.effects)?),
        })
    }

    fn statement(&mut self, statement: &config::Statement, depth: usize) -> Result<Statement, Invalid> {
        let config::Statement { origin, operation } = statement;
        let invalid = |reason: &str| Invalid { value: origin.to_string().into(), reason: reason.to_owned() };
        self.statements += 1;
        if self.statements > STATEMENT_LIMIT {
            return Err(invalid("is one statement too many: expected at most 1000 in a snippet"));
        }
        if depth > DEPTH_LIMIT {
            return Err(invalid("stands too deep: expected at most 8 blocks in each other"));
        }
        let operation = match operation {
            Configured::Set { name, value } if **name == *"args" => Operation::SetArguments(value.clone()),
            Configured::Set { name, value } => Operation::Set { name: name.clone(), value: value.clone() },
            Configured::If { test, block } => {
                Operation::If { test: self.test(test)?, block: self.block(block, depth + 1)? }
            }
            Configured::Rewrite(rewrite) => {
                Operation::Rewrite(Rewrite::new(rewrite, self.matcher(&rewrite.pattern, Case::Sensitive)?))
            }
            Configured::Return { status: status @ 200..=599, text } => {
                Operation::Return { status: *status, text: text.clone() }
            }
            Configured::Return { .. } => return Err(invalid("is not the status of a response: expected 200 to 599")),
            Configured::Break => Operation::Break,
        };
        Ok(Statement { origin: Arc::new(origin.clone()), operation })
    }

    fn test(&mut self, test: &config::Test) -> Result<Test, Invalid> {
        Ok(match test {
            config::Test::IsTrue(variable) => Test::IsTrue(variable.clone()),
            config::Test::Equals { variable, text, negated } => {
                Test::Equals { variable: variable.clone(), text: text.clone(), negated: *negated }
            }
            config::Test::Matches { variable, pattern, ignores_case, negated } => {
                let case = if *ignores_case { Case::Insensitive } else { Case::Sensitive };
                Test::Matches { variable: variable.clone(), matcher: self.matcher(pattern, case)?, negated: *negated }
            }
        })
    }

    fn matcher(&mut self, text: &Arc<str>, case: Case) -> Result<Matcher, Invalid> {
        let invalid = |reason: String| Invalid { value: text.clone(), reason };
        let matcher = Matcher::new(text, case).map_err(|error| invalid(error.to_string()))?;
        self.pattern_size += matcher.pattern().size();
        if self.pattern_size > PATTERN_LIMIT {
            let reason = "is one regular expression too many: those of a snippet may have 10000 characters together, with \
                          their repetitions written out";
            return Err(invalid(reason.to_owned()));
        }
        Ok(matcher)
    }
}
