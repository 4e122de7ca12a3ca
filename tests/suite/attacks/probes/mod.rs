//! Kinds of messages that public suites about HTTP/1.1 send (Http11Probe, the HTTP Garden), where no other test here has
//! them. What they send is either refused, or means one thing to Adit and to the backend.

mod bodies;
mod heads;

use super::world::World;
use anyhow::Result;

/// Each gets a 400 and the end of the connection, at each door, and nothing of it reaches the backend.
async fn refused<'a>(requests: impl IntoIterator<Item = &'a [u8]>) -> Result<()> {
    let mut world = World::new().await?;
    for request in requests {
        world.refuses(request, 400).await?;
    }
    Ok(())
}
