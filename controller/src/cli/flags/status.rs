//! The flags about what is written to the cluster: who writes, and which addresses.

use super::flag::{Flag, Shape};
use crate::object::Kind;
use std::time::Duration;

pub(super) const FLAGS: &[Flag] = &[
    Flag::full(
        "election-id",
        Shape::Value("NAME"),
        "adit-leader",
        "Name of the Lease, in the namespace of this Pod, whose holder writes statuses and Events. The default is \
         not that of ingress-nginx, so that both can run side by side",
        |values, settings| {
            let name = values.last_unless_empty().ok_or("is empty: expected the name of a Lease")?;
            settings.cluster.status.election_id = name.into();
            Ok(())
        },
    ),
    Flag::full(
        "election-ttl",
        Shape::Value("DURATION"),
        "30s",
        "How long the Lease is valid without renewal; at least 1s. Then another replica takes it. Its holder renews \
         it four times in that time",
        |values, settings| {
            let ttl = values.duration()?;
            if ttl < Duration::from_secs(1) {
                return Err("is too short: expected 1s or more".into());
            }
            settings.cluster.status.election_ttl = ttl;
            Ok(())
        },
    ),
    Flag::full(
        "disable-leader-election",
        Shape::Switch,
        "false",
        "Let every replica write statuses and Events, without a Lease",
        |values, settings| {
            settings.cluster.status.election = !values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "update-status",
        Shape::Switch,
        "true",
        "Write the addresses of this gateway into the status of the Ingresses that it serves",
        |values, settings| {
            settings.cluster.status.update = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "update-status-on-shutdown",
        Shape::Switch,
        "true",
        "Remove these addresses when the last replica ends",
        |values, settings| {
            settings.cluster.status.update_on_shutdown = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "status-update-interval",
        Shape::Value("DURATION"),
        "60",
        "How often all statuses are compared with the addresses; a value below 5 seconds is raised to 5 seconds. A \
         known change is written at once",
        |values, settings| {
            // As ingress-nginx, which raises what is too short.
            settings.cluster.status.interval = values.duration()?.max(Duration::from_secs(5));
            Ok(())
        },
    ),
    Flag::full(
        "publish-service",
        Shape::Value("NAMESPACE/NAME"),
        "",
        "Service whose addresses are written: those of its load balancer, or its externalName, clusterIP or \
         externalIPs. For a NodePort without externalIPs, those of the nodes that run Adit",
        |values, settings| {
            settings.cluster.status.publish_service = values.name()?;
            settings.controller.published_service.clone_from(&settings.cluster.status.publish_service);
            Ok(())
        },
    )
    .refers_to(Kind::Service),
    Flag::full(
        "publish-status-address",
        Shape::Repeated("ADDRESS"),
        "",
        "IP address or host name that is written. It excludes --publish-service. Without both, the addresses of the \
         nodes that run Adit are written",
        |values, settings| {
            let addresses = values.all().map(|text| text.trim().parse().map_err(str::to_owned));
            settings.cluster.status.addresses = addresses.collect::<Result<_, _>>()?;
            if !settings.cluster.status.addresses.is_empty() && settings.cluster.status.publish_service.is_some() {
                return Err("excludes --publish-service: expected one of them".into());
            }
            Ok(())
        },
    ),
    Flag::full(
        "report-node-internal-ip-address",
        Shape::Switch,
        "false",
        "Write the InternalIP of a node, not its ExternalIP",
        |values, settings| {
            settings.cluster.status.node_internal_ip = values.switch()?;
            Ok(())
        },
    ),
];
