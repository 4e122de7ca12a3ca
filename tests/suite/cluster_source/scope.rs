//! What is asked for, and what is left alone.

use super::*;

#[tokio::test]
async fn foreign_secrets_and_config_maps_are_not_asked_for() -> Result<()> {
    let headers =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: headers, namespace: web}, data: {X-Seen: seen}}\n---\n";
    let other = "{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: web}, data: {x: 'y'}}\n---\n";
    let gateway = |data: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: adit, namespace: adit}}, data: {{{data}}}}}\n---\n"
        )
    };
    let server = ApiServer::start(&(app("a") + headers + other + &gateway("add-headers: web/headers"))).await?;
    let adit = Adit::watch(&cluster(&server)).await?;
    settles(&adit, &server).await?;
    adit.reaches(|state| state.diagnostics.is_empty()).await?;
    let targets = server.targets();
    assert!(
        targets.iter().all(|target| !target.contains("/secrets") || target.contains("helm.sh%2Frelease.v1")),
        "{targets:?}"
    );
    assert!(
        targets.iter().any(|target| target.contains("/namespaces/web/configmaps?") && target.contains("headers")),
        "{targets:?}"
    );
    let all = targets.iter().find(|target| target.contains("configmaps") && !target.contains("metadata.name"));
    assert_eq!(all, None);
    // The first named ConfigMap is no longer wanted, and a missing one is said to be.
    server.apply(&gateway("add-headers: web/missing"))?;
    adit.reaches(|state| state.diagnostics.len() == 1).await
}

#[tokio::test]
async fn one_namespace_needs_nothing_of_the_others() -> Result<()> {
    let server = ApiServer::start(&(app_in("shop", "a") + &app_in("blog", "b"))).await?;
    server.refuse("ingressclasses", true);
    let namespaces = WatchedNamespaces::One("shop".into());
    let adit = Adit::watch(&ClusterSettings { namespaces, ..cluster(&server) }).await?;
    let expected = ApiServer::start(&app_in("shop", "a")).await?;
    comes_to(&adit, &table_of(&expected.objects())).await?;
    let targets = server.targets();
    let in_namespaces = |target: &String| {
        ["/namespaces/shop/", "/namespaces/adit/configmaps", "/ingressclasses"]
            .iter()
            .any(|place| target.contains(place))
            || target == "/apis/gateway.networking.k8s.io"
    };
    assert!(targets.iter().all(in_namespaces), "{targets:?}");
    Ok(())
}

#[tokio::test]
async fn namespaces_count_while_they_have_the_labels() -> Result<()> {
    let namespace = |name: &str, team: &str| {
        format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{team: {team}}}}}}}\n---\n")
    };
    let objects = app_in("shop", "a") + &app_in("blog", "b") + &namespace("shop", "web") + &namespace("blog", "none");
    let server = ApiServer::start(&objects).await?;
    let namespaces = WatchedNamespaces::Labelled("team=web".into());
    let adit = Adit::watch(&ClusterSettings { namespaces, ..cluster(&server) }).await?;
    let only = async |manifests: String| {
        let expected = ApiServer::start(&manifests).await?;
        comes_to(&adit, &table_of(&expected.objects())).await
    };
    only(app_in("shop", "a")).await?;
    server.apply(&namespace("extra", "web"))?;
    server.apply(&app_in("extra", "c"))?;
    only(app_in("shop", "a") + &app_in("extra", "c")).await?;
    server.delete("namespaces", "", "extra")?;
    only(app_in("shop", "a")).await
}

#[tokio::test]
async fn names_that_no_config_map_can_have_hold_up_nothing() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    for (number, name) in ["a,b", "no such/name", "x?y/name", "../name", "a%2Fb", "Name", "-"].into_iter().enumerate() {
        let annotation = format!("annotations: {{nginx.ingress.kubernetes.io/custom-headers: '{name}'}}");
        let ingress =
            app(&format!("b{number}")).replacen("namespace: default", &format!("namespace: default, {annotation}"), 1);
        server.apply(&ingress)?;
    }
    let adit = timeout(PATIENCE, Adit::watch(&cluster(&server))).await.context("never ready")??;
    settles(&adit, &server).await?;
    let targets = server.targets();
    let maps: Vec<_> =
        targets.iter().filter(|target| !target.contains("watch=true") && target.contains("metadata.name")).collect();
    assert!(maps.iter().all(|target| target.contains("/namespaces/adit/configmaps?")), "{maps:?}");
    Ok(())
}
