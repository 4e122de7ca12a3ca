//! Connections that stay: whatever becomes of what they came by, they are open and carry data.

use anyhow::{Context, Result, ensure};
use controller::object::NamespacedName;
use controller::settings::ControllerSettings;
use serde_json::{Value, json};
use tests::adit::{Adit, documents};
use tests::lasting::{Backends, Open};
use tests::ports::free_port;

const CHANGES: usize = 100;

/// The gateway's ConfigMap, another one after each change.
fn config(change: usize) -> Value {
    json!({"proxy-read-timeout": format!("{}", 60 + change)})
}

#[tokio::test]
async fn they_carry_data_after_each_of_a_hundred_changes_to_all_that_they_came_by() -> Result<()> {
    let (backends, elsewhere) = (Backends::start().await?, Backends::start().await?);
    let port = free_port();
    let tcp_services = Some(NamespacedName { namespace: "adit".into(), name: "tcp".into() });
    let settings = ControllerSettings { ssl_passthrough: true, tcp_services, ..ControllerSettings::default() };
    let mut adit = Adit::start_as(settings, &backends.objects(port, 0, &config(0))?).await?;
    let mut open = Open::all(adit.https_address()?, port).await?;
    open.carry("before").await?;
    for change in 1..=CHANGES {
        let before = adit.state()?.borrow().revision;
        adit.replace(&elsewhere.objects(port, change, &config(change))?).await?;
        ensure!(adit.state()?.borrow().revision > before, "change {change} was not published");
        open.carry(&format!("after change {change}")).await.with_context(|| format!("change {change}"))?;
    }
    let mut new = Open::all(adit.https_address()?, port).await.context("new connections")?;
    new.carry("to the other backends").await?;
    adit.replace(&documents([])).await?;
    open.carry("after all is gone").await
}
