// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "weir.dev/weir/api/v1alpha1"
)

// staying is what the Application names or has made, and that is not deleted with it.
func staying(app *api.Application, all []metav1.PartialObjectMetadata, going map[types.UID]bool) []Item {
	s := stay{all: all}
	for _, c := range app.Spec.Components {
		s.claims(c)
		for _, v := range c.Volumes {
			s.add("ConfigMap", v.ConfigMap, ours)
			s.add("Secret", v.Secret, ours)
			s.add("PersistentVolumeClaim", v.Claim, ours)
		}
		s.settings(c)
		for _, name := range c.PullSecrets {
			s.add("Secret", name, ours)
		}
		s.add("Strategy", c.Strategy, "other applications may name it; kubectl delete strategy "+c.Strategy)
	}
	for _, o := range all {
		if o.Labels[api.LabelApplication] == app.Name && !going[o.UID] && o.UID != app.UID && len(o.OwnerReferences) == 0 &&
			o.Kind != "PersistentVolumeClaim" {
			s.add(o.Kind, o.Name, "it has the label "+api.LabelApplication+", but the application does not own it")
		}
	}
	slices.SortFunc(s.items, byKind)
	return slices.Compact(s.items)
}

// settings are what the component's environment is read from.
func (s *stay) settings(c api.Component) {
	for _, e := range c.EnvFrom {
		if e.ConfigMapRef != nil {
			s.add("ConfigMap", e.ConfigMapRef.Name, ours)
		}
		if e.SecretRef != nil {
			s.add("Secret", e.SecretRef.Name, ours)
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		if ref := e.ValueFrom.ConfigMapKeyRef; ref != nil {
			s.add("ConfigMap", ref.Name, ours)
		}
		if ref := e.ValueFrom.SecretKeyRef; ref != nil {
			s.add("Secret", ref.Name, ours)
		}
	}
}

// returning is what was taken over and would be given back, as long as there is anybody to give it to.
func returning(app *api.Application, all []metav1.PartialObjectMetadata) []Item {
	var out []Item
	owed := false
	for _, t := range app.Spec.TakesOver {
		i := slices.IndexFunc(app.Status.Taken, func(r api.TakenRecord) bool { return r.Kind == t.Kind && r.Name == t.Name && r.Was != nil })
		if i < 0 || t.Kind == "ServiceAccount" {
			continue
		}
		owed = owed || t.Kind == "StatefulSet" || t.Kind == "Deployment" && named(all, t.Kind, t.Name)
		out = append(out, Item{Kind: t.Kind, Name: t.Name, Why: returns[t.Kind]})
	}
	if !owed {
		return nil
	}
	return out
}

// returns are the words for what is given back.
var returns = map[string]string{
	"Deployment":      "gets its pods again, before the application's own go",
	"StatefulSet":     "its pods go on running",
	"Service":         "leads to the old pods again",
	"VirtualService":  "is as it was",
	"DestinationRule": "is as it was",
	"Gateway":         "is as it was",
}

const (
	ours = "it was made by you; the application only reads it"
	data = "what pods have stored outlives them"
)

type stay struct {
	all   []metav1.PartialObjectMetadata
	items []Item
}

// add takes what is there.
func (s *stay) add(kind, name, why string) {
	if name != "" && named(s.all, kind, name) {
		s.items = append(s.items, Item{Kind: kind, Name: name, Why: why})
	}
}

func (s *stay) claims(c api.Component) {
	for _, o := range s.all {
		if o.Kind == "PersistentVolumeClaim" && claimOf(o.Name, c) {
			s.items = append(s.items, Item{Kind: o.Kind, Name: o.Name, Why: data + "; kubectl delete pvc " + o.Name})
		}
	}
}
