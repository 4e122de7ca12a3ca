//! The flags that do something.

use super::flag::{Effect, Flag, Shape, Topic};
use super::value::Values;
use gateway::config::PathMatching;
use std::net::{IpAddr, SocketAddr};

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "configmap",
        shape: Shape::Value("NAMESPACE/NAME"),
        default: "adit/adit",
        topic: Topic::Objects,
        doc: "ConfigMap with the settings of the whole gateway, by ingress-nginx's keys",
        effect: Effect::Sets(|settings, values| {
            settings.controller.configmap = values.parse_unless_empty(NAMESPACED_NAME)?;
            Ok(())
        }),
    },
    Flag {
        name: "default-backend-service",
        shape: Shape::Value("NAMESPACE/NAME"),
        default: "",
        topic: Topic::Objects,
        doc: "Service that answers what no rule takes, at its first port; without it, 404",
        effect: Effect::Sets(|settings, values| {
            settings.controller.default_backend_service = values.parse_unless_empty(NAMESPACED_NAME)?;
            Ok(())
        }),
    },
    Flag {
        name: "default-ssl-certificate",
        shape: Shape::Value("NAMESPACE/NAME"),
        default: "",
        topic: Topic::Objects,
        doc: "Secret with the certificate for hosts that have none of their own; without it a self-signed one",
        effect: Effect::Sets(|settings, values| {
            settings.controller.default_certificate = values.parse_unless_empty(NAMESPACED_NAME)?;
            Ok(())
        }),
    },
    Flag {
        name: "tcp-services-configmap",
        shape: Shape::Value("NAMESPACE/NAME"),
        default: "",
        topic: Topic::Objects,
        doc: "ConfigMap with TCP services: \"<port>\": \"<namespace>/<service>:<port or name>[:PROXY][:PROXY]\", where \
              the first PROXY accepts a PROXY header and the second sends one",
        effect: Effect::Sets(|settings, values| {
            settings.controller.tcp_services = values.parse_unless_empty(NAMESPACED_NAME)?;
            Ok(())
        }),
    },
    Flag {
        name: "udp-services-configmap",
        shape: Shape::Value("NAMESPACE/NAME"),
        default: "",
        topic: Topic::Objects,
        doc: "ConfigMap with UDP services: \"<port>\": \"<namespace>/<service>:<port or name>\"",
        effect: Effect::Sets(|settings, values| {
            settings.controller.udp_services = values.parse_unless_empty(NAMESPACED_NAME)?;
            Ok(())
        }),
    },
    Flag {
        name: "controller-class",
        shape: Shape::Repeated("CONTROLLER"),
        default: "adit.dev/ingress-controller, k8s.io/ingress-nginx",
        topic: Topic::Objects,
        doc: "Serve IngressClasses whose spec.controller is this; in a cluster, the default is only the first",
        effect: Effect::Sets(|settings, values| {
            settings.controller.controller_classes = owned(values);
            Ok(())
        }),
    },
    Flag {
        name: "ingress-class",
        shape: Shape::Repeated("NAME"),
        default: "adit, nginx",
        topic: Topic::Objects,
        doc: "Serve Ingresses whose annotation kubernetes.io/ingress.class is this; in a cluster, the default is only adit",
        effect: Effect::Sets(|settings, values| {
            settings.controller.ingress_classes = owned(values);
            Ok(())
        }),
    },
    Flag {
        name: "ingress-class-by-name",
        shape: Shape::Switch,
        default: "true",
        topic: Topic::Objects,
        doc: "Serve IngressClasses with a name of --ingress-class, whatever their controller; in a cluster, the default \
              is false",
        effect: Effect::Sets(|settings, values| {
            settings.controller.class_by_name = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "watch-ingress-without-class",
        shape: Shape::Switch,
        default: "true",
        topic: Topic::Objects,
        doc: "Serve Ingresses that name no class; in a cluster, the default is false",
        effect: Effect::Sets(|settings, values| {
            settings.controller.without_class = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "annotations-prefix",
        shape: Shape::Value("PREFIX"),
        default: "nginx.ingress.kubernetes.io",
        topic: Topic::Objects,
        doc: "Prefix of the annotations, before the slash",
        effect: Effect::Sets(|settings, values| {
            let prefix = values.last_unless_empty().ok_or("is empty: expected a DNS name")?;
            settings.controller.annotations_prefix = prefix.trim_end_matches('/').into();
            Ok(())
        }),
    },
    Flag {
        name: "disable-catch-all",
        shape: Shape::Switch,
        default: "false",
        topic: Topic::Objects,
        doc: "Ignore Ingresses that have only a default backend, or rules without a host",
        effect: Effect::Sets(|settings, values| {
            settings.controller.disable_catch_all = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "enable-ssl-passthrough",
        shape: Shape::Switch,
        default: "false",
        topic: Topic::Objects,
        doc: "Pass TLS connections on as they are, for hosts with the annotation ssl-passthrough",
        effect: Effect::Sets(|settings, values| {
            settings.controller.ssl_passthrough = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "disable-svc-external-name",
        shape: Shape::Switch,
        default: "false",
        topic: Topic::Objects,
        doc: "Send nothing to Services of type ExternalName",
        effect: Effect::Sets(|settings, values| {
            settings.controller.disable_external_name = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "path-matching",
        shape: Shape::Value("nginx|strict"),
        default: "nginx",
        topic: Topic::Objects,
        doc: "Match paths as ingress-nginx does, or as the Ingress v1 specification says; \
              the ConfigMap's key of this name wins",
        effect: Effect::Sets(|settings, values| {
            settings.controller.path_matching = match values.last() {
                "nginx" => PathMatching::Nginx,
                "strict" => PathMatching::Strict,
                _ => return Err("is not a way to match paths: expected nginx or strict".into()),
            };
            Ok(())
        }),
    },
    Flag {
        name: "http-port",
        shape: Shape::Value("PORT"),
        default: "80",
        topic: Topic::Serving,
        doc: "Port for HTTP; 0 lets the system choose",
        effect: Effect::Sets(|settings, values| {
            settings.serve.http_port = values.port()?;
            settings.controller.own_ports.http = settings.serve.http_port;
            Ok(())
        }),
    },
    Flag {
        name: "https-port",
        shape: Shape::Value("PORT"),
        default: "443",
        topic: Topic::Serving,
        doc: "Port for HTTPS; 0 lets the system choose",
        effect: Effect::Sets(|settings, values| {
            settings.serve.https_port = values.port()?;
            settings.controller.own_ports.https = settings.serve.https_port;
            settings.controller.https_port = settings.serve.https_port;
            Ok(())
        }),
    },
    Flag {
        name: "bind-address",
        shape: Shape::Value("IP"),
        default: "",
        topic: Topic::Serving,
        doc: "Address to listen on; without it all of them, IPv6 too where it exists",
        effect: Effect::Sets(|settings, values| {
            settings.serve.bind_address = values.parse_unless_empty(ADDRESS)?;
            Ok(())
        }),
    },
    Flag {
        name: "advertised-http-port",
        shape: Shape::Value("PORT"),
        default: "",
        topic: Topic::Serving,
        doc: "Port that clients connect to, for redirects and X-Forwarded-Port, when a load balancer maps it to another; \
              without it the port that listens",
        effect: Effect::Sets(|settings, values| {
            settings.serve.advertised_http_port = values.parse_unless_empty(PORT)?;
            Ok(())
        }),
    },
    Flag {
        name: "advertised-https-port",
        shape: Shape::Value("PORT"),
        default: "",
        topic: Topic::Serving,
        doc: "The same for HTTPS",
        effect: Effect::Sets(|settings, values| {
            settings.serve.advertised_https_port = values.parse_unless_empty(PORT)?;
            // It comes after --https-port, and wins.
            settings.controller.https_port =
                settings.serve.advertised_https_port.unwrap_or(settings.controller.https_port);
            Ok(())
        }),
    },
    Flag {
        name: "workers",
        shape: Shape::Value("COUNT"),
        default: "",
        topic: Topic::Serving,
        doc: "Threads that serve requests; without it the container's CPU quota, else the cores",
        effect: Effect::Sets(|settings, values| {
            settings.serve.workers = values.parse_unless_empty("a number of threads: expected 1 or more")?;
            Ok(())
        }),
    },
    Flag {
        name: "dns-server",
        shape: Shape::Repeated("IP[:PORT]"),
        default: "",
        topic: Topic::Serving,
        doc: "DNS server for Services of type ExternalName; without it the system's",
        effect: Effect::Sets(|settings, values| {
            settings.serve.dns_servers = values.all().map(dns_server).collect::<Result<_, _>>()?;
            Ok(())
        }),
    },
    Flag {
        name: "shutdown-grace-period",
        shape: Shape::Value("DURATION"),
        default: "15s",
        topic: Topic::Serving,
        doc: "How long new connections are accepted after SIGTERM, in seconds or as 1m30s, so that no preStop hook needs to sleep",
        effect: Effect::Sets(|settings, values| {
            settings.serve.shutdown_grace = values.duration()?;
            Ok(())
        }),
    },
    Flag {
        name: "healthz-port",
        shape: Shape::Value("PORT"),
        default: "10254",
        topic: Topic::Observing,
        doc: "Port for health, metrics and debugging; 0 lets the system choose",
        effect: Effect::Sets(|settings, values| {
            settings.serve.admin_port = values.port()?;
            settings.controller.own_ports.admin = settings.serve.admin_port;
            Ok(())
        }),
    },
    Flag {
        name: "healthz-host",
        shape: Shape::Value("IP"),
        default: "",
        topic: Topic::Observing,
        doc: "Address for that port; without it all of them",
        effect: Effect::Sets(|settings, values| {
            settings.serve.admin_address = values.parse_unless_empty(ADDRESS)?;
            Ok(())
        }),
    },
    Flag {
        name: "health-check-path",
        shape: Shape::Value("PATH"),
        default: "/healthz",
        topic: Topic::Observing,
        doc: "Path of the health check on that port",
        effect: Effect::Sets(|settings, values| {
            if !values.last().starts_with('/') {
                return Err("is not a path: expected it to begin with a slash".into());
            }
            settings.serve.health_path = values.last().into();
            Ok(())
        }),
    },
    Flag {
        name: "access-log-path",
        shape: Shape::Value("FILE"),
        default: "",
        topic: Topic::Observing,
        doc: "File for the access log; without it standard output",
        effect: Effect::Sets(|settings, values| {
            settings.serve.access_log = values.last_unless_empty().map(Into::into);
            Ok(())
        }),
    },
    Flag {
        name: "log-level",
        shape: Shape::Value("LEVEL"),
        default: "",
        topic: Topic::Observing,
        doc: "error, warn, info, debug or trace, or directives such as info,gateway=debug; \
              without it the environment's RUST_LOG, else info",
        effect: Effect::Sets(|settings, values| {
            settings.log_level = values.last_unless_empty().map(str::to_owned);
            Ok(())
        }),
    },
    Flag {
        name: "v",
        shape: Shape::Value("NUMBER"),
        default: "",
        topic: Topic::Observing,
        doc: "ingress-nginx's verbosity: below 2 is the log level info, below 5 debug, else trace; --log-level wins",
        effect: Effect::Sets(|settings, values| {
            let level = match values.parse::<u32>("a verbosity: expected a number")? {
                0 | 1 => "info",
                2..=4 => "debug",
                _ => "trace",
            };
            settings.log_level.get_or_insert_with(|| level.into());
            Ok(())
        }),
    },
];

pub(super) const NAMESPACED_NAME: &str = "a name in a namespace: expected the form namespace/name";
const ADDRESS: &str = "an IP address: expected a form such as 127.0.0.1 or ::1";
const PORT: &str = "a port: expected 0 to 65535";

fn owned(values: Values<'_>) -> Vec<String> {
    values.all().map(str::to_owned).collect()
}

/// An address with a port, or without: DNS listens on 53.
fn dns_server(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)))
        .map_err(|_| "is not a DNS server: expected a form such as 10.96.0.10, 10.96.0.10:53 or [::1]:53".into())
}
