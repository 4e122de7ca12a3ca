//! The copies of a request for the mirrors of its route: what is sent, to whom, and when it is given up.
//!
//! They are made when the request goes to its backend for the first time, and live on their own from then on.

use super::context::Context;
use super::copied_body::{CopiedBody, Loss, Tee, Tees, copied_body};
use super::copies::Place;
use super::decision::Decision;
use super::forward::adapt_to_http2;
use super::framing::MAX_RESPONSE_HEAD;
use super::machine::Exchange;
use super::step::{BackendTls, Destination, EndpointProtocol, Failure, UpstreamFault};
use super::subrequest::Subrequest;
use crate::config::{Timeouts, UpstreamConnections};
use crate::connection::BodyFraming;
use crate::policy::mirror::{MIRRORED, Mirror};
use crate::request::RequestView;
use crate::upstream::{Pick, Upstream};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Not the route's: a mirror that is gone is not to hold its copies for long.
const TIMEOUTS: Timeouts = Timeouts::DEFAULT;
/// Endpoints of a mirror that are tried at most.
const TRIES: usize = 3;
/// Headers of the client's connection that proxies consume.
const OF_CONNECTION: [HeaderName; 2] = [header::PROXY_AUTHORIZATION, HeaderName::from_static("http2-settings")];

/// A copy on its way, without its exchange. A lane tries one endpoint after the other until one takes it.
#[derive(Debug)]
pub struct MirrorRequest {
    /// What is sent.
    pub(crate) head: Subrequest,
    /// How the end of its body is found.
    pub(crate) framing: BodyFraming,
    /// Its body, unless [`BodyFraming::None`].
    pub(crate) body: Option<CopiedBody>,
    context: Arc<Context>,
    /// For as long as it is on its way.
    _place: Arc<Place>,
    upstream: Arc<Upstream>,
    tls: Option<BackendTls>,
    protocol: EndpointProtocol,
    client: IpAddr,
    keep_alive: UpstreamConnections,
    /// Counts it as in flight at its endpoint.
    pick: Option<Pick>,
    tried: SmallVec<[SocketAddr; TRIES]>,
    tries: usize,
    /// What has become of the last try.
    loss: Option<Loss>,
    is_over: bool,
}

impl Decision {
    /// The servers that get copies of the request, if its backend gets it.
    pub fn mirrors(&self) -> &[Mirror] {
        self.route.as_ref().map_or(&[], |route| &route.policies.mirrors)
    }
}

impl Exchange {
    /// Whether mirrors of its route are to get copies. Not where another backend answers an error of ours: such a request has
    /// not come in, or reaches no backend of its own.
    pub(crate) fn is_mirrored(&self) -> bool {
        self.forwards_body() && !self.decision.mirrors().is_empty()
    }

    /// Makes the copies for the mirrors of the route, to be sent beside the request. From now on the request's body goes there,
    /// too ([`Exchange::request_piece`]). A mirror gets none if the request is a copy for it, is not of its share, or there are too
    /// many.
    pub fn mirror_requests(&mut self, request: &RequestView<'_>, framing: BodyFraming) -> Vec<MirrorRequest> {
        if !self.is_mirrored() {
            return Vec::new();
        }
        let mirrors = self.decision.mirrors().iter().filter(|mirror| mirror.takes_one());
        let made = mirrors.filter_map(|mirror| self.copy(mirror, request, framing));
        let (copies, tees): (Vec<_>, Vec<_>) = made.unzip();
        self.tees = Tees::of(tees.into_iter().flatten());
        copies
    }

