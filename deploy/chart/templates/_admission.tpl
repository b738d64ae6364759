{{- /* The fields of a PodSpec, as CEL writes a list of texts. */ -}}
{{- define "weir.podFields" -}}
'volumes', 'initContainers', 'containers', 'ephemeralContainers', 'restartPolicy', 'terminationGracePeriodSeconds', 'activeDeadlineSeconds', 'dnsPolicy', 'nodeSelector', 'serviceAccountName', 'serviceAccount', 'automountServiceAccountToken', 'nodeName', 'hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'securityContext', 'imagePullSecrets', 'hostname', 'subdomain', 'affinity', 'schedulerName', 'tolerations', 'hostAliases', 'priorityClassName', 'priority', 'dnsConfig', 'readinessGates', 'runtimeClassName', 'enableServiceLinks', 'preemptionPolicy', 'overhead', 'topologySpreadConstraints', 'setHostnameAsFQDN', 'os', 'hostUsers', 'schedulingGates', 'resourceClaims', 'resources', 'hostnameOverride', 'workloadRef', 'schedulingGroup'
{{- end }}

{{- /* The hosts and paths of an exposed component, in CEL; none means all. */ -}}
{{- define "weir.hosts" -}}
(has({{ . }}.expose.hosts) && {{ . }}.expose.hosts.size() > 0 ? {{ . }}.expose.hosts : ['*'])
{{- end }}
{{- define "weir.paths" -}}
(has({{ . }}.expose.paths) && {{ . }}.expose.paths.size() > 0 ? {{ . }}.expose.paths : ['/'])
{{- end }}
