// SPDX-License-Identifier: Apache-2.0

package takeover

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// KeptPorts are those of the Service that the component took over, as they were; none when it took over none.
func KeptPorts(app *api.Application, component string) []corev1.ServicePort {
	for _, r := range app.Status.Taken {
		var service corev1.Service
		if r.Kind == "Service" && r.Name == component && r.Was != nil && json.Unmarshal(r.Was.Raw, &service) == nil {
			return service.Spec.Ports
		}
	}
	return nil
}

// NamedBy is the Service by which the pods of the StatefulSet that the component took over have names of their own; empty
// when it took over none.
func NamedBy(app *api.Application, component string) string {
	for _, r := range app.Status.Taken {
		var set appsv1.StatefulSet
		if r.Kind == "StatefulSet" && r.Name == component && r.Was != nil && json.Unmarshal(r.Was.Raw, &set) == nil {
			return set.Spec.ServiceName
		}
	}
	return ""
}
