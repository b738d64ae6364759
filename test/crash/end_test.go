// SPDX-License-Identifier: Apache-2.0

//go:build api

package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/test/world"
)

// end is every object of a world in the words that two worlds may share, by kind and name.
type end map[string]any

// look takes down how the world is now.
func look(ctx context.Context, w *world.World) (end, error) {
	out := end{}
	for _, list := range []client.ObjectList{
		&api.ApplicationList{}, &api.ReleaseList{}, &api.StrategyList{}, &appsv1.ControllerRevisionList{}, &appsv1.DeploymentList{},
		&corev1.PodList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &corev1.ConfigMapList{}, &corev1.SecretList{},
		&batchv1.JobList{}, &autoscalingv2.HorizontalPodAutoscalerList{}, &istionet.VirtualServiceList{}, &istionet.DestinationRuleList{}, &istionet.GatewayList{},
	} {
		if err := w.Client.List(ctx, list, client.InNamespace(w.Namespace)); err != nil {
			return nil, err
		}
		err := apimeta.EachListItem(list, func(item runtime.Object) error {
			obj, ok := item.(client.Object)
			if !ok {
				return fmt.Errorf("%T is no object", item)
			}
			words, err := shared(obj, w.Namespace)
			out[fmt.Sprintf("%T %s", obj, obj.GetName())] = words
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// shared is the object without what differs from world to world.
func shared(obj client.Object, namespace string) (any, error) {
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	var words map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(data), namespace, "NAMESPACE")), &words); err != nil {
		return nil, err
	}
	if service, ok := obj.(*corev1.Service); ok && service.Spec.ClusterIP != "" {
		delete(words, "spec") // the API server gives it an address
		words["ports"] = service.Spec.Ports
	}
	return scrub(words), nil
}

// own are the fields that belong to one run: identity, times, and words that tell of times.
var own = []string{
	"uid", "resourceVersion", "generation", "observedGeneration", "managedFields", "message", "weir.dev/applied", "evidence", "window", "nudged",
	"controller-uid", "batch.kubernetes.io/controller-uid",
}

func scrub(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Collect(maps.Keys(v)) {
			if text, ok := v[name].(string); slices.Contains(own, name) || ok && isTime(text) {
				delete(v, name)
				continue
			}
			v[name] = scrub(v[name])
			if inner, ok := v[name].(map[string]any); ok && len(inner) == 0 {
				delete(v, name)
			}
		}
	case []any:
		for i := range v {
			v[i] = scrub(v[i])
		}
	}
	return v
}

func isTime(text string) bool {
	return len(text) >= len("2006-01-02T15:04:05Z") && text[4] == '-' && text[10] == 'T' && strings.HasSuffix(text, "Z")
}
