//! The web application firewall's part in a response: what it is shown of it, and what comes of that.

use super::edits::ResponseEdits;
use super::inspection::BUSY;
use super::inspector::Inspector;
use super::machine::Exchange;
use super::step::Failure;
use crate::policy::waf::Refusal;
use crate::request::{Reason, Reply};
use bytes::Bytes;
use http::HeaderMap;

const TOO_LARGE: Reply = Reply::new(500, Reason::BodyTooLarge);

/// An endpoint's response before the rules.
#[derive(Debug)]
pub(crate) struct ResponseInspection {
    inspector: Inspector,
    status: u16,
    headers: HeaderMap,
    /// How many bytes of the body the rules look at.
    pub(crate) limit: usize,
    /// Whether the rules may refuse it, so that the client gets nothing of it before they have let it pass.
    pub(crate) blocks: bool,
}

impl ResponseInspection {
    /// Shows it to the rules, with the start of its body. To be called on a thread that may block.
    ///
    /// # Errors
    /// They refuse it.
    pub(crate) fn run(&self, body: &[Bytes]) -> Result<(), Refusal> {
        let mut body = body.concat();
        body.truncate(self.limit);
        self.inspector.response(self.status, &self.headers, &body)
    }
}

impl Exchange {
    /// Begins the inspection of an endpoint's response, whose headers are as they came. `None`: no rule looks at it.
    pub(crate) fn response_inspection(&self, head: &impl ResponseEdits) -> Option<ResponseInspection> {
        let rules = self.rule_set().filter(|rules| rules.inspects_responses())?;
        let inspector = self.inspection.as_ref().filter(|inspection| inspection.passed)?.inspector();
        let content_type = head.values("content-type").next().unwrap_or_default();
        Some(ResponseInspection {
            inspector,
            status: head.status(),
            headers: head.header_map().clone(),
            limit: rules.response_limit(content_type),
            blocks: rules.blocks(),
        })
    }

    /// The body of a response is longer than what the rules look at.
    ///
    /// # Errors
    /// They say that it is refused then.
    pub(crate) fn response_too_large(&mut self) -> Result<(), Failure> {
        match self.rule_set().is_some_and(|rules| rules.rejects_larger_responses()) {
            true => self.refuse_response(TOO_LARGE),
            false => Ok(()),
        }
    }

    /// The rules have seen a response. `None`: they could not, since too many wait for the firewall.
    ///
    /// # Errors
    /// They refuse it, or it has to be seen and was not.
    pub(crate) fn response_inspected(&mut self, verdict: Option<Result<(), Refusal>>) -> Result<(), Failure> {
        match verdict {
            Some(Ok(())) => Ok(()),
            Some(Err(refusal)) => self.refuse_response(refusal.into()),
            None if self.rule_set().is_some_and(|rules| rules.blocks()) => self.refuse_response(BUSY),
            None => Ok(()),
        }
    }

    fn refuse_response(&mut self, reply: Reply) -> Result<(), Failure> {
        self.give_up(reply);
        Err(Failure::ResponseRefused)
    }
}
