// SPDX-License-Identifier: Apache-2.0

// Package inventory tells what goes when an Application is deleted, what stays and why, and what nobody owns any more.
package inventory

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "weir.dev/weir/api/v1alpha1"
)

// Item is one object.
type Item struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Why it stays, or goes although nothing of ours owns it; empty when the kind says enough.
	Why string `json:"why,omitempty"`
}

// Reference is an object of somebody else that names one which goes.
type Reference struct {
	From Item
	// Kind and Name of what it names, in the same namespace.
	Kind, Name string
}

// Departure is what deleting an Application comes to.
type Departure struct {
	Goes []Item `json:"goes"`
	// Returns are what was taken over, and is given back.
	Returns []Item `json:"returns,omitempty"`
	Stays   []Item `json:"stays,omitempty"`
	// Dangles are objects of others that would name what is gone.
	Dangles []Item `json:"dangles,omitempty"`
}

// Of tells what goes with the Application, out of all objects of its namespace, each with its kind and owners.
func Of(app *api.Application, all []metav1.PartialObjectMetadata, references []Reference) Departure {
	out := Departure{Goes: []Item{{Kind: "Application", Name: app.Name}}, Returns: returning(app, all)}
	going := descendants(app.UID, all, out.Returns)
	gone := map[Item]bool{}
	for _, o := range all {
		if going[o.UID] {
			item := Item{Kind: o.Kind, Name: o.Name}
			out.Goes = append(out.Goes, item)
			gone[item] = true
		}
	}
	slices.SortStableFunc(out.Goes, inOrder)
	for _, r := range references {
		if gone[Item{Kind: r.Kind, Name: r.Name}] && !gone[Item{Kind: r.From.Kind, Name: r.From.Name}] {
			item := r.From
			item.Why = "it names " + r.Kind + " " + r.Name
			out.Dangles = append(out.Dangles, item)
		}
	}
	slices.SortFunc(out.Dangles, byKind)
	out.Dangles = slices.Compact(out.Dangles)
	out.Stays = staying(app, all, going)
	return out
}

// descendants are the objects that the owner owns, and what those own, but for what is given back.
func descendants(owner types.UID, all []metav1.PartialObjectMetadata, returns []Item) map[types.UID]bool {
	out := map[types.UID]bool{}
	for grown := true; grown; {
		grown = false
		for _, o := range all {
			back := func(i Item) bool { return i.Kind == o.Kind && i.Name == o.Name }
			if out[o.UID] || o.UID == owner || slices.ContainsFunc(returns, back) {
				continue
			}
			for _, ref := range o.OwnerReferences {
				if ref.UID == owner || out[ref.UID] {
					out[o.UID], grown = true, true
				}
			}
		}
	}
	return out
}

// order is the one in which kinds go; others come before the accounts.
var order = []string{
	"Application", "Release", "Gateway", "HTTPRoute", "CronJob", "Job", "Deployment", "ReplicaSet", "StatefulSet", "Pod", "VirtualService",
	"DestinationRule", "Sidecar", "AuthorizationPolicy", "ServiceEntry", "Service", "EndpointSlice", "", "ServiceAccount",
	"ControllerRevision",
}

func inOrder(a, b Item) int {
	return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

func rank(kind string) int {
	if i := slices.Index(order, kind); i >= 0 {
		return i
	}
	return slices.Index(order, "")
}

func byKind(a, b Item) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Why, b.Why))
}

// Orphans are objects that say they are of an Application, and that nobody owns: it is gone, or another one has its name by
// now and does not want them. A pod of an Application that is there may be on its way from one owner to another.
func Orphans(apps []api.Application, all []metav1.PartialObjectMetadata) []metav1.PartialObjectMetadata {
	known := map[string]bool{}
	for _, a := range apps {
		known[a.Name] = true
	}
	there := map[types.UID]bool{}
	for _, o := range all {
		there[o.UID] = true
	}
	var out []metav1.PartialObjectMetadata
	for _, o := range all {
		name := o.Labels[api.LabelApplication]
		owned := slices.ContainsFunc(o.OwnerReferences, func(r metav1.OwnerReference) bool { return there[r.UID] })
		passing := known[name] && o.Kind == "Pod"
		if name != "" && !passing && !owned && o.Labels["app.kubernetes.io/managed-by"] == "weir" && o.Kind != "PersistentVolumeClaim" {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b metav1.PartialObjectMetadata) int {
		return inOrder(Item{Kind: a.Kind, Name: a.Name}, Item{Kind: b.Kind, Name: b.Name})
	})
	return out
}

func named(all []metav1.PartialObjectMetadata, kind, name string) bool {
	return slices.ContainsFunc(all, func(o metav1.PartialObjectMetadata) bool { return o.Kind == kind && o.Name == name })
}

// claimOf tells whether the claim was made from one of the component's, for one of its pods.
func claimOf(name string, c api.Component) bool {
	return slices.ContainsFunc(c.Claims, func(claim api.Claim) bool {
		number, ok := strings.CutPrefix(name, claim.Name+"-"+c.Name+"-")
		return ok && number != "" && strings.Trim(number, "0123456789") == ""
	})
}
