//! Bytes.

use super::Pod;
use anyhow::Result;
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Names the Pod, and sends all back that comes, until the client has ended or the server does.
pub(super) async fn serve(pod: &Pod, mut stream: TcpStream, ending: &CancellationToken) -> Result<()> {
    let (mut read, mut write) = stream.split();
    write.write_all(format!("pod {}\n", pod.name).as_bytes()).await?;
    ending.run_until_cancelled(copy(&mut read, &mut write)).await.transpose()?;
    Ok(write.shutdown().await?)
}
