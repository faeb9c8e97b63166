{{- define "rollcall.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* `rollcall` for a release of that name, else `RELEASE-rollcall`. */ -}}
{{- define "rollcall.fullname" -}}
{{- $name := include "rollcall.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "rollcall.selector" -}}
app.kubernetes.io/name: {{ include "rollcall.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "rollcall.labels" -}}
{{ include "rollcall.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: rollcall
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "rollcall.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rollcall.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rollcall.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ $tag }}{{ end -}}
{{- end -}}
{{- end -}}

{{- /* As a comma-separated list; empty: all. A Namespaced operator watches its own namespace unless told otherwise. */ -}}
{{- define "rollcall.namespaces" -}}
{{- if .Values.watchNamespaces -}}
{{- .Values.watchNamespaces | uniq | sortAlpha | join "," -}}
{{- else if eq .Values.rbac.scope "Namespaced" -}}
{{- .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{- /* What the operator may do where its objects are. */ -}}
{{- define "rollcall.rules" -}}
- apiGroups: [rollcall.dev]
  resources: [managedsystems, reconmappings, situationpolicies]
  verbs: [get, list, watch]
- apiGroups: [rollcall.dev]
  resources: [managedsystems/status, reconmappings/status, situationpolicies/status]
  verbs: [get, patch]
# Read whole when a run needs them; watched by their metadata only.
- apiGroups: ['']
  resources: [secrets, configmaps]
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
