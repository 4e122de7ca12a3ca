{{- /* Of a HorizontalPodAutoscaler for the Deployment of this name: .values, .name, .extra (metrics). */}}
{{- define "adit.autoscaler.spec" -}}
scaleTargetRef:
  apiVersion: apps/v1
  kind: Deployment
  name: {{ .name }}
minReplicas: {{ .values.minReplicas }}
maxReplicas: {{ .values.maxReplicas }}
metrics:
  {{- range $resource, $percent := dict "cpu" .values.targetCPUUtilizationPercentage "memory" .values.targetMemoryUtilizationPercentage }}
  {{- if $percent }}
  - type: Resource
    resource:
      name: {{ $resource }}
      target:
        type: Utilization
        averageUtilization: {{ $percent }}
  {{- end }}
  {{- end }}
  {{- with .extra }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .values.behavior }}
behavior:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
