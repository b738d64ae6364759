// SPDX-License-Identifier: Apache-2.0

package mesh

// Envoy's own bounds for a histogram, in milliseconds: those of a latency that people notice, with an edge at every
// round number a limit is likely to be set at. The key is the prefix of the metric's name.
const histogramBuckets = `{"istio":[1,2,5,10,25,50,75,100,150,200,250,300,400,500,750,1000,2500,5000,10000,30000]}`

// Histograms are merged once per interval, so a longer one would make latency older than the count of requests.
const statsInterval = "1s"

var statsAnnotations = map[string]any{
	"sidecar.istio.io/statsHistogramBuckets": histogramBuckets,
	"sidecar.istio.io/statsFlushInterval":    statsInterval,
}

// systemValues switches off the filters that only Istio's build of Envoy has, and Istio's metrics that need them.
func systemValues(image Image, replicas int) map[string]any {
	return map[string]any{
		"autoscaleEnabled": false,
		"replicaCount":     replicas,
		"resources":        requests("10m", "64Mi"),
		"traceSampling":    100.0,
		"env": map[string]any{
			"PILOT_ENABLE_ALPN_FILTER":               "false",
			"PILOT_ENABLE_METADATA_EXCHANGE":         "false",
			"DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES": "weir-system",
		},
		"global": map[string]any{
			"hub":             image.Hub,
			"tag":             image.Tag,
			"imagePullPolicy": "IfNotPresent",
			"proxy":           map[string]any{"resources": requests("10m", "40Mi")},
		},
		"meshConfig": map[string]any{
			"defaultProviders": map[string]any{"metrics": []any{}},
		},
		"sidecarInjectorWebhook": map[string]any{"injectedAnnotations": statsAnnotations},
	}
}

func gatewayValues() map[string]any {
	return map[string]any{
		"autoscaling":    map[string]any{"enabled": false},
		"replicaCount":   1,
		"resources":      requests("10m", "40Mi"),
		"podAnnotations": statsAnnotations,
		// The pod template names no image that istiod would not replace, so the usual policy would be to pull.
		"imagePullPolicy": "IfNotPresent",
		// Istio's own probe comes every 15 s, so a gateway that misses the first would be late by that much.
		"readinessProbe": map[string]any{
			"httpGet":          map[string]any{"path": "/healthz/ready", "port": 15021},
			"periodSeconds":    1,
			"failureThreshold": 4,
		},
		"service": map[string]any{
			"type": "NodePort",
			"ports": []any{
				servicePort("status-port", 15021, 0),
				servicePort("http2", 80, GatewayNodePort),
				servicePort("https", 443, 0),
			},
		},
	}
}

func requests(cpu, memory string) map[string]any {
	return map[string]any{"requests": map[string]any{"cpu": cpu, "memory": memory}}
}

func servicePort(name string, port, nodePort int) map[string]any {
	fields := map[string]any{"name": name, "port": port, "protocol": "TCP", "targetPort": port}
	if nodePort != 0 {
		fields["nodePort"] = nodePort
	}
	return fields
}
