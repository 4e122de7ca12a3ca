{{- /* Without the hooks that run a program: the image has none but Adit. */}}
{{- define "adit.lifecycle" -}}
{{- $hooks := dict -}}
{{- range $name, $hook := .Values.controller.lifecycle -}}
{{- if and $hook (not (hasKey $hook "exec")) -}}
{{- $_ := set $hooks $name $hook -}}
{{- end -}}
{{- end -}}
{{- if $hooks -}}{{- toYaml $hooks -}}{{- end -}}
{{- end -}}

{{- /* Health says that the process answers. Only /readyz says that it serves all that it should. */}}
{{- define "adit.readinessProbe" -}}
{{- $probe := deepCopy .Values.controller.readinessProbe -}}
{{- if and $probe.httpGet (eq (default "" $probe.httpGet.path) .Values.controller.healthCheckPath) -}}
{{- $_ := set $probe.httpGet "path" "/readyz" -}}
{{- end -}}
{{- toYaml $probe -}}
{{- end -}}

{{- define "adit.streamPort.name" -}}
{{- $name := printf "%s%s-%s" (.prefix | empty | ternary "" (printf "%s-" .prefix)) .port .protocol -}}
{{- if gt (len $name) 15 -}}
{{- fail (printf "portNamePrefix: %q is too long: the port's name %q has more than 15 characters" .prefix $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- define "adit.containerPorts" -}}
{{- $controller := .Values.controller -}}
{{- $ports := include "adit.ports" . | fromYaml -}}
{{- $all := list -}}
{{- range $name := list "http" "https" "admin" "webhook" -}}
{{- with index $ports $name -}}
{{- $port := dict "name" $name "containerPort" (int .) -}}
{{- if and $controller.hostPort.enabled (has $name (list "http" "https")) -}}
{{- $_ := set $port "hostPort" (int (index $controller.hostPort.ports $name | default .)) -}}
{{- end -}}
{{- $all = append $all $port -}}
{{- end -}}
{{- end -}}
{{- range $protocol, $services := dict "tcp" .Values.tcp "udp" .Values.udp -}}
{{- range $number, $_ := $services -}}
{{- $name := include "adit.streamPort.name" (dict "prefix" $.Values.portNamePrefix "port" $number "protocol" $protocol) -}}
{{- $port := dict "name" $name "containerPort" (int $number) "protocol" (upper $protocol) -}}
{{- if $controller.hostPort.enabled -}}
{{- $_ := set $port "hostPort" (int $number) -}}
{{- end -}}
{{- $all = append $all $port -}}
{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- /* What keeps Pods apart, where the values say nothing: preferred and not required, so that one node is enough. */}}
{{- define "adit.affinity" -}}
{{- if .Values.controller.affinity -}}
{{- tpl (toYaml .Values.controller.affinity) . -}}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "adit.controller.selectorLabels" . | nindent 12 }}
{{- end -}}
{{- end -}}

{{- /* An amount of memory in bytes, as "512Mi", "2G" and a number have it. */}}
{{- define "adit.bytes" -}}
{{- $text := include "adit.text" . -}}
{{- $number := regexFind "^[0-9.]+" $text -}}
{{- $kilo := hasSuffix "i" $text | ternary 1024 1000 -}}
{{- $bytes := float64 $number -}}
{{- $unit := trimPrefix $number $text | trimSuffix "i" -}}
{{- if has $unit (list "k" "K" "M" "G" "T" "P") -}}
{{- range until (dict "k" 1 "K" 1 "M" 2 "G" 3 "T" 4 "P" 5 | dig $unit 0) -}}
{{- $bytes = mulf $bytes $kilo -}}
{{- end -}}
{{- end -}}
{{- int64 $bytes -}}
{{- end -}}

