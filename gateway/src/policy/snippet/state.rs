use super::effects::{Effects, InputHeaders};
use super::matcher::{Fault, Matcher};
use super::replacement::Target;
use crate::pattern::MatchBudget;
use crate::policy::rewrite::target;
use crate::request::{Reason, Reply, RequestView};
use crate::telemetry::RequestInfo;
use crate::variables::Assigned;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How often the path of a request may be looked up again (nginx: NGX_HTTP_MAX_URI_CHANGES).
const LOOKUPS: usize = 10;

/// What snippets have made of a request so far.
#[derive(Debug)]
pub struct SnippetState {
    /// The decoded path: `$uri`.
    pub(super) path: Vec<u8>,
    /// The arguments: `$args`. None if it is empty.
    pub(super) arguments: Vec<u8>,
    /// Both as the backend gets them, where they have changed.
    target: Option<Vec<u8>>,
    pub(super) assigned: Assigned,
    /// What the patterns of this request may still cost, all snippets together.
    pub(super) budget: MatchBudget,
    input: Option<Box<InputHeaders>>,
    /// Those of the last block that was entered.
    pub(super) effects: Option<Arc<Effects>>,
    /// A snippet has led it to where it is: nginx's `internal`.
    is_internal: bool,
    lookups: usize,
}

impl SnippetState {
    /// A request of which this is the decoded and normalised path.
    pub fn new(path: &[u8], request: &RequestView<'_>) -> Self {
        Self {
            path: path.to_vec(),
            arguments: request.query().unwrap_or_default().to_vec(),
            target: None,
            assigned: Assigned::default(),
            budget: MatchBudget::default(),
            input: None,
            effects: None,
            is_internal: false,
            lookups: 0,
        }
    }

    /// The path, decoded.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The arguments, if there are any.
    pub fn arguments(&self) -> Option<&[u8]> {
        (!self.arguments.is_empty()).then_some(&*self.arguments)
    }

    /// The request target that snippets have made, if they have.
    pub fn target(&self) -> Option<&[u8]> {
        self.target.as_deref()
    }

    /// What holds for the request now.
    pub fn effects(&self) -> Option<&Arc<Effects>> {
        self.effects.as_ref()
    }

    /// Sets a variable.
    pub(crate) fn assign(&mut self, name: &Arc<str>, value: &[u8]) -> ControlFlow<Reply> {
        match self.assigned.set(name, value) {
            Ok(()) => ControlFlow::Continue(()),
            Err(too_long) => ControlFlow::Break(Fault::from(too_long).into()),
        }
    }

    /// Whether a snippet has led the request to where it is.
    pub(crate) fn is_internal(&self) -> bool {
        self.is_internal
    }

    /// A snippet leads the request to another place, which need not have a path.
    pub(crate) fn become_internal(&mut self) {
        self.is_internal = true;
    }

    /// No block holds for the request, until one is entered: it has come to a location without one.
    pub fn leave(&mut self) {
        self.effects = None;
    }

    /// Takes the groups of the location that it has come to, as nginx: ngx_http_core_find_location. `Break` if that takes too
    /// much.
    pub(crate) fn capture(&mut self, location: &Matcher) -> ControlFlow<Reply> {
        match location.matches(&self.path, &mut self.assigned, &mut self.budget) {
            Ok(_) => ControlFlow::Continue(()),
            Err(fault) => ControlFlow::Break(fault.into()),
        }
    }

    /// The headers of the request, where they have changed.
    pub fn input(&self) -> Option<&InputHeaders> {
        self.input.as_deref()
    }

    /// The request as it is now, seen from what came of it otherwise.
    pub fn info<'a>(&'a self, base: &RequestInfo<'a>) -> RequestInfo<'a> {
        RequestInfo {
            path: &self.path,
            rewritten: None,
            arguments: Some(&self.arguments),
            assigned: Some(&self.assigned),
            headers: self.input().map(InputHeaders::headers).or(base.headers),
            ..*base
        }
    }

    /// Changes the request's headers as the block demands that holds now.
    pub fn change_input(&mut self, base: &RequestInfo<'_>) {
        let Some(effects) = self.effects.clone() else { return };
        let Some(headers) = base.headers.filter(|_| effects.changes_input()) else { return };
        let mut input = self.input.take().unwrap_or_else(|| Box::new(InputHeaders::new(headers.clone())));
        effects.change_input(&mut input, &self.info(base));
        self.input = Some(input);
    }

    pub(super) fn set_target(&mut self, Target { path, arguments }: Target) {
        self.become_internal();
        self.path = path;
        if self.path.first() != Some(&b'/') {
            self.path.insert(0, b'/'); // no request has such a path, and no route would take it
        }
        self.set_arguments(arguments);
    }

    pub(super) fn set_arguments(&mut self, arguments: Vec<u8>) {
        self.arguments = arguments;
        self.target = Some(target(&self.path, self.arguments()));
    }

    /// The path is looked up once more. `Break` if that was too often.
    pub fn look_up(&mut self) -> ControlFlow<Reply> {
        self.lookups += 1;
        if self.lookups > LOOKUPS {
            return ControlFlow::Break(Reply::new(500, Reason::SnippetLoop));
        }
        ControlFlow::Continue(())
    }
}
