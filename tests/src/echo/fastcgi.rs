//! An echo over FastCGI. Params are headers of their names in lower case; those of headers have the names of these.

use super::{Connection, Received, next_id};
use crate::fastcgi::{body, end, output, param, params};
use anyhow::{Context as _, Result};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// Answers the request of a connection.
pub(super) async fn serve(connection: &Connection, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
    let params = params(&mut stream).await?;
    let headers = params.iter().map(|(name, value)| {
        let header = name.strip_prefix("HTTP_").map(|header| header.replace('_', "-"));
        (header.unwrap_or_else(|| name.clone()).to_ascii_lowercase(), value.clone())
    });
    let mut received = Received {
        service: connection.identity.service.clone(),
        pod: connection.identity.pod.clone(),
        method: param(&params, "REQUEST_METHOD").context("a method")?.to_owned(),
        target: param(&params, "REQUEST_URI").context("a target")?.to_owned(),
        headers: headers.collect(),
        body_length: 0,
        is_whole: false,
    };
    let id = next_id();
    connection.journal.arrived(id, received.clone());
    received.body_length = body(&mut stream).await?.len() as u64;
    connection.journal.has_body(id, received.body_length);
    let head = connection.head(&received);
    let (_, headers) = head.split_once("\r\n").context("a status line")?;
    let status = connection.status(&received);
    let answer = format!("Status: {status} Echo\n{headers}content-type: text/plain\r\n\n{received}");
    stream.write_all(&[output(answer), end()].concat()).await?;
    Ok(stream.shutdown().await?)
}
