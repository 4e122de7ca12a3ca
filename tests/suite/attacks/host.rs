//! Which host is meant.

use super::world::World;
use anyhow::Result;

#[tokio::test]
async fn attack_25_a_host_that_is_none_or_two() -> Result<()> {
    let mut world = World::new().await?;
    for lines in ["", "Host: h\r\nHost: h\r\n", "Host: h,i\r\n", "Host: u@h\r\n", "Host: h/p\r\n"] {
        world.refuses(format!("GET / HTTP/1.1\r\n{lines}\r\n").as_bytes(), 400).await?;
    }
    Ok(())
}
