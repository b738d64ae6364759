// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	klabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/takeover"
)

// takenKinds are the groups of the kinds that can be taken over.
var takenKinds = map[string]schema.GroupVersion{
	"Deployment": appsv1.SchemeGroupVersion, "StatefulSet": appsv1.SchemeGroupVersion, "Service": corev1.SchemeGroupVersion,
	"ServiceAccount": corev1.SchemeGroupVersion, "VirtualService": istionet.SchemeGroupVersion,
	"DestinationRule": istionet.SchemeGroupVersion, "Gateway": istionet.SchemeGroupVersion,
}

// found is what is to be taken over, as it is now.
type found struct {
	items []takeover.Item
	live  map[api.Taken]*unstructured.Unstructured
}

// find reads what is to be taken over.
func (r *Reconciler) find(ctx context.Context, app *api.Application) (found, error) {
	out := found{live: map[api.Taken]*unstructured.Unstructured{}}
	for _, t := range app.Spec.TakesOver {
		item := takeover.Item{Taken: t}
		if at := slices.IndexFunc(app.Status.Taken, func(r api.TakenRecord) bool { return r.Kind == t.Kind && r.Name == t.Name }); at >= 0 {
			item.Record = &app.Status.Taken[at]
			item.Was = replicasOf(was(item.Record))
		}
		o := blank(app.Namespace, t)
		err := r.Reader.Get(ctx, client.ObjectKeyFromObject(o), o)
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return found{}, fmt.Errorf("read %s %s, which is to be taken over: %w", t.Kind, t.Name, err)
		default:
			out.live[t] = o
			item.Going = o.GetDeletionTimestamp() != nil && t.Kind == "StatefulSet"
			item.Exists, item.Owned = o.GetDeletionTimestamp() == nil || item.Going, metav1.IsControlledBy(o, app)
			item.Exact = slices.Equal(specOf(o), specOf(was(item.Record)))
			item.Replicas = replicasOf(o)
			ready, _, _ := unstructured.NestedInt64(o.Object, "status", "readyReplicas")
			item.Ready = int32(ready)
			if moving(app, item) {
				if item.Stale, err = r.stale(ctx, o); err != nil {
					return found{}, err
				}
			}
		}
		out.items = append(out.items, item)
	}
	return out, nil
}

// blank is the object by its name alone.
func blank(namespace string, t api.Taken) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(takenKinds[t.Kind].WithKind(t.Kind))
	o.SetNamespace(namespace)
	o.SetName(t.Name)
	return o
}

// specOf is the text of the object's spec.
func specOf(o *unstructured.Unstructured) []byte {
	if o == nil {
		return nil
	}
	text, err := json.Marshal(o.Object["spec"])
	if err != nil {
		return nil
	}
	return text
}

func replicasOf(o *unstructured.Unstructured) int32 {
	if o == nil || o.GetKind() != "Deployment" {
		return 0
	}
	n, found, err := unstructured.NestedInt64(o.Object, "spec", "replicas")
	if err != nil || !found {
		return 1
	}
	return int32(n)
}

// remember is the object without what the API server adds. What is not there, or the application's already, is not waited
// for, nor given back.
func (f found) remember(app *api.Application, t api.Taken, now time.Time) (api.TakenRecord, error) {
	o := f.live[t].DeepCopy()
	if o == nil || metav1.IsControlledBy(o, app) {
		return api.TakenRecord{Kind: t.Kind, Name: t.Name, At: ptr.To(metav1.NewMicroTime(now))}, nil
	}
	delete(o.Object, "status")
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	raw, err := json.Marshal(o.Object)
	if err != nil {
		return api.TakenRecord{}, fmt.Errorf("remember %s %s: %w", t.Kind, t.Name, err)
	}
	return api.TakenRecord{Kind: t.Kind, Name: t.Name, Was: &runtime.RawExtension{Raw: raw}}, nil
}

