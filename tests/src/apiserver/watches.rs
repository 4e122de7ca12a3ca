use super::request::Request;
use super::{ApiServer, Order, status};
use crate::connection::Connection;
use anyhow::{Context, Result};
use serde_json::{Value, json};

impl ApiServer {
    /// Sends what changes from the version that was asked for on, until an order ends it.
    pub(super) async fn watch(&self, connection: &mut Connection, request: &Request) -> Result<()> {
        let version = request.version.context("a watch without a version")?;
        let mut obeyed = request.orders;
        let mut changes = self.changes.subscribe();
        connection
            .send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await?;
        let mut sent = version;
        loop {
            changes.borrow_and_update();
            let Some(events) = self.state.lock().objects.since(sent, request) else {
                connection.send(chunk(&event("ERROR", &status(410)))).await?;
                return connection.send("0\r\n\r\n").await;
            };
            for (version, kind, object) in events {
                connection.send(chunk(&event(kind, &object))).await?;
                sent = version;
            }
            let order = self.state.lock().orders.get(&request.resource).and_then(|orders| orders.get(obeyed).copied());
            if let Some(order) = order {
                obeyed += 1;
                if !self.obey(connection, order).await? {
                    return Ok(());
                }
                continue;
            }
            changes.changed().await?;
        }
    }

    /// Whether the watch goes on.
    async fn obey(&self, connection: &mut Connection, order: Order) -> Result<bool> {
        match order {
            Order::Bookmark => {
                let version = self.state.lock().objects.version().to_string();
                let bookmark = json!({"kind": "X", "apiVersion": "v1", "metadata": {"resourceVersion": version}});
                connection.send(chunk(&event("BOOKMARK", &bookmark))).await?;
                Ok(true)
            }
            Order::Garble => {
                connection.send(chunk("{\"type\": \"ADDED\", \"object\": oops}\n")).await?;
                Ok(true)
            }
            Order::Error(code) => {
                connection.send(chunk(&event("ERROR", &status(code)))).await?;
                connection.send("0\r\n\r\n").await?;
                Ok(false)
            }
            Order::Cut => {
                connection.send("40\r\n{\"type\": \"DELETED\", \"object\": {\"metadata\": {\"na").await?;
                connection.finish().await?;
                Ok(false)
            }
        }
    }
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
