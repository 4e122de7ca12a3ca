//! The web application firewall's part of an exchange: what it is shown of a request, and what comes of that.

use super::inspector::{Inspection, Inspector};
use super::machine::Exchange;
use super::progress::State;
use crate::headers::Fields;
use crate::policy::waf::{Head, Refusal, RuleSet, Transaction};
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView};
use crate::variables;
use bytes::Bytes;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::OwnedSemaphorePermit;

const TOO_LARGE: Reply = Reply::new(413, Reason::BodyTooLarge);
pub(super) const BUSY: Reply = Reply::new(503, Reason::WafBusy);

impl From<Refusal> for Reply {
    fn from(Refusal { status, location }: Refusal) -> Self {
        match location {
            Some(location) => Self::redirect(status, Reason::Waf, location.as_bytes()),
            None => Self::new(status, Reason::Waf),
        }
    }
}

impl Exchange {
    /// Whether the firewall of the request's route has still to let it pass.
    pub(super) fn is_uninspected(&self) -> bool {
        self.custom_error.is_none() && self.rule_set().is_some() && self.inspected_body().is_none()
    }

    pub(super) fn rule_set(&self) -> Option<&Arc<RuleSet>> {
        self.decision.route.as_ref()?.policies.waf.as_ref()?.as_ref().ok()
    }

    /// Begins the inspection. `None`: there is nothing to inspect, or the request is answered already.
    pub fn inspection(&mut self, request: &RequestView<'_>) -> Option<Inspector> {
        let rules = self.rule_set()?;
        let content_type = request.headers.first("content-type").unwrap_or_default();
        let (limit, rejects) = (rules.body_limit(content_type), rules.rejects_larger_bodies());
        let has_body = self.forwards_body();
        let transaction = Arc::new(Mutex::new(self.transaction(rules, request)));
        let inspection = self.inspection.insert(Box::new(Inspection::new(transaction, limit, rejects)));
        if rejects && has_body && request.content_length().is_some_and(|length| length > limit as u64) {
            self.state = State::Replying(TOO_LARGE);
            return None;
        }
        Some(inspection.inspector())
    }

    fn transaction(&self, rules: &Arc<RuleSet>, request: &RequestView<'_>) -> Transaction {
        let (mut buffer, mut id) = ([0; HOST_LIMIT], Vec::new());
        let info = self.request_info(request, &mut buffer);
        let route = self.decision.route.as_ref();
        match route.and_then(|route| route.policies.transaction_id()) {
            Some(template) => variables::render(template, &info, &mut id),
            None => id.extend_from_slice(info.request_id),
        }
        let connection = &self.arrival().connection;
        let head = Head {
            id: &String::from_utf8_lossy(&id),
            client: SocketAddr::new(self.decision.client.address, connection.peer.port()),
            server: connection.local,
            method: info.method,
            target: request.target,
            version: info.version,
            headers: request.headers.map(),
        };
        Transaction::new(rules, &head)
    }

    /// Whether the rules look at its body.
    pub(crate) fn inspects_body(&self) -> bool {
        self.forwards_body() && self.rule_set().is_some_and(|rules| rules.inspects_bodies())
    }

    /// Holds back a piece of the body, with the room that it takes. After `Break` no more is to be read: the body is too
    /// large, or the rules do not look at the rest.
    pub(crate) fn hold(&mut self, piece: &[u8], room: OwnedSemaphorePermit) -> ControlFlow<()> {
        self.request_body(piece.len())?;
        let Some(inspection) = &mut self.inspection else { return ControlFlow::Break(()) };
        if !inspection.hold(piece, room) {
            return ControlFlow::Continue(());
        }
        if inspection.rejects {
            self.state = State::Replying(TOO_LARGE);
        }
        ControlFlow::Break(())
    }

    /// What is held back of the body, as far as the rules look at it. After this no more is held.
    pub(crate) fn held(&mut self) -> Bytes {
        self.inspection.as_mut().map_or_else(Bytes::new, |inspection| inspection.held())
    }

    /// The same of a body that is at hand as a whole. One that is too large is refused.
    pub(crate) fn inspected_part(&mut self, body: &Bytes) -> Bytes {
        let Some(inspection) = &self.inspection else { return Bytes::new() };
        let part = body.slice(..body.len().min(inspection.limit));
        if inspection.rejects && part.len() < body.len() {
            self.state = State::Replying(TOO_LARGE);
        }
        part
    }

    /// The rules have seen a part of the request. After `Break` it is refused.
    pub fn inspected(&mut self, verdict: Result<(), Refusal>) -> ControlFlow<()> {
        let Err(refusal) = verdict else { return ControlFlow::Continue(()) };
        self.state = State::Replying(refusal.into());
        ControlFlow::Break(())
    }

    /// The rules have let the whole request pass.
    pub fn pass(&mut self) {
        if let Some(inspection) = &mut self.inspection {
            inspection.passed = true;
        }
    }

    /// Too many requests wait for the firewall.
    pub(crate) fn turn_away(&mut self) {
        self.state = State::Replying(BUSY);
    }

    /// The start of the body, or all of it, where the firewall has read that; its session does not give it again.
    pub(crate) fn inspected_body(&self) -> Option<&Bytes> {
        self.inspection.as_ref().filter(|inspection| inspection.passed).map(|inspection| &inspection.held)
    }

    /// Writes to the audit log what the rules have found in a request that was answered with this status.
    pub(super) fn audit(&self, status: u16) {
        let Some(inspection) = &self.inspection else { return };
        // It is locked only where the worker ends in the middle of an inspection.
        let line = inspection.transaction.try_lock().and_then(|mut found| found.finish(status, SystemTime::now()));
        if let Some(line) = line {
            self.context.telemetry().audit(&line);
        }
    }
}
