//! The flags about which objects count, and how they are read.

use super::flag::{Flag, Shape};
use super::value::Values;
use crate::object::Kind;
use gateway::config::PathMatching;

pub(super) const FLAGS: &[Flag] = &[
    Flag::full(
        "configmap",
        Shape::Value("NAMESPACE/NAME"),
        "adit/adit",
        "ConfigMap with the settings of the whole gateway, with the keys of ingress-nginx. Empty: every setting has \
         its default",
        |values, settings| {
            settings.controller.configmap = values.name()?;
            Ok(())
        },
    )
    .refers_to(Kind::ConfigMap),
    Flag::full(
        "default-backend-service",
        Shape::Value("NAMESPACE/NAME"),
        "",
        "Service that serves requests that no rule matches; its first port is used. Without this flag, or an \
         endpoint of the Service, they are answered with 404",
        |values, settings| {
            settings.controller.default_backend_service = values.name()?;
            Ok(())
        },
    )
    .refers_to(Kind::Service),
    Flag::full(
        "default-ssl-certificate",
        Shape::Value("NAMESPACE/NAME"),
        "",
        "Secret with the certificate for hosts that have none. Without this flag they get a self-signed one",
        |values, settings| {
            settings.controller.default_certificate = values.name()?;
            Ok(())
        },
    )
    .refers_to(Kind::Secret),
    Flag::full(
        "tcp-services-configmap",
        Shape::Value("NAMESPACE/NAME"),
        "",
        "ConfigMap with TCP services. Each entry opens a port: \"PORT\": \"NAMESPACE/SERVICE:PORT[:PROXY][:PROXY]\", \
         with a port number or name of the Service. The first PROXY expects a PROXY header from clients, the second \
         sends one to endpoints. Without this flag there are no TCP services",
        |values, settings| {
            settings.controller.tcp_services = values.name()?;
            Ok(())
        },
    )
    .refers_to(Kind::ConfigMap),
    Flag::full(
        "udp-services-configmap",
        Shape::Value("NAMESPACE/NAME"),
        "",
        "ConfigMap with UDP services. Each entry opens a port: \"PORT\": \"NAMESPACE/SERVICE:PORT\", with a port \
         number or name of the Service. Without this flag there are no UDP services",
        |values, settings| {
            settings.controller.udp_services = values.name()?;
            Ok(())
        },
    )
    .refers_to(Kind::ConfigMap),
    Flag::full(
        "host-owners-configmap",
        Shape::Value("NAMESPACE/NAME"),
        "",
        "ConfigMap that says which namespaces may have which hosts. Each entry is a namespace and a list of hosts, separated \
         by commas or white space: \"NAMESPACE\": \"shop.example.com, *.shop.example.com\". *.shop.example.com is all names \
         below shop.example.com, and * is any host, also of rules without a host and of regular expressions. A rule or an \
         alias whose host is not in the list of its namespace is not served, with an error; a namespace without an entry has \
         no hosts, and if the ConfigMap is missing, none has. Without this flag all namespaces may have all hosts",
        |values, settings| {
            settings.controller.host_owners = values.name()?;
            Ok(())
        },
    )
    .refers_to(Kind::ConfigMap),
    Flag::full(
        "controller-class",
        Shape::Repeated("CONTROLLER"),
        "adit.dev/ingress-controller, k8s.io/ingress-nginx",
        "Serve the Ingresses of IngressClasses whose spec.controller has this value. In a cluster the default is \
         only the first",
        |values, settings| {
            settings.controller.controller_classes = owned(values);
            Ok(())
        },
    ),
    Flag::full(
        "gateway-controller",
        Shape::Value("CONTROLLER"),
        "adit.dev/gateway-controller",
        "Serve the Gateways of GatewayClasses whose spec.controllerName has this value, and write their status. Each \
         installation of Adit in a cluster needs a value of its own",
        |values, settings| {
            settings.controller.gateway_controller = values.last().to_owned();
            Ok(())
        },
    ),
    Flag::full(
        "ingress-class",
        Shape::Repeated("NAME"),
        "adit, nginx",
        "Serve Ingresses whose annotation kubernetes.io/ingress.class has this value. In a cluster the default is \
         only adit",
        |values, settings| {
            settings.controller.ingress_classes = owned(values);
            Ok(())
        },
    ),
    Flag::full(
        "ingress-class-by-name",
        Shape::Switch,
        "true",
        "Serve also the Ingresses of IngressClasses whose name is in --ingress-class, whatever their spec.controller \
         is. In a cluster the default is false",
        |values, settings| {
            settings.controller.class_by_name = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "watch-ingress-without-class",
        Shape::Switch,
        "true",
        "Serve also Ingresses that name no class. In a cluster the default is false",
        |values, settings| {
            settings.controller.without_class = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "annotations-prefix",
        Shape::Value("PREFIX"),
        "nginx.ingress.kubernetes.io",
        "Prefix of the annotations that Adit reads, before the slash: a DNS name",
        |values, settings| {
            let prefix = values.last_unless_empty().ok_or("is empty: expected a DNS name")?;
            settings.controller.annotations_prefix = prefix.trim_end_matches('/').into();
            Ok(())
        },
    ),
    Flag::full(
        "disable-catch-all",
        Shape::Switch,
        "false",
        "Do not serve Ingresses with a spec.defaultBackend, also where they have rules. Rules without a host are served",
        |values, settings| {
            settings.controller.disable_catch_all = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "enable-ssl-passthrough",
        Shape::Switch,
        "false",
        "Apply the annotation ssl-passthrough: TLS connections to its hosts are passed to the backend without \
         terminating TLS. Without this flag the annotation is ignored",
        |values, settings| {
            settings.controller.ssl_passthrough = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "owasp-core-rules-dir",
        Shape::Value("DIR"),
        "/etc/adit/owasp-crs",
        "Directory of the OWASP Core Rule Set, version 4, for routes with the annotation enable-owasp-core-rules: \
         crs-setup.conf, and the rules and their data in rules/. Without it such routes answer 503",
        |values, settings| {
            settings.controller.core_rules = values.last_unless_empty().ok_or("is empty: expected a directory")?.into();
            Ok(())
        },
    ),
    Flag::full(
        "geoip-dir",
        Shape::Value("DIR"),
        "/etc/ingress-controller/geoip",
        "Directory of the GeoIP2 databases, for use-geoip2 in the ConfigMap: a file EDITION.mmdb for each",
        |values, settings| {
            settings.controller.geoip = values.last_unless_empty().ok_or("is empty: expected a directory")?.into();
            Ok(())
        },
    ),
    Flag::full(
        "maxmind-edition-ids",
        Shape::Repeated("EDITION"),
        "GeoLite2-City,GeoLite2-ASN",
        "GeoIP2 databases that use-geoip2 in the ConfigMap reads: GeoLite2 or GeoIP2 with -Country, -City or -ASN, or \
         GeoIP2 with -ISP, -Connection-Type or -Anonymous-IP. They are not downloaded",
        |values, settings| {
            settings.controller.geoip_editions =
                values.all().filter(|name| !name.is_empty()).map(str::to_owned).collect();
            Ok(())
        },
    ),
    Flag::full(
        "disable-svc-external-name",
        Shape::Switch,
        "false",
        "Send no requests to Services of type ExternalName. Requests for them are answered with 503",
        |values, settings| {
            settings.controller.disable_external_name = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "enable-topology-aware-routing",
        Shape::Switch,
        "false",
        "Of Services with the annotation service.kubernetes.io/topology-mode: auto, or with trafficDistribution: \
         PreferClose or PreferSameZone, use only endpoints that the hints in their EndpointSlices assign to the zone of \
         this Pod. All endpoints of an EndpointSlice are used if one of them has no hint, and all of a Service if none \
         that is ready is for the zone",
        |values, settings| {
            settings.controller.topology_aware = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "topology-zone",
        Shape::Value("ZONE"),
        "",
        "Zone of this Pod, for --enable-topology-aware-routing. Without this flag it is the label \
         topology.kubernetes.io/zone of the Pod, or else of its node, which Adit must be allowed to get; from files, \
         none is known",
        |values, settings| {
            settings.controller.zone = values.last_unless_empty().map(Into::into);
            Ok(())
        },
    ),
    Flag::full(
        "path-matching",
        Shape::Value("nginx|strict"),
        "nginx",
        "How paths match: nginx as in ingress-nginx, strict as the specification of Ingress v1 says. The ConfigMap's \
         key of this name overrides this flag",
        |values, settings| {
            settings.controller.path_matching = match values.last() {
                "nginx" => PathMatching::Nginx,
                "strict" => PathMatching::Strict,
                _ => return Err("is not a mode of path matching: expected nginx or strict".into()),
            };
            Ok(())
        },
    ),
];

fn owned(values: Values<'_>) -> Vec<String> {
    values.all().map(str::to_owned).collect()
}
