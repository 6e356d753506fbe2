{{- define "headrace.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "headrace.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "headrace.labels" -}}
{{ include "headrace.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "headrace.secret" -}}
{{- if .Values.keys.existingSecret -}}
{{- if .Values.keys.create -}}
{{- fail "keys: set existingSecret or create, not both" -}}
{{- end -}}
{{- .Values.keys.existingSecret -}}
{{- else if .Values.keys.create -}}
{{- include "headrace.fullname" . -}}
{{- end -}}
{{- end -}}

{{- define "headrace.settings" -}}
{{- if not (or .Values.config.backends .Values.config.discovery) -}}
{{- fail "config.backends: no engine is named. Set one, --set 'config.backends[0].url=http://vllm-0.vllm:8000', or have them found by config.discovery; examples/ has whole files for -f" -}}
{{- end -}}
{{- range $key, $instead := dict "listen" "it is 0.0.0.0:8900; set service.port for clients" "admin" "it is 0.0.0.0:8901" "drain" "set drain.delay and drain.timeout, in seconds" -}}
{{- if hasKey $.Values.config $key -}}
{{- fail (printf "config.%s: the chart makes it: %s" $key $instead) -}}
{{- end -}}
{{- end -}}
{{- $drain := dict "delay" (printf "%ds" (int .Values.drain.delay)) "timeout" (printf "%ds" (int .Values.drain.timeout)) -}}
{{- $ours := dict "listen" "0.0.0.0:8900" "admin" "0.0.0.0:8901" "drain" $drain -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $ours "tls" (dict "listen" (dict "certificate" "/run/headrace-tls/tls.crt" "key" "/run/headrace-tls/tls.key")) -}}
{{- end -}}
{{- toYaml (merge $ours .Values.config) -}}
{{- end -}}
