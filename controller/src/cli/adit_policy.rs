//! What is made from the registry for AditPolicies: their CustomResourceDefinition, and the page about them.

use super::markdown::{code, row};
use crate::annotation::{Annotation, FieldType, field_text, policy_field, policy_fields};
use crate::gateway_api::OWN_GROUP;
use std::fmt::Write as _;

const PAGE: &str = "\
# AditPolicy

Generated from the code by `make docs`.

What Gateway API has no filter for, such as limits, authentication and address lists, a rule of an HTTPRoute or of a GRPCRoute gets
by an AditPolicy. Its fields are [annotations](annotations.md): `limit-rps` is `limitRps`. Each means the same and is read the same way.

```yaml
apiVersion: adit.dev/v1alpha1
kind: AditPolicy
metadata: {name: guarded, namespace: shop}
spec: {limitRps: 10, authType: basic, authSecret: users}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
  - matches: [{path: {value: /admin}}]
    filters: [{type: ExtensionRef, extensionRef: {group: adit.dev, kind: AditPolicy, name: guarded}}]
    backendRefs: [{name: shop, port: 80}]
```

In a cluster, AditPolicies need their CustomResourceDefinition and the right to watch them. Both are in
`manifests/install/gateway-api.yaml`, and in [the chart](chart.md) with `controller.gatewayClassResource.enabled=true`. Adit watches them
while there is a GatewayClass of its own, and nothing has to be restarted when the definition comes.

## Rules and policies

* A policy is one of the route's own namespace. It has no effect until a rule names it, and then on all requests of that rule.
* A rule may name several policies. Together they count as one, so no two of them may have the same field. Any number of rules and routes
  may name the same policy.
