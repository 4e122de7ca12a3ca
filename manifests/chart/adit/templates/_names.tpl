{{- define "adit.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "adit.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (default .Chart.Name .Values.nameOverride) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "adit.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "adit.controller" -}}
{{- printf "%s-%s" (include "adit.fullname" .) .Values.controller.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* Of the ValidatingWebhookConfiguration, its Service, and the Secret with its certificate. */}}
{{- define "adit.admission" -}}
{{- printf "%s-%s" (include "adit.fullname" .) .Values.controller.admissionWebhooks.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The ConfigMaps that settings and TCP and UDP services are read from, as NAMESPACE/NAME: those of this chart, and those
       that values name. */}}
{{- define "adit.settings" -}}
{{- $controller := .Values.controller -}}
{{- $own := include "adit.namespace" . -}}
{{- $fullname := include "adit.fullname" . -}}
{{- $all := list (printf "%s/%s" (default $own $controller.configMapNamespace) (include "adit.controller" .)) -}}
{{- range $name := list "custom-add-headers" "custom-proxy-headers" -}}
{{- $all = append $all (printf "%s/%s-%s" $own $fullname $name) -}}
{{- end -}}
{{- range $protocol := list "tcp" "udp" -}}
{{- $all = append $all (printf "%s/%s-%s" (default $own (index $controller $protocol).configMapNamespace) $fullname $protocol) -}}
{{- end -}}
{{- range $flag := list "configmap" "tcp-services-configmap" "udp-services-configmap" -}}
{{- with index (default dict $controller.extraArgs) $flag -}}
{{- $all = append $all (toString . | replace "$(POD_NAMESPACE)" $own) -}}
{{- end -}}
{{- end -}}
{{- range $key := list "add-headers" "proxy-set-headers" "error-pages" -}}
{{- with index (default dict $controller.config) $key -}}
{{- $all = append $all (tpl (include "adit.text" .) $) -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{- define "adit.settings.namespaces" -}}
{{- $namespaces := list -}}
{{- range include "adit.settings" . | fromJsonArray -}}
{{- $namespaces = append $namespaces (dir .) -}}
{{- end -}}
{{- $namespaces | uniq | toJson -}}
{{- end -}}

{{- define "adit.settings.names" -}}
{{- $names := list -}}
{{- range include "adit.settings" . | fromJsonArray -}}
{{- $names = append $names (base .) -}}
{{- end -}}
{{- $names | uniq | toJson -}}
{{- end -}}

{{- /* The ConfigMap with the ports on which Gateways are served that have Services of their own. */}}
{{- define "adit.gatewayPorts" -}}
{{- printf "%s-gateway-ports" (include "adit.publishService" . | base) -}}
{{- end -}}

{{- define "adit.defaultBackend" -}}
{{- printf "%s-%s" (include "adit.fullname" .) .Values.defaultBackend.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "adit.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "adit.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "adit.defaultBackend.serviceAccount" -}}
{{- if .Values.defaultBackend.serviceAccount.create -}}
{{- default (printf "%s-backend" (include "adit.fullname" .)) .Values.defaultBackend.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.defaultBackend.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* Of the Lease. */}}
{{- define "adit.electionId" -}}
{{- $default := printf "%s-leader" (include "adit.fullname" .) -}}
{{- index .Values.controller.extraArgs "election-id" | default .Values.controller.electionID | default $default -}}
{{- end -}}

{{- /* The labels by which Pods are found; they never change. */}}
{{- define "adit.selectorLabels" -}}
app.kubernetes.io/name: {{ include "adit.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "adit.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "adit.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "adit.name" . | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "adit.controller.labels" -}}
{{ include "adit.labels" . }}
app.kubernetes.io/component: controller
{{- with .Values.controller.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "adit.controller.selectorLabels" -}}
{{ include "adit.selectorLabels" . }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "adit.admission.labels" -}}
{{ include "adit.labels" . }}
app.kubernetes.io/component: admission
{{- with .Values.controller.admissionWebhooks.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "adit.metrics.labels" -}}
{{ include "adit.labels" . }}
app.kubernetes.io/component: metrics
{{- end -}}

{{- define "adit.defaultBackend.labels" -}}
{{ include "adit.labels" . }}
app.kubernetes.io/component: default-backend
{{- with .Values.defaultBackend.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "adit.defaultBackend.selectorLabels" -}}
{{ include "adit.selectorLabels" . }}
app.kubernetes.io/component: default-backend
{{- end -}}

{{- /* Templates that values files of ingress-nginx include, for example in affinities. */}}
{{- define "ingress-nginx.name" }}{{ include "adit.name" . }}{{ end -}}
{{- define "ingress-nginx.fullname" }}{{ include "adit.fullname" . }}{{ end -}}
{{- define "ingress-nginx.namespace" }}{{ include "adit.namespace" . }}{{ end -}}
{{- define "ingress-nginx.controller.fullname" }}{{ include "adit.controller" . }}{{ end -}}
{{- define "ingress-nginx.defaultBackend.fullname" }}{{ include "adit.defaultBackend" . }}{{ end -}}
{{- define "ingress-nginx.selectorLabels" }}{{ include "adit.selectorLabels" . }}{{ end -}}
{{- define "ingress-nginx.labels" }}{{ include "adit.labels" . }}{{ end -}}

{{- /* A value as text. Numbers come as floats, which would be written with an exponent. */}}
{{- define "adit.text" -}}
{{- if and (kindIs "float64" .) (eq (float64 (int64 .)) .) -}}
{{- printf "%d" (int64 .) -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}
