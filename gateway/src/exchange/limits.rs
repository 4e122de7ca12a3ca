//! Counts requests against the limits on their clients.

use super::decision::Decision;
use crate::connection::Arrival;
use crate::policy::client_limits::{ClientKey, ClientLimits, Permit};
use crate::request::{HOST_LIMIT, Reply, RequestView};
use crate::variables;
use std::ops::ControlFlow;
use tokio::time::Instant;

impl Decision {
    /// Counts the request against the limits on its client, unless it exceeds them.
    pub(super) fn admit(
        &self,
        limits: &ClientLimits,
        arrival: &Arrival,
        request: &RequestView<'_>,
    ) -> ControlFlow<Reply, Option<Permit>> {
        let settings = &self.settings.limits;
        if limits.exempts(self.client.address) {
            return ControlFlow::Continue(None);
        }
        let Some(client) = self.client_key(arrival, request) else { return ControlFlow::Continue(None) };
        limits.count_request(client, Instant::now(), settings)?;
        limits.permit(client, settings)
    }

    /// Whom the request counts for; `None` where the text that tells clients apart is empty.
    fn client_key(&self, arrival: &Arrival, request: &RequestView<'_>) -> Option<ClientKey> {
        let Some(template) = &self.settings.limits.key else { return Some(self.client.address.into()) };
        let (mut text, mut buffer) = (Vec::new(), [0; HOST_LIMIT]);
        variables::render(
            template,
            &self.request_info(&arrival.connection, arrival.number, request, &mut buffer),
            &mut text,
        );
        (!text.is_empty()).then(|| text.as_slice().into())
    }
}
