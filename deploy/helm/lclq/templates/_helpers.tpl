{{- define "lclq.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Whether messages are in a volume. */}}
{{- define "lclq.hasVolume" -}}
{{- if and .Values.persistence.enabled (not .Values.store.existingSecret) -}}yes{{- end -}}
{{- end -}}

{{/* A pod's name has "-0" after it, and has to fit into 63 letters with its hash. */}}
{{- define "lclq.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "lclq.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lclq.selectorLabels" -}}
app.kubernetes.io/name: {{ include "lclq.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lclq.labels" -}}
{{ include "lclq.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "lclq.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lclq.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "lclq.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The names that the Service and the pod are reached by, and those of the values. */}}
{{- define "lclq.allowHosts" -}}
{{- $short := include "lclq.fullname" . -}}
{{- $names := list -}}
{{- range $service := list $short (printf "%s-headless" $short) -}}
{{- $inside := printf "%s.%s" $service $.Release.Namespace -}}
{{- $names = concat $names (list $service $inside (printf "%s.svc" $inside) (printf "%s.svc.%s" $inside $.Values.clusterDomain)) -}}
{{- end -}}
{{- range $number := until (int .Values.replicas) -}}
{{- $pod := printf "%s-%d.%s-headless" $short $number $short -}}
{{- $inside := printf "%s.%s" $pod $.Release.Namespace -}}
{{- $names = concat $names (list $pod $inside (printf "%s.svc" $inside) (printf "%s.svc.%s" $inside $.Values.clusterDomain)) -}}
{{- end -}}
{{- concat $names .Values.allowHosts | join "," -}}
{{- end -}}

{{- define "lclq.credentialsSecret" -}}
{{- if .Values.credentials.existingSecret -}}
{{- .Values.credentials.existingSecret -}}
{{- else if .Values.credentials.file -}}
{{- printf "%s-credentials" (include "lclq.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* Settings that would leave nobody able to do anything, or that contradict each other. */}}
{{- define "lclq.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.store.existingSecret) -}}
{{- fail "replicas: more than one need store.existingSecret: each would have messages of its own" -}}
{{- end -}}
{{- if and .Values.tls.only (not .Values.tls.existingSecret) -}}
{{- fail "tls.only needs tls.existingSecret: there would be nothing to speak TLS with" -}}
{{- end -}}
{{- if and (or (eq .Values.auth.sqs "enforce") (eq .Values.auth.pubsub "enforce")) (not (include "lclq.credentialsSecret" .)) -}}
{{- fail "auth.sqs or auth.pubsub: enforce needs credentials.existingSecret or credentials.file: nobody could come in" -}}
{{- end -}}
{{- end -}}
