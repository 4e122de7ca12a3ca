{{- /* The fields of a Service that have the name of their value: .values, .type. */}}
{{- define "adit.service.fields" -}}
{{- $values := .values -}}
{{- $spec := dict "type" .type -}}
{{- /* Kubernetes refuses the others where the type does not have them. */}}
{{- $fields := list "clusterIP" "clusterIPs" "externalIPs" "sessionAffinity" "ipFamilyPolicy" "ipFamilies" -}}
{{- if ne .type "ClusterIP" -}}
{{- $fields = append $fields "externalTrafficPolicy" -}}
{{- end -}}
{{- if eq .type "LoadBalancer" -}}
{{- $fields = concat $fields (list "loadBalancerIP" "loadBalancerSourceRanges" "loadBalancerClass" "healthCheckNodePort") -}}
{{- if hasKey $values "allocateLoadBalancerNodePorts" -}}
{{- $_ := set $spec "allocateLoadBalancerNodePorts" $values.allocateLoadBalancerNodePorts -}}
{{- end -}}
{{- end -}}
{{- range $field := $fields -}}
{{- with index $values $field -}}
{{- $_ := set $spec $field . -}}
{{- end -}}
{{- end -}}
{{- if and $values.trafficDistribution (semverCompare ">=1.31.0-0" .version) -}}
{{- $_ := set $spec "trafficDistribution" $values.trafficDistribution -}}
{{- end -}}
{{- toYaml $spec -}}
{{- end -}}

{{- /* The ports of a Service for clients: .root, .values, .type. What the internal one leaves out is as with the other. */}}
{{- define "adit.service.ports" -}}
{{- $service := .root.Values.controller.service -}}
{{- $values := .values -}}
{{- $hasNodePorts := has .type (list "NodePort" "LoadBalancer") -}}
{{- $all := list -}}
{{- range $name, $enabled := dict "http" $service.enableHttp "https" $service.enableHttps -}}
{{- if $enabled -}}
{{- $number := index $values.ports $name | default (index $service.ports $name) -}}
{{- $target := index $values.targetPorts $name | default (index $service.targetPorts $name) -}}
{{- $port := dict "name" $name "port" (int $number) "protocol" "TCP" "targetPort" $target -}}
{{- if $values.appProtocol -}}
{{- $_ := set $port "appProtocol" $name -}}
{{- end -}}
{{- $node := index $values.nodePorts $name -}}
{{- if and $hasNodePorts $node -}}
{{- $_ := set $port "nodePort" (int $node) -}}
{{- end -}}
{{- $all = append $all $port -}}
{{- end -}}
{{- end -}}
{{- range $protocol, $services := dict "tcp" .root.Values.tcp "udp" .root.Values.udp -}}
{{- range $number, $_ := $services -}}
{{- $name := include "adit.streamPort.name" (dict "prefix" $.root.Values.portNamePrefix "port" $number "protocol" $protocol) -}}
{{- $port := dict "name" $name "port" (int $number) "protocol" (upper $protocol) "targetPort" $name -}}
{{- $node := index (index $values.nodePorts $protocol | default dict) $number -}}
{{- if and $hasNodePorts $node -}}
{{- $_ := set $port "nodePort" (int $node) -}}
{{- end -}}
{{- $all = append $all $port -}}
{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- /* A Service for clients: .root, .values, .type, .name, .labels. */}}
{{- define "adit.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ include "adit.namespace" .root }}
  labels:
    {{- include "adit.controller.labels" .root | nindent 4 }}
    {{- with .root.Values.controller.service.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .values.annotations }}
  annotations:
    {{- range $name, $value := . }}
    {{ $name }}: {{ tpl (include "adit.text" $value) $.root | quote }}
    {{- end }}
  {{- end }}
spec:
  {{- include "adit.service.fields" (dict "values" .values "type" .type "version" .root.Capabilities.KubeVersion.Version) | nindent 2 }}
  selector:
    {{- include "adit.controller.selectorLabels" .root | nindent 4 }}
  ports:
    {{- include "adit.service.ports" . | nindent 4 }}
{{- end -}}
