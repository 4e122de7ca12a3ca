{{- /* The ports that Adit listens on, by the names of the container's ports. */}}
{{- define "adit.ports" -}}
{{- $controller := .Values.controller -}}
{{- $extra := $controller.extraArgs -}}
{{- $http := index $extra "http-port" | default $controller.containerPort.http -}}
{{- $https := index $extra "https-port" | default $controller.containerPort.https -}}
http: {{ $http }}
{{- /* Where TLS ends at a load balancer, files of ingress-nginx name the port of HTTP twice: there it is no port to listen on. */}}
https: {{ eq (toString $https) (toString $http) | ternary 443 $https }}
admin: {{ index $extra "healthz-port" | default $controller.metrics.port }}
{{- if $controller.admissionWebhooks.enabled }}
webhook: {{ $controller.admissionWebhooks.port }}
{{- end }}
{{- end -}}

{{- /* The Service whose addresses are written into the status of Ingresses, or "" for those of a flag or of nodes. */}}
{{- define "adit.publishService" -}}
{{- $controller := .Values.controller -}}
{{- if hasKey $controller.extraArgs "publish-status-address" -}}
{{- else if and $controller.publishService.enabled $controller.publishService.pathOverride -}}
{{- $controller.publishService.pathOverride -}}
{{- else if and $controller.publishService.enabled $controller.service.enabled -}}
{{- if $controller.service.external.enabled -}}
$(POD_NAMESPACE)/{{ include "adit.controller" . }}
{{- else if $controller.service.internal.enabled -}}
$(POD_NAMESPACE)/{{ include "adit.controller" . }}-internal
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What extraArgs names takes the place of the chart's own. */}}
{{- define "adit.arguments" -}}
{{- $controller := .Values.controller -}}
{{- $namespace := "$(POD_NAMESPACE)" -}}
{{- $args := list -}}
{{- $args = append $args (printf "--controller-class=%s" $controller.ingressClassResource.controllerValue) -}}
{{- if $controller.gatewayClassResource.enabled -}}
{{- $args = append $args (printf "--gateway-controller=%s" $controller.gatewayClassResource.controllerValue) -}}
{{- end -}}
{{- with $controller.ingressClass -}}
{{- $args = append $args (printf "--ingress-class=%s" .) -}}
{{- end -}}
{{- $configNamespace := default $namespace $controller.configMapNamespace -}}
{{- $args = append $args (printf "--configmap=%s/%s" $configNamespace (include "adit.controller" .)) -}}
{{- $args = append $args (printf "--election-id=%s" (include "adit.electionId" .)) -}}
{{- with include "adit.publishService" . -}}
{{- $args = append $args (printf "--publish-service=%s" .) -}}
{{- end -}}
{{- if .Values.defaultBackend.enabled -}}
{{- $args = append $args (printf "--default-backend-service=%s/%s" $namespace (include "adit.defaultBackend" .)) -}}
{{- end -}}
{{- if .Values.tcp -}}
{{- $tcpNamespace := default $namespace $controller.tcp.configMapNamespace -}}
{{- $args = append $args (printf "--tcp-services-configmap=%s/%s-tcp" $tcpNamespace (include "adit.fullname" .)) -}}
{{- end -}}
{{- if .Values.udp -}}
{{- $udpNamespace := default $namespace $controller.udp.configMapNamespace -}}
{{- $args = append $args (printf "--udp-services-configmap=%s/%s-udp" $udpNamespace (include "adit.fullname" .)) -}}
{{- end -}}
{{- if $controller.scope.enabled -}}
{{- $args = append $args (printf "--watch-namespace=%s" (default $namespace $controller.scope.namespace)) -}}
{{- else if $controller.scope.namespaceSelector -}}
{{- $args = append $args (printf "--watch-namespace-selector=%s" $controller.scope.namespaceSelector) -}}
{{- end -}}
{{- if or $controller.ingressClassByName .Values.rbac.scope -}}
{{- /* With a Role only, IngressClasses cannot be read. */}}
{{- $args = append $args "--ingress-class-by-name" -}}
{{- end -}}
{{- if $controller.watchIngressWithoutClass -}}
{{- $args = append $args "--watch-ingress-without-class" -}}
{{- end -}}
{{- if $controller.reportNodeInternalIp -}}
{{- $args = append $args "--report-node-internal-ip-address" -}}
{{- end -}}
{{- if $controller.enableTopologyAwareRouting -}}
{{- $args = append $args "--enable-topology-aware-routing" -}}
{{- end -}}
{{- if $controller.disableLeaderElection -}}
{{- $args = append $args "--disable-leader-election" -}}
{{- end -}}
{{- with $controller.electionTTL -}}
{{- $args = append $args (printf "--election-ttl=%s" .) -}}
{{- end -}}
{{- with $controller.healthCheckHost -}}
{{- $args = append $args (printf "--healthz-host=%s" .) -}}
{{- end -}}
{{- if ne $controller.healthCheckPath "/healthz" -}}
{{- $args = append $args (printf "--health-check-path=%s" $controller.healthCheckPath) -}}
{{- end -}}
{{- $ports := include "adit.ports" . | fromYaml -}}
{{- range $flag, $port := dict "http" "80" "https" "443" "healthz" "10254" -}}
{{- $chosen := index $ports (eq $flag "healthz" | ternary "admin" $flag) | include "adit.text" -}}
{{- if ne $chosen $port -}}
{{- $args = append $args (printf "--%s-port=%s" $flag $chosen) -}}
{{- end -}}
{{- end -}}
{{- if $controller.admissionWebhooks.enabled -}}
{{- $args = append $args (printf "--validating-webhook=:%s" (include "adit.text" $controller.admissionWebhooks.port)) -}}
{{- $args = append $args (printf "--validating-webhook-name=%s" (include "adit.admission" .)) -}}
{{- end -}}
{{- $all := list "serve" -}}
{{- range $args -}}
{{- if not (hasKey $controller.extraArgs (. | trimPrefix "--" | splitList "=" | first)) -}}
{{- $all = append $all . -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $controller.extraArgs -}}
{{- $text := include "adit.text" $value -}}
{{- $all = append $all (eq $text "" | ternary (printf "--%s" $name) (printf "--%s=%s" $name $text)) -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}