* What a rule says itself counts before what its policies say: the filters `CORS`, `ExternalAuth`, `RequestRedirect` and `URLRewrite`,
  `timeouts`, `retry` and `sessionPersistence`. Filters of headers and mirrors act beside the policies. A
  [BackendTLSPolicy](gateway-api.md#tls-to-backends) counts before `backendProtocol` and `proxySsl*`. Filters of one backend cannot name a
  policy.
* `limitRps`, `limitRpm` and `limitConnections` count what a client asks of all rules with the same policy together, whatever route they
  are in. For limits of their own, give rules policies of their own. Each replica of Adit counts for itself.
* `rewriteTarget` replaces the whole path. With a match of the type `RegularExpression`, `$1` to `$9` are its groups; other matches have
  none. For a prefix, use the filter `URLRewrite`.
* The ConfigMap's `global-auth-url` holds for routes of Gateway API, too. `enableGlobalAuth: false` in a policy, or an `authUrl`, takes its
  place, and the filter [`ExternalAuth`](gateway-api.md#externalauth) that of both. Paths of `no-auth-locations` need no authentication, if
  the match names them and the rule has no such filter. `satisfy: any` and redirects cannot stand beside it. `$host` cannot stand in the
  URL: the routes answer 503.
* `authUrl`, `mirrorTarget` and `defaultBackend` lead to any server, as the annotations do; no ReferenceGrant is asked for.
* Settings of a Service's port, such as `loadBalance`, `slowStart` or `serviceUpstream`, are those of the oldest Ingress that uses it. If
  there is none, they are those of the oldest route whose policies have such a field.
* With `affinity: cookie`, a client stays at one endpoint of one of the rule's backends, whatever their weights are, and also where that
  one has no weight any more. Who has a session with a backend that the rule does not name, or that has no endpoint, begins another one.
  With a match of the type `RegularExpression`, the cookie is for all paths unless `sessionCookiePath` says otherwise.
* `configurationSnippet` cannot have `location` or `auth_request`. The ConfigMap's own snippets are for Ingresses.
* Rules of GRPCRoutes cannot have `backendProtocol`, which is their Services' `appProtocol`, nor redirects and `rewriteTarget`.
* The ConfigMap's `annotations-risk-level`, `allow-snippet-annotations`, `annotation-value-word-blocklist` and
  `allow-cross-namespace-resources` hold for fields as for annotations.

## What is wrong

Nothing that a rule asks for is left out in silence. `adit check` and Events tell of the policy, by its field and value, and of each rule
that names it. The statuses of the route and of the policy have conditions.

| what | what becomes of the rule's requests | condition of the route | condition of the policy |
|---|---|---|---|
| the policy does not exist | 500 | `ResolvedRefs` is false, `FilterNotFound` | |
| another group or kind | 500 | `ResolvedRefs` is false, `InvalidKind` | |
| two policies of the rule with one field | 500 | `PartiallyInvalid`, or `Accepted` is false for `UnsupportedValue` if no rule is left | none: each by itself is right |
| a name that is no field; a list or a mapping | 500 | the same | `Accepted` is false, `Invalid` |
| an invalid value of a field that must be valid, such as `limitRps` | 500 | the same | `Accepted` is false, `Invalid` |
| an invalid value of a field that protects, such as `authSecret` | 503 | `PartiallyInvalid` | `Accepted` is false, `Invalid` |
| an invalid value of another field | they are served with the default | none | `PartiallyInvalid`, `UnsupportedValue` |

A call of gRPC gets `UNAVAILABLE`. Other rules are served. When the policy, or what it names, is there and right, the rule is
served at once.

What Gateway API says by itself is no field: redirects to HTTPS (a listener for HTTP and the filter `RequestRedirect`), canaries (matches
and weights), and what is about a host and not a rule, such as `server-alias`, `app-root`, or `auth-tls-secret` (the Gateway's
`spec.tls.frontend`).

`adit explain` shows which fields of which policies act on a request.

## Status

```console
$ kubectl get aditpolicies
NAME      ACCEPTED   AGE
guarded   True       3d
$ kubectl describe aditpolicy guarded          # with the messages of the conditions
```

* `status.ancestors` has an entry for each Gateway that has a route with a rule that names the policy, as other policies of Gateway API
  have it: at most 16, and those that other controllers write are kept. A policy that no rule names has none.
* `Accepted` is true where rules with the policy are served, and false where they are not. `PartiallyInvalid` is there where they are
  served without something that the policy says.
* Their messages have a line for all that is wrong with the policy by itself: the field, its value, what is expected, and what happens
  instead. What is wrong with a rule is in the status of its route.

## Fields

A switch is `true` or `false`. A quantity is a whole number or a text, such as `8m`. All others are as the column says; a text that YAML
would read as something else needs quotes. Nothing is set by a field that is not there.
";

/// The page `adit-policy`.
pub(super) fn markdown() -> String {
    let mut page = PAGE.to_owned();
    for family in Annotation::families() {
        let fields = family.settings.iter().filter_map(|annotation| Some((policy_field(annotation)?, annotation)));
        let fields: Vec<_> = fields.collect();
        if fields.is_empty() {
            continue;
        }
        let _ = write!(page, "\n### {}\n\n", family.title);
        row(&mut page, &["field", "type", "meaning"]);
        page.push_str("|---|---|---|\n");
        for (field, annotation) in fields {
            let kind = match policy_fields()[&field].1 {
                FieldType::Boolean | FieldType::Switch => "switch",
                FieldType::Integer => "whole number",
                FieldType::Quantity => "quantity",
                FieldType::Text => "text",
            };
            row(&mut page, &[&code(&field), kind, &field_text(annotation)]);
        }
    }
    page
}

const DEFINITION: &str = "\
# Generated from the code by `make docs`: what Gateway API has no filter for, see docs/adit-policy.md.
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: aditpolicies.GROUP
  labels:
    app.kubernetes.io/name: adit
    app.kubernetes.io/component: controller
    app.kubernetes.io/instance: adit
    app.kubernetes.io/part-of: adit
    app.kubernetes.io/version: VERSION
  annotations:
    # Without it, all policies would go with the release.
    helm.sh/resource-policy: keep
spec:
  group: GROUP
  scope: Namespaced
  names: { kind: AditPolicy, listKind: AditPolicyList, plural: aditpolicies, singular: aditpolicy }
  versions:
    - name: v1alpha1
      served: true
      storage: true
      subresources: { status: {} }
      additionalPrinterColumns:
        - name: Accepted
          type: string
          description: Whether rules with the policy are served. Empty where no rule names it.
          jsonPath: .status.ancestors[*].conditions[?(@.type==\"Accepted\")].status
        - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }
      schema:
        openAPIV3Schema:
          type: object
          description: What rules of HTTPRoutes and GRPCRoutes get that name it as an ExtensionRef.
          required: [spec]
          properties:
            apiVersion: { type: string }
            kind: { type: string }
            metadata: { type: object }
            spec:
              type: object
              description: What the rules get. Nothing is set by a field that is not there.
              properties:
";

/// As Gateway API has it for policies of all kinds.
const STATUS: &str = r#"            status:
              type: object
              description: What became of the policy.
              properties:
                ancestors:
                  type: array
                  description: An entry for each Gateway whose routes have rules that name the policy.
                  maxItems: 16
                  x-kubernetes-list-type: atomic
                  items:
                    type: object
                    required: [ancestorRef, controllerName, conditions]
                    properties:
                      ancestorRef:
                        type: object
                        description: The Gateway.
                        required: [name]
                        properties:
                          group: { type: string, default: gateway.networking.k8s.io }
                          kind: { type: string, default: Gateway }
                          namespace: { type: string }
                          name: { type: string }
                          sectionName: { type: string }
                          port: { type: integer, format: int32 }
                      controllerName:
                        type: string
                        description: Whose Gateway it is, as its GatewayClass says.
                      conditions:
                        type: array
                        description: What holds of the policy there.
                        maxItems: 8
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [type]
                        items:
                          type: object
                          required: [type, status, lastTransitionTime, reason, message]
                          properties:
                            type: { type: string, maxLength: 316 }
                            status: { type: string, enum: ["True", "False", Unknown] }
                            observedGeneration: { type: integer, format: int64, minimum: 0 }
                            lastTransitionTime: { type: string, format: date-time }
                            reason: { type: string, minLength: 1, maxLength: 1024 }
                            message: { type: string, maxLength: 32768 }
"#;

/// The CustomResourceDefinition.
pub(super) fn definition() -> String {
    let mut text = DEFINITION.replace("GROUP", OWN_GROUP).replace("VERSION", env!("CARGO_PKG_VERSION"));
    for (field, (annotation, kind)) in policy_fields() {
        let kind = match kind {
            FieldType::Boolean | FieldType::Switch => "type: boolean",
            FieldType::Integer => "type: integer",
            FieldType::Quantity => "x-kubernetes-int-or-string: true",
            FieldType::Text => "type: string",
        };
        // A text of JSON is one of YAML.
        let description = serde_json::Value::from(field_text(annotation));
        let _ = writeln!(text, "                {field}:");
        let _ = writeln!(text, "                  {kind}");
        let _ = writeln!(text, "                  description: {description}");
    }
    text + STATUS
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_definition_has_every_field_with_its_type() {
        let definition: Value = serde_saphyr::from_str(&definition()).expect("YAML");
        assert_eq!(definition["metadata"]["name"], "aditpolicies.adit.dev");
        let version = &definition["spec"]["versions"][0];
        assert_eq!(format!("{OWN_GROUP}/{}", version["name"].as_str().expect("a name")), crate::gateway_api::OWN_API);
        let schema = &version["schema"]["openAPIV3Schema"];
        let fields = schema["properties"]["spec"]["properties"].as_object().expect("fields");
        assert!(fields.keys().eq(policy_fields().keys()), "{fields:?}");
        assert_eq!(fields["limitRps"]["type"], "integer");
        assert_eq!(fields["proxyBuffering"]["type"], "boolean");
        assert_eq!(fields["proxyBodySize"]["x-kubernetes-int-or-string"], true);
        // As the writer of statuses counts on.
        assert_eq!(version["subresources"], json!({"status": {}}));
        let ancestors = &schema["properties"]["status"]["properties"]["ancestors"];
        assert_eq!(ancestors["maxItems"], 16);
        let condition = &ancestors["items"]["properties"]["conditions"]["items"]["properties"];
        assert_eq!(
            (&condition["message"]["maxLength"], &condition["status"]["enum"][0]),
            (&json!(32768), &json!("True"))
        );
        let says =
            |field: &str, text: &str| fields[field]["description"].as_str().is_some_and(|said| said.contains(text));
        assert!(says("limitRpm", "as `limitRps` does") && says("proxyBodySize", "the ConfigMap's `proxy-body-size`"));
    }

    #[test]
    fn the_page_has_every_field_once() {
        let page = markdown();
        for field in policy_fields().keys() {
            assert_eq!(page.matches(&format!("\n| `{field}` |")).count(), 1, "{field}");
        }
    }
}
