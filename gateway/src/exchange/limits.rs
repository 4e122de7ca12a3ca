//! Counts requests against the limits on their clients.

use super::decision::Decision;
use crate::config::Template;
use crate::connection::Arrival;
use crate::policy::Policies;
use crate::policy::client_limits::{AboveLimit, Admission, ClientKey, ClientLimits, Exceeded, Permits, SnippetLimits};
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView};
use crate::telemetry::RequestInfo;
use crate::variables::{self, Assigned};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::time::Instant;

impl Decision {
    /// Counts the request against the limits on its client, unless it exceeds them.
    pub(super) fn admit(
        &self,
        policies: &Policies,
        arrival: &Arrival,
        request: &RequestView<'_>,
    ) -> ControlFlow<Reply, Admission> {
        let Policies { client_limits, snippet_limits, .. } = policies;
        if client_limits.is_none() && snippet_limits.is_none() {
            return ControlFlow::Continue(Admission::default());
        }
        let (mut buffer, unset) = ([0; HOST_LIMIT], Assigned::default());
        let info = self.request_info(&arrival.connection, arrival.number, request, &mut buffer);
        let assigned = info.assigned.unwrap_or(&unset);
        let info = RequestInfo { assigned: Some(assigned), ..info };
        let (settings, of_snippets) = (&self.settings.limits, snippet_limits.as_ref());
        let own = client_limits.as_ref().filter(|limits| !limits.exempts(self.client.address)).and_then(|limits| {
            let of_address = || Some(self.client.address.into());
            Some((limits, settings.key.as_ref().map_or_else(of_address, |template| key(template, &info))?))
        });
        let limited = Limited { own, of_snippets, info: &info, replicas: settings.replicas };
        let (above_rate, above_number) = of_snippets.map_or_else(Default::default, SnippetLimits::above);
        let refusal = Reply::new(settings.request_status, Reason::RequestLimit);
        let wait = unless_exceeded(limited.count(), above_rate, refusal)?;
        let refusal = Reply::new(settings.connection_status, Reason::ConnectionLimit);
        let permits = unless_exceeded(limited.permits(), above_number, refusal)?;
        // Without a variable that could not be made, it is not known whom the request counts for.
        let has_keys = settings.key.is_some() || of_snippets.is_some();
        match has_keys && assigned.has_overrun() {
            true => ControlFlow::Break(Reply::new(500, Reason::PatternLimit)),
            false if above_rate.dry_run => ControlFlow::Continue(Admission { permits, wait: Duration::ZERO }),
            false => ControlFlow::Continue(Admission { permits, wait }),
        }
    }
}

/// The limits that a request meets: those of the Ingress's annotations, with whom it counts for there, come before those of
/// snippets, as ingress-nginx writes them.
struct Limited<'a> {
    own: Option<(&'a ClientLimits, ClientKey)>,
    of_snippets: Option<&'a SnippetLimits>,
    info: &'a RequestInfo<'a>,
    replicas: NonZero<u32>,
}

impl Limited<'_> {
    /// How long the request waits.
    fn count(&self) -> Result<Duration, Exceeded> {
        let now = Instant::now();
        self.own.map_or(Ok(()), |(limits, client)| limits.count_request(client, self.replicas, now))?;
        let key = |template: &Template| key(template, self.info);
        self.of_snippets.map_or(Ok(Duration::ZERO), |limits| limits.count_request(key, self.replicas, now))
    }

    fn permits(&self) -> Result<Permits, Exceeded> {
        let own = self.own.map_or(Ok(None), |(limits, client)| limits.permit(client, self.replicas))?;
        let key = |template: &Template| key(template, self.info);
        let others =
            self.of_snippets.map_or_else(|| Ok(Permits::new()), |limits| limits.permits(key, self.replicas))?;
        Ok(own.into_iter().chain(others).collect())
    }
}

/// Whom a request counts for; `None` where the text that tells clients apart is empty.
fn key(template: &Template, info: &RequestInfo<'_>) -> Option<ClientKey> {
    let mut text = Vec::new();
    variables::render(template, info, &mut text);
    (!text.is_empty()).then(|| text.as_slice().into())
}

/// Refuses a request above a limit, unless that is only tried out.
fn unless_exceeded<T: Default>(
    counted: Result<T, Exceeded>,
    above: AboveLimit,
    mut refusal: Reply,
) -> ControlFlow<Reply, T> {
    match counted {
        Ok(counted) => ControlFlow::Continue(counted),
        Err(Exceeded) if above.dry_run => ControlFlow::Continue(T::default()),
        Err(Exceeded) => {
            refusal.status = above.status.unwrap_or(refusal.status);
            ControlFlow::Break(refusal)
        }
    }
}