{{- /* A request above the limit is refused. Who asks for more memory than the default limit of this chart gets it as the limit. */}}
{{- define "adit.resources" -}}
{{- $resources := deepCopy .Values.controller.resources -}}
{{- $asked := index (default dict $resources.requests) "memory" -}}
{{- if and $asked (eq "1Gi" (index (default dict $resources.limits) "memory" | toString)) -}}
{{- if gt (include "adit.bytes" $asked | int64) (include "adit.bytes" "1Gi" | int64) -}}
{{- $_ := set $resources.limits "memory" $asked -}}
{{- end -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{- /* The size of the volume for temporary files: twice as much as they may have. */}}
{{- define "adit.tempVolume" -}}
{{- $size := tpl (include "adit.text" (index (default dict .Values.controller.config) "max-temp-files-size" | default "1g")) . -}}
{{- $number := regexFind "^[0-9]+" $size -}}
{{- $unit := $size | trimPrefix $number | lower -}}
{{- $units := dict "" "" "k" "Ki" "m" "Mi" "g" "Gi" -}}
{{- if and $number (hasKey $units $unit) -}}
{{- mul 2 (int64 $number) }}{{ index $units $unit }}
{{- else -}}
2Gi
{{- end -}}
{{- end -}}

{{- define "adit.pod" -}}
{{- $controller := .Values.controller -}}
{{- /* Two volumes of one name, or two mounts at one path, are refused: those of the values come first. */}}
{{- $volumes := list -}}
{{- range $controller.extraVolumes }}{{ $volumes = append $volumes .name }}{{ end -}}
{{- $mounts := list -}}
{{- range $controller.extraVolumeMounts }}{{ $mounts = append $mounts (.mountPath | toString | trimSuffix "/") }}{{ end -}}
metadata:
  labels:
    {{- include "adit.controller.labels" . | nindent 4 }}
    {{- with $controller.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $controller.podAnnotations }}
  annotations:
    {{- range $name, $value := . }}
    {{ $name }}: {{ include "adit.text" $value | quote }}
    {{- end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "adit.serviceAccount" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  # After SIGTERM new connections are accepted for 15 s. Then requests in progress have up to 240 s.
  terminationGracePeriodSeconds: {{ $controller.terminationGracePeriodSeconds }}
  {{- if $controller.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- /* With the network of the node, its DNS would resolve the names of Services. */}}
  {{- with $controller.dnsPolicy | default ($controller.hostNetwork | ternary "ClusterFirstWithHostNet" "") }}
  dnsPolicy: {{ . }}
  {{- end }}
  {{- with $controller.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $controller.hostAliases }}
  hostAliases:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  {{- with $controller.hostname }}
  hostname: {{ . }}
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $controller.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $controller.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- if $controller.shareProcessNamespace }}
  shareProcessNamespace: true
  {{- end }}
  {{- with $controller.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $controller.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  affinity:
    {{- include "adit.affinity" . | nindent 4 }}
  {{- with $controller.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml $controller.podSecurityContext | nindent 4 }}
    {{- with $controller.sysctls }}
    sysctls:
      {{- range $name, $value := . }}
      - name: {{ $name }}
        value: {{ include "adit.text" $value | quote }}
      {{- end }}
    {{- end }}
  {{- with $controller.extraInitContainers }}
  initContainers:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ $controller.containerName }}
      image: {{ include "adit.image" . }}
      imagePullPolicy: {{ $controller.image.pullPolicy }}
      args:
        {{- include "adit.arguments" . | nindent 8 }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        {{- with $controller.extraEnvs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- include "adit.containerPorts" . | nindent 8 }}
      {{- with include "adit.lifecycle" . }}
      lifecycle:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with $controller.startupProbe }}
      startupProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $controller.livenessProbe }}
      livenessProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if $controller.readinessProbe }}
      readinessProbe:
        {{- include "adit.readinessProbe" . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- toYaml $controller.containerSecurityContext | nindent 8 }}
      {{- if $controller.resources }}
      resources:
        {{- include "adit.resources" . | nindent 8 }}
      {{- end }}
      {{- with $controller.resizePolicy }}
      resizePolicy:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        {{- if not (has "/tmp" $mounts) }}
        - name: tmp
          mountPath: /tmp
        {{- end }}
        {{- with $controller.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $controller.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- if not (has "tmp" $volumes) }}
    # Temporary files, of bodies that are buffered: more than the ConfigMap's max-temp-files-size, or the Pod is evicted.
    - name: tmp
      emptyDir:
        sizeLimit: {{ include "adit.tempVolume" . }}
    {{- end }}
    {{- with $controller.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
