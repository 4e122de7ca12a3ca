{{- /* Values that have no effect, or another than they say: a line for each reason. */}}
{{- define "adit.notes" -}}
{{- $controller := .Values.controller -}}
{{- range $entry := .Files.Get "files/without-effect.yaml" | fromYamlArray }}
{{- $set := list }}
{{- range $path := $entry.values }}
{{- $value := $.Values }}
{{- range splitList "." $path }}
{{- $value = kindIs "map" $value | ternary (index ($value | default dict) .) nil }}
{{- end }}
{{- if $value }}
{{- $set = append $set $path }}
{{- end }}
{{- end }}
{{- with $set }}
{{- include "adit.note" (dict "values" . "why" $entry.why) }}
{{- end }}
{{- end }}
{{- if include "adit.image.isForeign" . }}
{{- include "adit.note" (dict "values" "controller.image" "why" (printf "it names the image of ingress-nginx; the Pods have %s" (include "adit.image" .))) }}
{{- end }}
{{- range $name, $hook := $controller.lifecycle }}
{{- if and $hook (hasKey $hook "exec") }}
{{- include "adit.note" (dict "values" (printf "controller.lifecycle.%s" $name) "why" "the image has no programs but Adit, which needs no hook to end without losing requests") }}
{{- end }}
{{- end }}
{{- if eq (toString $controller.enableAnnotationValidations) "false" }}
{{- include "adit.note" (dict "values" "controller.enableAnnotationValidations" "why" "annotations are always validated") }}
{{- end }}
{{- $asked := dig "httpGet" "path" "" ($controller.readinessProbe | default dict) }}
{{- if eq $asked $controller.healthCheckPath }}
{{- include "adit.note" (dict "values" "controller.readinessProbe.httpGet.path" "why" "/readyz is asked, which succeeds when all is served; health does so before") }}
{{- end }}
{{- with keys (omit $controller.containerPort "http" "https") | sortAlpha }}
{{- include "adit.note" (dict "values" (printf "controller.containerPort: %s" (join ", " .)) "why" "Adit listens on the ports http and https") }}
{{- end }}
{{- $monitoring := or $controller.metrics.serviceMonitor.enabled $controller.metrics.prometheusRule.enabled }}
{{- if and $monitoring (not $controller.metrics.enabled) }}
{{- include "adit.note" (dict "values" "controller.metrics.serviceMonitor, controller.metrics.prometheusRule" "why" "controller.metrics.enabled is false") }}
{{- end }}
{{- if and (or $controller.autoscaling.enabled $controller.keda.enabled) (eq $controller.kind "DaemonSet") }}
{{- include "adit.note" (dict "values" "controller.autoscaling, controller.keda" "why" "a DaemonSet has a Pod on each node") }}
{{- end }}
{{- $spread := toYaml (list $controller.affinity $controller.topologySpreadConstraints) }}
{{- if and (ne (include "adit.name" .) "ingress-nginx") (regexMatch "(- |: )[\"']?ingress-nginx[\"']?(\n|$)" $spread) }}
{{- include "adit.note" (dict "values" "controller.affinity, controller.topologySpreadConstraints" "why" "they select Pods of the name ingress-nginx; set nameOverride: ingress-nginx, or change them") }}
{{- end }}
{{- end -}}

{{- define "adit.note" }}
* {{ kindIs "slice" .values | ternary (join ", " .values) (toString .values) }}:
  {{ .why }}
{{- end -}}
