//! Who may come in. The ways of a route are asked in nginx's order: the client's address, its password, and at last an auth
//! server. With `satisfy: all` each of them must allow the request; with `any` the first that does is enough.

use crate::config::Satisfy;
use crate::policy::basic_auth::{self, Credentials, Verification};
use crate::policy::{Policies, Verdict, digest_auth, source_ranges};
use crate::request::{Client, Reply, RequestView};
use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is still to be found out before a request may go on. By default nothing.
#[derive(Debug, Default)]
pub(super) struct Access {
    satisfy: Satisfy,
    /// The credentials that are to be verified.
    verification: Option<Arc<Verification>>,
    /// Whether the auth server is to be asked.
    asks: bool,
    /// The answer to a request that is refused. With `satisfy: any` something else may still allow it.
    refusal: Option<Reply>,
}

/// What becomes of a request next.
#[derive(Debug)]
pub enum AccessStep {
    /// Its credentials are to be verified.
    Verify(Arc<Verification>),
    /// The auth server is to be asked.
    Ask,
    /// It may go to its backend.
    Forward,
    /// The gateway answers it.
    Reply(Reply),
}

impl Access {
    /// Hears those that can say at once whether a request may come in. `Break` refuses it.
    pub(super) fn begin(policies: &Policies, request: &RequestView<'_>, client: &Client) -> ControlFlow<Reply, Self> {
        let asks = policies.external_auth.is_some();
        let mut access = Self { satisfy: policies.satisfy, asks, ..Self::default() };
        let address = source_ranges::check(policies.source_ranges.as_ref(), client.address);
        let digest = || digest_auth::check(policies.digest_auth.as_ref(), request);
        if access.hear(address).is_continue() && access.hear(digest()).is_continue() {
            match basic_auth::check(policies.basic_auth.as_ref(), request.headers) {
                Credentials::Unverified(verification) => access.verification = Some(verification),
                Credentials::Known(verdict) => {
                    let _ = access.hear(verdict);
                }
            }
        }
        let is_pending = access.asks || access.verification.is_some();
        match access.refusal.take_if(|_| !is_pending) {
            Some(reply) => ControlFlow::Break(reply),
            None => ControlFlow::Continue(access),
        }
    }

    /// Takes in what one of the ways says. After `Break` the others do not matter.
    pub(super) fn hear(&mut self, verdict: Verdict) -> ControlFlow<()> {
        match (verdict, self.satisfy) {
            (Verdict::Silent, _) | (Verdict::Allowed, Satisfy::All) => ControlFlow::Continue(()),
            (Verdict::Allowed, Satisfy::Any) => self.decide(None),
            (Verdict::Refused(reply), Satisfy::Any) if reply.status < 500 => {
                self.refusal = Some(preferred(self.refusal.take(), reply));
                ControlFlow::Continue(())
            }
            (Verdict::Refused(reply), _) => self.decide(Some(reply)),
        }
    }

    fn decide(&mut self, refusal: Option<Reply>) -> ControlFlow<()> {
        *self = Self { refusal, ..Self::default() };
        ControlFlow::Break(())
    }

    /// What is to be found out next, or what has come of it.
    pub(super) fn next(&mut self) -> AccessStep {
        if let Some(verification) = self.verification.take() {
            return AccessStep::Verify(verification);
        }
        if mem::take(&mut self.asks) {
            return AccessStep::Ask;
        }
        self.refusal.clone().map_or(AccessStep::Forward, AccessStep::Reply)
    }
}

/// Of two refusals the one that the client can do something about, as in nginx: a challenge comes before 403, and two
/// challenges are both made.
fn preferred(first: Option<Reply>, second: Reply) -> Reply {
    match first {
        Some(first) if first.status == 401 && second.status == 403 => first,
        Some(first) if first.status == 401 && second.status == 401 => {
            let headers = [first.headers, second.headers].concat();
            Reply { headers, ..second }
        }
        _ => second,
    }
}
