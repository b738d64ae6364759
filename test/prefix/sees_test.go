// SPDX-License-Identifier: Apache-2.0

package prefix

import (
	"slices"
	"strings"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"weir.dev/weir/internal/plan"
)

// TestSeededBugsAreSeen: a controller that writes in another order, or something else, is found out.
func TestSeededBugsAreSeen(t *testing.T) {
	for name, tt := range map[string]struct {
		bug  manner
		want string
	}{
		"subsets go with the routes to them": {manner{writes: func(objects, _ []plan.Object) ([]plan.Object, []plan.Object) { return objects, nil }}, "missing or has no pods"},
		"routes come first": {manner{writes: func(objects, live []plan.Object) ([]plan.Object, []plan.Object) {
			first, later := plan.Sequence(objects, live)
			slices.Reverse(first)
			return first, later
		}}, "which is missing"},
		"ports go with the routes to them": {manner{writes: func(objects, live []plan.Object) ([]plan.Object, []plan.Object) {
			first, later := plan.Sequence(objects, live)
			return append(first, later...), nil
		}}, "which is missing"},
		"what goes, goes first":              {manner{writes: plan.Sequence, first: true}, "missing or has no pods"},
		"weights that do not sum to 100":     {spoiled(lighter), "sum to 9"},
		"a subset that is forgotten":         {spoiled(lessSubsets), "missing or has no pods"},
		"pods that go before their routes":   {spoiled(noPods), "missing or has no pods"},
		"a second writer of a host's routes": {manner{writes: twice[*istio.VirtualService]}, "both write the routes of"},
		"a second writer of a host's rules":  {manner{writes: twice[*istio.DestinationRule]}, "both write the rules of"},
		"a port that is forgotten":           {spoiled(otherPort), "leads to port"},
	} {
		t.Run(name, func(t *testing.T) {
			var said []string
			seen := func() bool { return strings.Contains(strings.Join(said, "\n"), tt.want) }
			for seed := uint64(0); seed < 30 && !seen(); seed++ {
				err := walkAs(tt.bug, seed, 40, func(_ string, stored Stored, _ plan.Object) {
					if len(said) == 0 || len(said) < 100 && !seen() {
						said = append(said, stored.faults()...)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if !seen() {
				t.Errorf("found %q, want %q", said, tt.want)
			}
		})
	}
}

// spoiled writes in the right order, but each object is spoiled.
func spoiled(spoil func(plan.Object)) manner {
	each := func(all []plan.Object) []plan.Object {
		var out []plan.Object
		for _, o := range all {
			o, _ = o.DeepCopyObject().(plan.Object)
			spoil(o)
			out = append(out, o)
		}
		return out
	}
	return manner{writes: func(objects, live []plan.Object) ([]plan.Object, []plan.Object) {
		first, later := plan.Sequence(objects, live)
		return each(first), each(later)
	}}
}

func lighter(o plan.Object) {
	if vs, ok := o.(*istio.VirtualService); ok && len(vs.Spec.Http) > 0 && len(vs.Spec.Http[0].Route) > 0 {
		vs.Spec.Http[0].Route[0].Weight--
	}
}

func lessSubsets(o plan.Object) {
	if rule, ok := o.(*istio.DestinationRule); ok && len(rule.Spec.Subsets) > 1 {
		rule.Spec.Subsets = rule.Spec.Subsets[1:]
	}
}

func noPods(o plan.Object) {
	if d, ok := o.(*appsv1.Deployment); ok && ptr.Deref(d.Spec.Replicas, 1) > 1 {
		d.Spec.Replicas = new(int32)
	}
}

func otherPort(o plan.Object) {
	if vs, ok := o.(*istio.VirtualService); ok && len(vs.Spec.Http) > 0 && len(vs.Spec.Http[0].Route) > 0 {
		vs.Spec.Http[0].Route[0].Destination.Port = &networking.PortSelector{Number: 6666}
	}
}

// twice writes what is of the kind again under another name.
func twice[K plan.Object](objects, live []plan.Object) (first, later []plan.Object) {
	first, later = plan.Sequence(objects, live)
	for _, o := range objects {
		if _, ok := o.(K); ok {
			again, _ := o.DeepCopyObject().(plan.Object)
			again.SetName(o.GetName() + "-too")
			first = append(first, again)
		}
	}
	return first, later
}
