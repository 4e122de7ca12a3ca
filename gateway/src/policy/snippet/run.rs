use super::matcher::Fault;
use super::replacement::{Rewrite, insert};
use super::state::SnippetState;
use super::{Block, Operation, Snippet, Statement, Test, media_type};
use crate::config::{self, RewriteFlag, Template, Variable};
use crate::policy::redirect;
use crate::request::{Client, Reason, Reply};
use crate::telemetry::{Now, RequestInfo};
use crate::variables::{Values, render_within};
use http::HeaderValue;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Bytes of a value that is assigned or compared.
const VALUE_LIMIT: usize = 16 << 10;
/// Bytes of a body that `return` gives.
const TEXT_LIMIT: usize = 256 << 10;
/// Bytes of a path with its arguments, or of a location.
pub(super) const TARGET_LIMIT: usize = config::Rewrite::MAX_RENDERED;

const TEXT_HTML: HeaderValue = HeaderValue::from_static("text/html");

/// What is around a snippet that is run.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The request without what snippets have made of it.
    pub info: RequestInfo<'a>,
    /// Who sent it.
    pub client: &'a Client,
    /// Redirects to a path stay relative.
    pub relative_redirects: bool,
}

/// How a snippet has been run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// It has made another path, which a location looks up.
    pub is_changed: bool,
    /// `break`, or a flag, has ended the phase: no other statement of the same place is run.
    pub has_ended: bool,
}

impl Snippet {
    /// Runs its statements, as nginx: ngx_http_rewrite_handler. `Break` answers the request.
    pub fn run(&self, state: &mut SnippetState, around: &Surroundings<'_>) -> ControlFlow<Reply, Outcome> {
        let mut run = Run { state, around, escapes_groups: true, is_changed: false };
        match run.block(&self.0) {
            ControlFlow::Break(End::Reply(reply)) => ControlFlow::Break(reply),
            end => ControlFlow::Continue(Outcome { is_changed: run.is_changed, has_ended: end.is_break() }),
        }
    }

    /// Runs its statements for a request of our own about the client's, as nginx does in a subrequest: what `set` assigns stays,
    /// but groups, and the effects that hold, are those of the client's request again. `Break` answers that request of our own.
    pub(crate) fn run_aside(&self, state: &mut SnippetState, around: &Surroundings<'_>) -> ControlFlow<Reply> {
        let (effects, groups) = (state.effects.take(), state.assigned.take_groups());
        let end = self.run(state, around);
        state.effects = effects;
        state.assigned.restore_groups(groups);
        end.map_continue(|_| ())
    }

    /// Lets its effects hold before anything is run.
    pub fn enter(&self, state: &mut SnippetState) {
        state.effects = Some(self.0.effects.clone());
    }
}

struct Run<'r> {
    state: &'r mut SnippetState,
    around: &'r Surroundings<'r>,
    /// Groups are escaped in values, which ends with the first rewrite: nginx's `quote`.
    escapes_groups: bool,
    is_changed: bool,
}

/// Why no further statement is run.
enum End {
    Phase,
    Reply(Reply),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Reply(fault.into())
    }
}

