{{- /* Whether the values name the image of ingress-nginx: its name, or a version as it has them. "true" or "". */}}
{{- define "adit.image.isForeign" -}}
{{- $image := .Values.controller.image -}}
{{- $name := default $image.image $image.repository -}}
{{- $isNamed := regexMatch "(ingress-nginx|nginx-ingress)([/-]controller)?(-chroot)?$" $name -}}
{{- if or $isNamed (and (eq $name "adit") (regexMatch "^v[01]\\.[0-9]+" (toString $image.tag))) -}}
true
{{- end -}}
{{- end -}}

{{- /* A registry that has no Adit. */}}
{{- define "adit.registry" -}}
{{- $registry := default .Values.global.image.registry .Values.controller.image.registry -}}
{{- if or (not $registry) (eq $registry "registry.k8s.io") (eq $registry "k8s.gcr.io") -}}
{{- index .Chart.Annotations "adit.dev/image" | dir -}}
{{- else -}}
{{- $registry -}}
{{- end -}}
{{- end -}}

{{- define "adit.image" -}}
{{- $image := .Values.controller.image -}}
{{- if include "adit.image.isForeign" . -}}
{{- printf "%s/adit:%s" (include "adit.registry" .) .Chart.AppVersion -}}
{{- else -}}
{{- $name := default (printf "%s/%s" (include "adit.registry" .) $image.image) $image.repository -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion (toString $image.tag)) -}}
{{- with $image.digest -}}@{{ . }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "adit.defaultBackend.image" -}}
{{- $image := .Values.defaultBackend.image -}}
{{- $registry := default .Values.global.image.registry $image.registry | default "registry.k8s.io" -}}
{{- default (printf "%s/%s" $registry $image.image) $image.repository }}:{{ $image.tag }}
{{- with $image.digest -}}@{{ . }}{{- end -}}
{{- end -}}
