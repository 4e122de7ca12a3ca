//! Objects come as they are, and change as they change.

use super::*;

#[tokio::test]
async fn objects_are_listed_in_pages_and_followed() -> Result<()> {
    let server = ApiServer::start(&(app("a") + &app("b") + &app("c"))).await?;
    server.page(2);
    let adit = Adit::watch(&cluster(&server)).await?;
    settles(&adit, &server).await?;
    assert_eq!((hosts(&adit.table().await?), server.requests("ingresses", false)), (3, 2));
    server.apply(&app("d"))?;
    server.apply(&slice("default", "a", "10.0.0.2"))?;
    server.delete("ingresses", "default", "b")?;
    settles(&adit, &server).await?;
    assert_eq!(hosts(&adit.table().await?), 3);
    assert!(adit.table().await?.to_string().contains("10.0.0.2:8080"));
    Ok(())
}

#[tokio::test]
async fn nothing_is_served_before_everything_is_listed() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    server.fail("endpointslices", [Fault::Held]);
    let settings = cluster(&server);
    let starting = tokio::spawn(async move { Adit::watch(&settings).await });
    server.failed().await?;
    for resource in ["ingresses", "services", "secrets"] {
        server.asked(resource, true, 1).await?;
    }
    assert!(!starting.is_finished());
    server.release();
    settles(&starting.await??, &server).await
}

#[tokio::test]
async fn a_cut_stream_goes_on_where_it_was() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    for round in ["b", "c", "d"] {
        for resource in RESOURCES {
            server.order(resource, Order::Cut);
        }
        server.apply(&app(round))?;
        settles(&adit, &server).await?;
    }
    assert_eq!((hosts(&adit.table().await?), server.requests("ingresses", false)), (4, 1));
    Ok(())
}

#[tokio::test]
async fn a_bookmark_saves_the_list() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    server.apply(&app("b"))?;
    settles(&adit, &server).await?;
    server.order("ingressclasses", Order::Bookmark);
    server.order("ingressclasses", Order::Cut);
    server.asked("ingressclasses", true, 2).await?;
    server.forget();
    server.order("ingressclasses", Order::Cut);
    server.asked("ingressclasses", true, 3).await?;
    server
        .apply("{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: x}, spec: {controller: y}}")?;
    settles(&adit, &server).await?;
    assert_eq!(server.requests("ingressclasses", false), 1);
    Ok(())
}

#[tokio::test]
async fn a_malformed_object_costs_itself_alone() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    server.apply("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: 80}}")?;
    server.apply("{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: z}, spec: {rules: none}}")?;
    server.apply(&app("b"))?;
    adit.reaches(|state| state.diagnostics.len() == 2).await?;
    let healthy = app("a") + &app("b");
    let expected = ApiServer::start(&healthy).await?;
    comes_to(&adit, &table_of(&expected.objects())).await?;
    server.delete("ingresses", "default", "z")?;
    server.apply("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}")?;
    adit.reaches(|state| state.diagnostics.is_empty()).await
}
