//! The flags about what is written to the cluster: who writes, and which addresses.

use super::flag::{Effect, Flag, Shape, Topic};
use super::own::NAMESPACED_NAME;
use std::time::Duration;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "election-id",
        shape: Shape::Value("NAME"),
        default: "adit-leader",
        topic: Topic::Cluster,
        doc: "Name of the Lease, in the namespace of this Pod, whose holder writes statuses and Events. The default \
              is not that of ingress-nginx, so that both can run side by side",
        effect: Effect::Sets(|settings, values| {
            let name = values.last_unless_empty().ok_or("is empty: expected the name of a Lease")?;
            settings.cluster.status.election_id = name.into();
            Ok(())
        }),
    },
    Flag {
        name: "election-ttl",
        shape: Shape::Value("DURATION"),
        default: "30s",
        topic: Topic::Cluster,
        doc: "How long the Lease is valid without renewal; at least 1s. Then another replica takes it. Its holder \
              renews it four times in that time",
        effect: Effect::Sets(|settings, values| {
            let ttl = values.duration()?;
            if ttl < Duration::from_secs(1) {
                return Err("is too short: expected 1s or more".into());
            }
            settings.cluster.status.election_ttl = ttl;
            Ok(())
        }),
    },
    Flag {
        name: "disable-leader-election",
        shape: Shape::Switch,
        default: "false",
        topic: Topic::Cluster,
        doc: "Let every replica write statuses and Events, without a Lease",
        effect: Effect::Sets(|settings, values| {
            settings.cluster.status.election = !values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "update-status",
        shape: Shape::Switch,
        default: "true",
        topic: Topic::Cluster,
        doc: "Write the addresses of this gateway into the status of the Ingresses that it serves",
        effect: Effect::Sets(|settings, values| {
            settings.cluster.status.update = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "update-status-on-shutdown",
        shape: Shape::Switch,
        default: "true",
        topic: Topic::Cluster,
        doc: "Remove these addresses when the last replica ends",
        effect: Effect::Sets(|settings, values| {
            settings.cluster.status.update_on_shutdown = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "status-update-interval",
        shape: Shape::Value("DURATION"),
        default: "60",
        topic: Topic::Cluster,
        doc: "How often all statuses are compared with the addresses; a value below 5 seconds is raised to 5 \
              seconds. A known change is written at once",
        effect: Effect::Sets(|settings, values| {
            // As ingress-nginx, which raises what is too short.
            settings.cluster.status.interval = values.duration()?.max(Duration::from_secs(5));
            Ok(())
        }),
    },
    Flag {
        name: "publish-service",
        shape: Shape::Value("NAMESPACE/NAME"),
        default: "",
        topic: Topic::Cluster,
        doc: "Service whose addresses are written: those of its load balancer, or its externalName, clusterIP or \
              externalIPs. For a NodePort without externalIPs, those of the nodes that run Adit",
        effect: Effect::Sets(|settings, values| {
            settings.cluster.status.publish_service = values.parse_unless_empty(NAMESPACED_NAME)?;
            Ok(())
        }),
    },
    Flag {
        name: "publish-status-address",
        shape: Shape::Repeated("ADDRESS"),
        default: "",
        topic: Topic::Cluster,
        doc: "IP address or host name that is written. It excludes --publish-service. Without both, the addresses of \
              the nodes that run Adit are written",
        effect: Effect::Sets(|settings, values| {
            let addresses = values.all().map(|text| text.trim().parse().map_err(str::to_owned));
            settings.cluster.status.addresses = addresses.collect::<Result<_, _>>()?;
            if !settings.cluster.status.addresses.is_empty() && settings.cluster.status.publish_service.is_some() {
                return Err("excludes --publish-service: expected one of them".into());
            }
            Ok(())
        }),
    },
    Flag {
        name: "report-node-internal-ip-address",
        shape: Shape::Switch,
        default: "false",
        topic: Topic::Cluster,
        doc: "Write the InternalIP of a node, not its ExternalIP",
        effect: Effect::Sets(|settings, values| {
            settings.cluster.status.node_internal_ip = values.switch()?;
            Ok(())
        }),
    },
];
