//! Values that are misspelt or of a wrong type: nothing is installed, and who wrote them is told which, and what is expected.

use super::rendered::Rendered;

/// An argument of `--set`, and what is said.
const WRONG: [(&str, &[&str]); 21] = [
    ("controler.kind=DaemonSet", &["'/controler'", "known here are global, nameOverride,", " controller,"]),
    ("controller.replicaCuont=3", &["'/controller/replicaCuont'", " replicaCount,"]),
    ("controller.image.tags=1", &["'/controller/image/tags'", " tag, "]),
    ("controller.service.anotations.a=b", &["'/controller/service/anotations'", " annotations,"]),
    ("controller.service.internal.enable=true", &["'/controller/service/internal/enable'", "are enabled,"]),
    (
        "controller.metrics.serviceMonitor.interval=30s",
        &["'/controller/metrics/serviceMonitor/interval'", " scrapeInterval,"],
    ),
    ("controller.extraArgs.default-ssl-cert=a/b", &["'/controller/extraArgs/default-ssl-cert'", "docs/flags.md"]),
    ("defaultBackend.replicas=2", &["'/defaultBackend/replicas'", " replicaCount,"]),
    ("rbac.enabled=true", &["'/rbac/enabled'", "are create, scope"]),
    ("tcp.http=default/web:80", &["'/tcp/http'", "a port, such as 8080"]),
    ("controller.kind=Daemonset", &["'/controller/kind'", "'Deployment', 'DaemonSet', 'Both'"]),
    ("controller.replicaCount=two", &["'/controller/replicaCount'", "got string, want integer"]),
    ("controller.hostNetwork=ja", &["'/controller/hostNetwork'", "got string, want boolean"]),
    ("controller.extraEnvs.TZ=UTC", &["'/controller/extraEnvs'", "got object, want array"]),
    ("controller.containerPort.http=99999", &["'/controller/containerPort/http'", "65,535"]),
    ("controller.service.type=LoadBalanced", &["'/controller/service/type'", "'NodePort'"]),
    ("controller.service.externalTrafficPolicy=local", &["'/controller/service/externalTrafficPolicy'", "'Local'"]),
    (
        "controller.admissionWebhooks.failurePolicy=ignore",
        &["'/controller/admissionWebhooks/failurePolicy'", "'Ignore'"],
    ),
    (
        "controller.autoscaling.enabled=true,controller.keda.enabled=true",
        &["controller.keda.enabled", "expected one of them"],
    ),
    ("rbac.scope=true", &["rbac.scope", "controller.scope.enabled", "expected both or none"]),
    ("portNamePrefix=database,tcp.5432=a/b:1", &["portNamePrefix", "database-5432-tcp", "more than 15 characters"]),
];

#[test]
fn a_wrong_value_is_refused_by_its_name() {
    for (values, expected) in WRONG {
        let said = Rendered::make(&["--set", values]).err().unwrap_or_else(|| panic!("{values} is accepted"));
        for part in expected {
            assert!(said.contains(part), "{values}: expected {part}: {said}");
        }
    }
}

/// An empty value means the default of Kubernetes, or nothing, as it does with ingress-nginx.
#[test]
fn empty_values_are_not_wrong() {
    for values in [
        "controller.nodeSelector=null",
        "controller.resources=null",
        "controller.minAvailable=null",
        "controller.maxUnavailable=null",
        "controller.tolerations=null",
        "controller.service.annotations=null",
        "controller.service.nodePorts.http=null",
        "controller.livenessProbe=null",
        "controller.config=null",
        "imagePullSecrets=null",
        "tcp=null",
    ] {
        Rendered::make(&["--set", values]).unwrap_or_else(|error| panic!("{values}: {error}"));
    }
}
