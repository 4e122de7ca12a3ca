//! A request over TCP, and what is seen of it at both ends.

use crate::case::{Mode, Request};
use crate::check::{Answerer, Observation, Tls, Wire};
use crate::client::{Client, Response};
use crate::cluster::Cluster;
use crate::connection::PATIENCE;
use crate::decoded;
use crate::echo::Received;
use crate::tls::{Handshake, Refused};
use crate::wire::header;
use anyhow::{Context, Result};
use std::net::SocketAddr;
use tokio::time::timeout;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Makes a request as often as it says, of the gateway at this address, in this mode. `log` has the lines of the access log since the
/// last time.
pub(super) async fn converse(
    gateway: SocketAddr,
    (request, mode): (&Request, Mode),
    cluster: &Cluster,
    mut log: impl AsyncFnMut() -> Result<Vec<String>>,
) -> Result<Vec<Observation>> {
    let journal = cluster.network().journal().context("the network is not real")?;
    let mut client = Client::new(gateway, request.offer()).behind_proxy(request.proxy_header()?);
    let mut observations = Vec::with_capacity(request.repeat);
    journal.take();
    for _ in 0..request.repeat {
        let response = match client.send(request, journal).await {
            Ok(response) => response,
            Err(error) => {
                observations.push(refused(error.downcast::<Refused>()?));
                continue;
            }
        };
        let mirror = request.expectation(mode).and_then(|expect| Some(&*expect.mirror.as_ref()?.service));
        if let Some(mirror) = mirror {
            // A copy comes when it comes. One that does not is missed in what has been received.
            let _ = timeout(PATIENCE, journal.received_by(mirror)).await;
        }
        let received = journal.take();
        let tls = response.tls.as_ref().map(|handshake| tls(handshake, cluster)).transpose()?;
        observations.push(observation(response, received, mirror, log().await?, tls));
    }
    Ok(observations)
}

/// What a client sees of a handshake that is refused.
fn refused(Refused(alert): Refused) -> Observation {
    let alert = Some(format!("{alert:?}"));
    Observation { status: None, answered_by: Answerer::Gateway, location: None, path: None, alert, wire: None }
}

fn tls(handshake: &Handshake, cluster: &Cluster) -> Result<Tls> {
    let (_, certificate) = X509Certificate::from_der(&handshake.certificate).context("the certificate")?;
    let issuer = certificate.issuer().iter_common_name().next().and_then(|name| name.as_str().ok());
    Ok(Tls {
        version: handshake.version.clone(),
        cipher: handshake.cipher.clone(),
        secret: cluster.secret_with(&handshake.certificate).map(str::to_owned),
        issuer: issuer.map(str::to_owned),
    })
}

fn observation(
    response: Response,
    received: Vec<Received>,
    mirror: Option<&str>,
    log: Vec<String>,
    tls: Option<Tls>,
) -> Observation {
    let answered_by = match header(&response.headers, "x-echo-service") {
        Some(service) => Answerer::Backend { service, pod: header(&response.headers, "x-echo-pod") },
        None => Answerer::Gateway,
    };
    let forwarded = received.iter().rfind(|received| Some(&*received.service) != mirror);
    Observation {
        status: Some(response.status),
        answered_by,
        location: header(&response.headers, "location"),
        path: forwarded.map(|received| received.target.clone()),
        alert: None,
        wire: Some(Wire {
            body: decoded::body(&response.headers, response.body),
            headers: response.headers,
            closed: response.closed,
            received,
            log,
            tls,
        }),
    }
}