    fn copy(
        &self,
        mirror: &Mirror,
        request: &RequestView<'_>,
        framing: BodyFraming,
    ) -> Option<(MirrorRequest, Option<Tee>)> {
        let copies = self.context.copies();
        let place = match mirror.has_marked(request.headers) {
            true => Err(Loss::Loop),
            false => copies.place(&mirror.upstream).ok_or(Loss::CopiesLimit),
        };
        let place = place.map_err(|loss| loss.count(&self.context)).ok()?;
        let framing = if mirror.sends_body { framing } else { BodyFraming::None };
        let (tee, body) = match framing {
            BodyFraming::None => (None, None),
            _ => {
                let (tee, body) = copied_body(&self.context, &place);
                (Some(tee), Some(body))
            }
        };
        let copy = MirrorRequest {
            head: self.copied_head(mirror, request),
            framing,
            body,
            context: Arc::clone(&self.context),
            _place: place,
            upstream: Arc::clone(&mirror.upstream),
            tls: mirror.tls.then(|| BackendTls {
                server_name: Some(mirror.server_name.clone()),
                settings: mirror.backend_tls.clone(),
            }),
            protocol: if mirror.http2 { EndpointProtocol::Http2 } else { EndpointProtocol::Http11 },
            client: self.decision.client.address,
            keep_alive: self.decision.settings.upstream,
            pick: None,
            tried: SmallVec::new(),
            tries: 0,
            loss: Some(Loss::NoEndpoint),
            is_over: false,
        };
        Some((copy, tee))
    }

    /// As ingress-nginx's: the client's headers. What its proxies and we say of the client comes from us, as for backends, and
    /// neither a password that is for us nor what stands for a word of the auth server is passed on.
    fn copied_head(&self, mirror: &Mirror, request: &RequestView<'_>) -> Subrequest {
        let request = &self.decision.with_changed_headers(request);
        let (target, headers) = (self.rendered_target(&mirror.target, request), self.client_headers(request));
        let mut head = Subrequest { method: request.method.clone(), target, headers, body: Bytes::new() };
        self.set_client_headers(request, &mut head);
        self.remove_password(&mut head);
        OF_CONNECTION.iter().for_each(|name| drop(head.headers.remove(name)));
        if let Some(server) = self.decision.auth_server() {
            request
                .headers
                .map()
                .keys()
                .filter(|name| server.replaces(name))
                .for_each(|name| drop(head.headers.remove(name)));
        }
        let host = self.header_value(&mirror.host, request).filter(|host| !host.is_empty());
        let host = host.or_else(|| HeaderValue::from_str(&mirror.server_name).ok());
        host.map(|host| head.headers.insert(header::HOST, host));
        head.headers.append(MIRRORED, mirror.mark.clone());
        if mirror.http2 {
            adapt_to_http2(&mut head);
        }
        head
    }
}

impl MirrorRequest {
    /// The endpoint to try next. `None`: the copy is given up.
    pub fn next_endpoint(&mut self) -> Option<Destination> {
        let pick =
            (!self.is_over && self.tries < TRIES).then(|| self.upstream.pick(self.client, &self.tried)).flatten();
        let Some(pick) = pick else {
            self.loss.iter().for_each(|loss| loss.count(&self.context));
            return None;
        };
        let destination = Destination {
            address: pick.address(),
            tls: self.tls.clone(),
            protocol: self.protocol,
            pool_key: pick.pool_key(),
            timeouts: TIMEOUTS,
            deadline: None,
            keep_alive: self.keep_alive,
            largest_head: MAX_RESPONSE_HEAD,
            largest_piece: usize::MAX,
            fresh: false,
        };
        self.tries += 1;
        self.tried.push(destination.address);
        self.pick = Some(pick);
        Some(destination)
    }

    /// The endpoint has not taken it. Another one is tried only where this one has seen nothing.
    pub fn failed(&mut self, failure: Failure) {
        let body = self.body.as_ref();
        let loss = match failure {
            Failure::Connect { .. } => Loss::Connect,
            Failure::Upstream { fault: UpstreamFault::TimedOut, .. } => Loss::Timeout,
            _ => Loss::Broken,
        };
        self.loss = Some(loss);
        match failure {
            // It is counted where the request was given up.
            _ if body.is_some_and(CopiedBody::is_cut_off) => (self.loss, self.is_over) = (None, true),
            Failure::Connect { .. } => {}
            Failure::Upstream { stale: true, .. } if !body.is_some_and(CopiedBody::has_begun) => drop(self.tried.pop()),
            _ => self.is_over = true,
        }
    }
}