impl Run<'_> {
    /// The block holds once it is entered, as nginx: ngx_http_script_if_code.
    fn block(&mut self, block: &Block) -> ControlFlow<End> {
        self.state.effects = Some(Arc::clone(&block.effects));
        block.statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, Statement { origin, operation }: &Statement) -> ControlFlow<End> {
        let end = self.operation(operation).unwrap_or_else(|fault| ControlFlow::Break(fault.into()));
        end.map_break(|end| match end {
            End::Reply(mut reply) => {
                reply.origin.get_or_insert_with(|| Arc::clone(origin));
                End::Reply(reply)
            }
            End::Phase => End::Phase,
        })
    }

    fn operation(&mut self, operation: &Operation) -> Result<ControlFlow<End>, Fault> {
        match operation {
            Operation::Set { name, value } => {
                let value = self.value(value)?;
                self.state.assigned.set(name, &value)?;
            }
            Operation::SetArguments(value) => {
                let value = self.value(value)?;
                self.state.set_arguments(value);
            }
            Operation::If { test, block } => {
                if self.test(test)? {
                    return Ok(self.block(block));
                }
            }
            Operation::Rewrite(rewrite) => return self.rewrite(rewrite),
            Operation::Return { status, text } => {
                return Ok(ControlFlow::Break(End::Reply(self.reply(*status, text.as_ref())?)));
            }
            Operation::Break => {
                self.is_changed = false; // ngx_http_script_break_code
                return Ok(ControlFlow::Break(End::Phase));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn test(&mut self, test: &Test) -> Result<bool, Fault> {
        match test {
            // ngx_http_script_if_code
            Test::IsTrue(variable) => Ok(!matches!(&*self.variable(variable)?, b"" | b"0")),
            Test::Equals { variable, text, negated } => Ok((self.variable(variable)? == self.value(text)?) != *negated),
            Test::Matches { variable, matcher, negated } => {
                let text = self.variable(variable)?;
                let state = &mut *self.state;
                Ok(matcher.matches(&text, &mut state.assigned, &mut state.budget)? != *negated)
            }
        }
    }

    /// As nginx: ngx_http_script_regex_start_code.
    fn rewrite(&mut self, rewrite: &Rewrite) -> Result<ControlFlow<End>, Fault> {
        let state = &mut *self.state;
        if !rewrite.matcher.matches(&state.path, &mut state.assigned, &mut state.budget)? {
            return Ok(ControlFlow::Continue(()));
        }
        let info = self.state.info(&self.around.info);
        if rewrite.redirects() {
            let location = self.intact(rewrite.location(&info, &self.state.arguments, TARGET_LIMIT)?)?;
            let status = if rewrite.flag == RewriteFlag::Permanent { 301 } else { 302 };
            return Ok(ControlFlow::Break(End::Reply(self.redirect(status, &location))));
        }
        let target = self.intact(rewrite.target(&info, &self.state.arguments, TARGET_LIMIT)?)?;
        self.state.set_target(target);
        self.escapes_groups = false;
        self.is_changed = rewrite.flag != RewriteFlag::Break;
        Ok(match rewrite.flag {
            RewriteFlag::Next => ControlFlow::Continue(()),
            _ => ControlFlow::Break(End::Phase),
        })
    }

    /// As nginx: ngx_http_script_return_code and ngx_http_send_response.
    fn reply(&self, status: u16, text: Option<&Template>) -> Result<Reply, Fault> {
        let render = |text, limit| {
            let info = self.state.info(&self.around.info);
            render_within(text, &(&info, &Now), limit)
        };
        match (status, text) {
            (301 | 302 | 303 | 307 | 308, Some(location)) => {
                let location = self.intact(render(location, TARGET_LIMIT).map_err(|_| Fault::TargetTooLong)?)?;
                Ok(self.redirect(status, &location))
            }
            (301 | 302 | 303 | 307 | 308 | 400.., None) => Ok(Reply::new(status, Reason::SnippetReturn)),
            (_, text) => {
                let text = self.intact(text.map(|text| render(text, TEXT_LIMIT)).transpose()?.unwrap_or_default())?;
                Ok(Reply::text(status, Reason::SnippetReturn, self.media_type(), text))
            }
        }
    }

    fn redirect(&self, status: u16, location: &[u8]) -> Reply {
        let Surroundings { info, client, relative_redirects } = self.around;
        let location = redirect::absolute(location, client, info.connection, *relative_redirects);
        Reply::redirect(status, Reason::SnippetRedirect, &location)
    }

    /// As nginx: ngx_http_set_content_type.
    fn media_type(&self) -> HeaderValue {
        let default = self.state.effects().and_then(|effects| effects.default_type.clone());
        media_type::of_path(&self.state.path).or(default).unwrap_or(TEXT_HTML)
    }

    fn variable(&self, variable: &Variable) -> Result<Vec<u8>, Fault> {
        let mut value = Vec::new();
        (&self.state.info(&self.around.info), &Now).value(variable, &mut value);
        self.intact(value)
    }

    /// What was made of variables, unless one of them could not be made: a rule must not be decided without it.
    fn intact<T>(&self, made: T) -> Result<T, Fault> {
        if self.state.assigned.has_overrun() { Err(Fault::PatternLimit) } else { Ok(made) }
    }

    /// As nginx: ngx_http_script_complex_value_code.
    fn value(&self, template: &Template) -> Result<Vec<u8>, Fault> {
        let info = self.state.info(&self.around.info);
        if !self.escapes_groups {
            return self.intact(render_within(template, &(&info, &Now), VALUE_LIMIT)?);
        }
        self.intact(render_within(template, &(&EscapingGroups(&info), &Now), VALUE_LIMIT)?)
    }
}

struct EscapingGroups<'a>(&'a RequestInfo<'a>);

impl Values for EscapingGroups<'_> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        insert(variable, true, self.0, out);
        out.len() > before
    }
}
