//! The API server fails: nothing goes away because of that, and nothing is missed.

use super::*;
use controller::source::cluster::ClusterSource;

#[tokio::test]
async fn a_cluster_half_up_is_waited_for() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    server.fail("ingresses", [Fault::Status(500), Fault::Status(503), Fault::Cut]);
    server.fail("services", [Fault::Busy(1), Fault::Status(429)]);
    settles(&Adit::watch(&cluster(&server)).await?, &server).await
}

#[tokio::test]
async fn a_version_that_is_gone_leads_to_a_new_list() -> Result<()> {
    let (server, adit) = start(&(app("a") + &app("b"))).await?;
    // Before the watches go on, two objects vanish and one appears: only a list can tell.
    for resource in RESOURCES {
        server.fail(resource, [Fault::Status(500)]);
        server.order(resource, Order::Cut);
    }
    server.failed().await?;
    server.delete("ingresses", "default", "a")?;
    server.delete("endpointslices", "default", "b-1")?;
    server.apply(&app("c"))?;
    server.forget();
    settles(&adit, &server).await?;
    assert_eq!((hosts(&adit.table().await?), server.requests("ingresses", false)), (2, 2));
    Ok(())
}

#[tokio::test]
async fn an_error_within_a_watch_leads_to_a_new_list() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    let before = revision(&adit)?;
    for (times, order) in [Order::Error(410), Order::Error(500), Order::Garble].into_iter().enumerate() {
        server.order("ingresses", order);
        server.asked("ingresses", false, times + 2).await?;
        server.asked("ingresses", true, times + 2).await?;
    }
    assert_eq!(revision(&adit)?, before, "a list of the same objects changed something");
    server.apply(&app("b"))?;
    settles(&adit, &server).await
}

#[tokio::test]
async fn failing_lists_delete_nothing() -> Result<()> {
    let (server, adit) = start(&(app("a") + &app("b") + &app("c"))).await?;
    let before = revision(&adit)?;
    server.page(2);
    for resource in RESOURCES {
        server.fail(resource, [Fault::Status(500), Fault::Status(429), Fault::Cut, Fault::Status(410), Fault::Held]);
        server.order(resource, Order::Error(410));
    }
    server.failed().await?;
    assert_eq!((revision(&adit)?, hosts(&adit.table().await?)), (before, 3));
    server.delete("ingresses", "default", "b")?;
    server.release();
    settles(&adit, &server).await?;
    assert_eq!(hosts(&adit.table().await?), 2);
    Ok(())
}

#[tokio::test]
async fn a_list_that_breaks_off_after_a_page_deletes_nothing() -> Result<()> {
    let (server, adit) = start(&(app("a") + &app("b") + &app("c"))).await?;
    let before = revision(&adit)?;
    server.page(1);
    // The first page comes, after a while; the second does not.
    server.fail("ingresses", [Fault::Held, Fault::Status(500)]);
    server.order("ingresses", Order::Error(410));
    server.asked("ingresses", false, 2).await?;
    server.release();
    server.failed().await?;
    server.asked("ingresses", true, 2).await?;
    assert_eq!((revision(&adit)?, hosts(&adit.table().await?)), (before, 3));
    server.apply(&app("d"))?;
    settles(&adit, &server).await
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_tried_again() -> Result<()> {
    let (_socket, address) = tests::backend::refusing()?;
    let cluster = ClusterSettings { apiserver: Some(format!("http://{address}")), ..ClusterSettings::default() };
    let feed = ClusterSource::new(&ControllerSettings::default(), &cluster).spawn()?;
    let mut health = feed.health.context("a cluster's watches have a health")?;
    timeout(PATIENCE, health.wait_for(|health| health.get("Ingress") == Some(&false))).await??;
    Ok(())
}
