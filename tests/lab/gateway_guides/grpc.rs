//! Calls of gRPC by what they call, by a header, and by weight.

use super::{ANSWERS, ONE_IN_TEN, SERVED, address_of, adit, comes_to};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde_json::json;
use tests::echo::SERVICE_HEADER;
use tests::grpc::{Client, method};
use tests::lab::{Echo, Entry, Namespace, certificate, eventually};
use tonic::{Code, Request, Status};

const METHOD: &str = "method.grpc.example.com";
const HEADER: &str = "header.grpc.example.com";
const WEIGHTS: &str = "weights.grpc.example.com";

#[tokio::test]
async fn calls_are_told_apart() -> Result<()> {
    let _adit = adit().await?;
    let namespace = Namespace::create("guide-grpc").await?;
    let ports = json!([{"name": "grpc", "port": 50051, "targetPort": 3080}]);
    let echoes = ["stable", "canary"].map(|name| Echo::new(name).service("ports", ports.clone()));
    Echo::start_all(&echoes, &namespace).await?;
    let (secret, _) = certificate("grpc-certificate", "*.grpc.example.com")?;
    namespace.apply(&secret.to_string()).await?;
    namespace.apply(include_str!("grpc/gateway.yaml")).await?;
    namespace.apply(include_str!("grpc/routes.yaml")).await?;
    let entry = address_of(&namespace, "calls").await?;
    for route in ["method", "header", "weights"] {
        comes_to(&namespace, &format!("grpcroute {route}"), "/parents/0", &SERVED).await?;
    }

    for (host, called, env, service) in [
        (METHOD, method::ECHO, None, "stable"),
        (HEADER, method::ECHO, None, "stable"),
        (HEADER, method::ECHO, Some("production"), "stable"),
        (HEADER, method::ECHO, Some("canary"), "canary"),
        (HEADER, method::JOIN, Some("canary"), "canary"),
    ] {
        eventually(&format!("{called} of {host} with env {env:?} answered by {service}"), async || {
            for _ in 0..super::IN_A_ROW {
                let from = call(&connect(&entry, host).await?, called, env).await?;
                ensure!(from == service, "answered by {from}");
            }
            Ok(())
        })
        .await?;
    }
    let other =
        call(&connect(&entry, METHOD).await?, method::JOIN, None).await.err().context("another method is served")?;
    let code = other.downcast_ref::<Status>().map(Status::code);
    ensure!(code == Some(Code::Unimplemented), "{other:#}");
    shares(&entry).await
}

/// Waits until the canary gets its share of the calls, all of which are on one connection.
async fn shares(entry: &Entry) -> Result<()> {
    eventually(&format!("{ONE_IN_TEN:?} of {ANSWERS} calls at the canary"), async || {
        let client = connect(entry, WEIGHTS).await?;
        let mut canary = 0;
        for _ in 0..ANSWERS {
            let from = call(&client, method::ECHO, None).await?;
            ensure!(["stable", "canary"].contains(&from.as_str()), "answered by {from}");
            canary += usize::from(from == "canary");
        }
        ensure!(ONE_IN_TEN.contains(&canary), "{canary} calls");
        Ok(())
    })
    .await
}

async fn connect(entry: &Entry, host: &str) -> Result<Client> {
    Client::open_tls(entry.https, host).await
}

/// The Service that answers a call with the message that it has, as each method of the test's does.
async fn call(client: &Client, called: &'static str, env: Option<&str>) -> Result<String> {
    const MESSAGE: Bytes = Bytes::from_static(b"a message");
    let mut request = Request::new(MESSAGE);
    if let Some(env) = env {
        request.metadata_mut().insert("env", env.parse()?);
    }
    let answer = client.unary(called, request).await?;
    ensure!(*answer.get_ref() == MESSAGE, "another answer: {answer:?}");
    let service = answer.metadata().get(SERVICE_HEADER).context("it does not name its Service")?;
    Ok(service.to_str()?.to_owned())
}
