{{- /* The rules of manifests/base and manifests/components: a test compares them. */}}
{{- define "adit.rules.own" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create] # cannot be limited to a name
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "adit.electionId" . }}]
  verbs: [get, update]
{{- end -}}

{{- /* What flags name in the own namespace, where another one is watched. */}}
{{- define "adit.rules.named" -}}
- apiGroups: [""]
  resources: [services, secrets, configmaps]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- end -}}

{{- /* In every namespace that is watched. */}}
{{- define "adit.rules.watched" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
# Secrets contain certificates. ConfigMaps contain what annotations and flags name.
- apiGroups: [""]
  resources: [services, secrets, configmaps]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- if ne (index .Values.controller.extraArgs "update-status" | toString) "false" }}
# Writes the addresses that `kubectl get ingress` shows.
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
{{- end }}
# Writes the errors and warnings that `kubectl describe` shows.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}

{{- /* Of what is in no namespace. */}}
{{- define "adit.rules.cluster" -}}
{{- $controller := .Values.controller -}}
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list, watch]
{{- if or $controller.scope.namespaceSelector (hasKey $controller.extraArgs "watch-namespace-selector") }}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- end }}
{{- /* The addresses of nodes are in statuses where no Service has one for clients; their zones are for topology. */}}
{{- $service := $controller.service }}
{{- $type := $service.external.enabled | ternary $service.type (default $service.type $service.internal.type) }}
{{- $isNodePort := and (eq $type "NodePort") (not $controller.publishService.pathOverride) }}
{{- $byZone := or $controller.enableTopologyAwareRouting (hasKey $controller.extraArgs "enable-topology-aware-routing") }}
{{- if or (not (include "adit.publishService" .)) $isNodePort $byZone }}
- apiGroups: [""]
  resources: [nodes]
  verbs: [get]
{{- end }}
{{- end -}}

{{- /* For Gateway API, which has a class in no namespace. */}}
{{- define "adit.rules.gateways" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources:
    [gatewayclasses, gateways, listenersets, httproutes, grpcroutes, tlsroutes, tcproutes, udproutes, referencegrants,
     backendtlspolicies]
  verbs: [list, watch]
# What Gateway API has no filter for.
- apiGroups: [adit.dev]
  resources: [aditpolicies]
  verbs: [list, watch]
# A listener may choose the namespaces of its routes by their labels.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- if ne (index .Values.controller.extraArgs "update-status" | toString) "false" }}
# Writes conditions, the addresses of Gateways, and the features of classes.
- apiGroups: [gateway.networking.k8s.io]
  resources:
    [gatewayclasses/status, gateways/status, listenersets/status, httproutes/status, grpcroutes/status, tlsroutes/status,
     tcproutes/status, udproutes/status, backendtlspolicies/status]
  verbs: [patch]
- apiGroups: [adit.dev]
  resources: [aditpolicies/status]
  verbs: [patch]
{{- end }}
{{- end -}}

{{- /* For Services of Gateways. Rights cannot be limited to objects with a label. */}}
{{- define "adit.rules.gatewayServices" -}}
- apiGroups: [""]
  resources: [services]
  verbs: [create, patch, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [create, patch, delete]
{{- end -}}

{{- /* The ports on which Adit serves these Gateways. */}}
{{- define "adit.rules.gatewayServices.own" -}}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create] # cannot be limited to a name
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "adit.gatewayPorts" . }}]
  verbs: [patch]
{{- end -}}

{{- /* The Secret with the certificate, which all replicas show and the one that holds the Lease renews. */}}
{{- define "adit.rules.admission.own" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [create] # cannot be limited to a name
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "adit.admission" . }}]
  verbs: [get, update]
{{- end -}}

{{- /* Writes the certificate that the API server is to believe into the ValidatingWebhookConfiguration. */}}
{{- define "adit.rules.admission.cluster" -}}
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingwebhookconfigurations]
  resourceNames: [{{ include "adit.admission" . }}]
  verbs: [get, patch]
{{- end -}}