// was is the object as it was; nil when that is not known.
func was(r *api.TakenRecord) *unstructured.Unstructured {
	if r == nil || r.Was == nil {
		return nil
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(r.Was.Raw); err != nil { // which keeps whole numbers whole
		return nil
	}
	return o
}

// shared tells whether the Service, as it was, selects the component's new pods, too. Pods that nothing is known of are those
// of a StatefulSet, which are the old ones.
func (f found) shared(i *takeover.Item, pods map[string]klabels.Set) bool {
	o := was(i.Record)
	if o == nil {
		o = f.live[i.Taken]
	}
	own, known := pods[i.Name]
	if o == nil || !known || i.Kind != "Service" {
		return true
	}
	selector, _, err := unstructured.NestedStringMap(o.Object, "spec", "selector")
	return err == nil && klabels.SelectorFromSet(selector).Matches(own)
}

// pins tells of each route whether it names versions of a Service that is not shared.
func (f found) pins(items []takeover.Item) {
	services := apart(items)
	for i := range items {
		if live := f.live[items[i].Taken]; live != nil && items[i].Kind == "VirtualService" {
			items[i].Pins = loosened(live.DeepCopy(), services)
		}
	}
}

// apart are the names of the Services of which old and new pods are not selected alike.
func apart(items []takeover.Item) map[string]bool {
	out := map[string]bool{}
	for _, i := range items {
		if i.Kind == "Service" && !i.Shared {
			out[i.Name] = true
		}
	}
	return out
}

// loosened takes the versions out of the routes' destinations that are these Services, and tells whether there were any.
func loosened(routes *unstructured.Unstructured, services map[string]bool) bool {
	return unversion(routes.Object["spec"], routes.GetNamespace(), services)
}

func unversion(value any, namespace string, services map[string]bool) (changed bool) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			changed = unversion(one, namespace, services) || changed
		}
	case map[string]any:
		host, _ := v["host"].(string)
		name, rest, dotted := strings.Cut(host, ".")
		if v["subset"] != nil && services[name] && (!dotted || rest == namespace || strings.HasPrefix(rest, namespace+".svc")) {
			delete(v, "subset")
			return true
		}
		for _, one := range v {
			changed = unversion(one, namespace, services) || changed
		}
	}
	return changed
}

// byName refuses Services that lead to ports by their names before anything is done: the application's pods have others, and
// would not be found next to the old ones.
func (f found) byName() error {
	for _, i := range f.items {
		service := &corev1.Service{}
		live := f.live[i.Taken]
		if i.Kind != "Service" || i.Owned || i.Record != nil || live == nil || decode(live, service) != nil {
			continue
		}
		for _, p := range service.Spec.Ports {
			if p.TargetPort.Type == intstr.String {
				return fmt.Errorf("nothing was taken over: Service %s leads to port %s by its name, and the application's pods have other names; "+
					"write the number in its targetPort, as weir app adopt does", i.Name, p.TargetPort.StrVal)
			}
		}
	}
	return nil
}

// podLabels are those of the pods that Deployments make, by component.
func podLabels(objects []plan.Object) map[string]klabels.Set {
	out := map[string]klabels.Set{}
	for _, o := range objects {
		if d, ok := o.(*appsv1.Deployment); ok {
			out[d.Labels[api.LabelComponent]] = d.Spec.Template.Labels
		}
	}
	return out
}

// rules are those of others under the names of the application's, as if they called the host the same.
func (f found) rules(objects []plan.Object) []plan.Object {
	var out []plan.Object
	for _, o := range objects {
		own, ok := o.(*istionet.DestinationRule)
		if !ok {
			continue
		}
		live := f.live[api.Taken{Kind: kindOf(o), Name: o.GetName()}]
		other := &istionet.DestinationRule{}
		if live == nil || decode(live, other) != nil {
			continue
		}
		if host := other.Spec.Host; strings.HasPrefix(own.Spec.Host+".", host+".") {
			other.Spec.Host = own.Spec.Host
		}
		out = append(out, other)
	}
	return out
}

func decode(from *unstructured.Unstructured, to any) error {
	text, err := from.MarshalJSON()
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}
