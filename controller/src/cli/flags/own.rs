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
        doc: "ConfigMap with the settings of the whole gateway, with the keys of ingress-nginx. Empty: every setting \
              has its default",
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
        doc: "Service that serves requests that no rule matches; its first port is used. Without this flag they are \
              answered with 404",
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
        doc: "Secret with the certificate for hosts that have none. Without this flag they get a self-signed one",
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
        doc: "ConfigMap with TCP services. Each entry opens a port: \"PORT\": \
              \"NAMESPACE/SERVICE:PORT[:PROXY][:PROXY]\", with a port number or name of the Service. The first PROXY \
              expects a PROXY header from clients, the second sends one to endpoints. Without this flag there are no \
              TCP services",
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
        doc: "ConfigMap with UDP services. Each entry opens a port: \"PORT\": \"NAMESPACE/SERVICE:PORT\", with a \
              port number or name of the Service. Without this flag there are no UDP services",
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
        doc: "Serve the Ingresses of IngressClasses whose spec.controller has this value. In a cluster the default \
              is only the first",
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
        doc: "Serve Ingresses whose annotation kubernetes.io/ingress.class has this value. In a cluster the default \
              is only adit",
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
        doc: "Serve also the Ingresses of IngressClasses whose name is in --ingress-class, whatever their \
              spec.controller is. In a cluster the default is false",
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
        doc: "Serve also Ingresses that name no class. In a cluster the default is false",
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
        doc: "Prefix of the annotations that Adit reads, before the slash: a DNS name",
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
        doc: "Do not serve rules without a host, and Ingresses that have only a default backend",
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
        doc: "Apply the annotation ssl-passthrough: TLS connections to its hosts are passed to the backend without \
              terminating TLS. Without this flag the annotation is ignored",
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
        doc: "Send no requests to Services of type ExternalName. Requests for them are answered with 503",
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
        doc: "How paths match: nginx as in ingress-nginx, strict as the specification of Ingress v1 says. The \
              ConfigMap's key of this name overrides this flag",
        effect: Effect::Sets(|settings, values| {
            settings.controller.path_matching = match values.last() {
                "nginx" => PathMatching::Nginx,
                "strict" => PathMatching::Strict,
                _ => return Err("is not a mode of path matching: expected nginx or strict".into()),
            };
            Ok(())
        }),
    },
    Flag {
        name: "http-port",
        shape: Shape::Value("PORT"),
        default: "80",
        topic: Topic::Serving,
        doc: "TCP port for HTTP, from 0 to 65535. With 0 the system chooses one",
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
        doc: "TCP port for HTTPS, from 0 to 65535. With 0 the system chooses one",
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
        doc: "IP address to listen on, for HTTP, HTTPS, and TCP and UDP services. Without this flag all addresses of \
              the machine, with IPv6 if it has that",
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
        doc: "Port that clients connect to for HTTP, if it is not --http-port, such as that of a load balancer. Used \
              in redirects and in X-Forwarded-Port. Without this flag --http-port",
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
        doc: "Port that clients connect to for HTTPS, if it is not --https-port, such as that of a load balancer. \
              Used in redirects and in X-Forwarded-Port. Without this flag --https-port",
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
        doc: "Number of worker threads, which serve requests; at least 1. It overrides the ConfigMap's \
              worker-processes. Without both, the CPU quota of the container, or else the number of CPUs",
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
        doc: "DNS server that resolves the names of Services of type ExternalName; the default port is 53. Without \
              this flag the servers of the system",
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
        doc: "How long new connections are accepted after SIGTERM. It replaces a preStop hook that sleeps",
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
        doc: "TCP port for health checks, metrics and debugging (the admin port), from 0 to 65535. With 0 the system \
              chooses one",
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
        doc: "IP address for the admin port to listen on. Without this flag all addresses of the machine",
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
        doc: "Path of the health check on the admin port, in addition to /healthz. It must begin with a slash",
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
        doc: "File to which the access log is appended. Without this flag it goes to standard output",
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
        doc: "What is logged to standard error: error, warn, info, debug or trace, or directives such as \
              info,gateway=debug. Without this flag the environment variable RUST_LOG, or else info",
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
        doc: "Verbosity, as in ingress-nginx: 0 and 1 are the log level info, 2 to 4 debug, 5 and more trace. \
              --log-level overrides it",
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
