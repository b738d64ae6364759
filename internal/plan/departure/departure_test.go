// SPDX-License-Identifier: Apache-2.0

package departure

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

var start = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func shop(uses map[string][]string) *api.Application {
	a := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop", UID: "1"}}
	for _, name := range []string{"page", "reviews", "ratings"} {
		c := api.Component{Name: name, Image: name + ":v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Uses: uses[name]}
		if name == "page" {
			c.Expose = &api.Expose{}
		}
		a.Spec.Components = append(a.Spec.Components, c)
	}
	return a
}

// world is what the cluster would do: objects vanish when they are told to, pods some time after their workloads.
type world struct {
	Seen
	log []string
}

func newWorld(t *testing.T, a *api.Application) *world {
	t.Helper()
	in := plan.Input{Application: a}
	for _, c := range a.Spec.Components {
		in.Components = append(in.Components, plan.Component{
			Spec: c, Versions: map[string]api.Component{"v1": c}, Wanted: []api.VersionWanted{{Version: "v1", Replicas: 1, Subset: true, Weight: 100}},
		})
	}
	objects, err := plan.Objects(in)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Seen: Seen{Application: a, Objects: objects}}
	for _, c := range a.Spec.Components {
		w.Pods = append(w.Pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: c.Name, Labels: map[string]string{api.LabelComponent: c.Name, "app.kubernetes.io/managed-by": "weir"},
			OwnerReferences: []metav1.OwnerReference{{Name: c.Name}},
		}})
	}
	return w
}

func (w *world) take(now time.Time, s Step) {
	if s.Closed {
		w.log = append(w.log, "closed")
		w.Closed = now
	}
	for _, o := range s.Take {
		w.log = append(w.log, kind(o)+" "+o.GetName())
		w.Objects = slices.DeleteFunc(w.Objects, func(other plan.Object) bool { return other == o })
		for i := range w.Pods {
			if runs(o) && component(&w.Pods[i]) == component(o) {
				w.Pods[i].DeletionTimestamp = &metav1.Time{Time: now.Add(35 * time.Second)}
			}
		}
	}
}

func (w *world) play(t *testing.T, podsTake time.Duration) time.Duration {
	t.Helper()
	for now := start; now.Before(start.Add(time.Hour)); now = now.Add(500 * time.Millisecond) {
		w.Pods = slices.DeleteFunc(w.Pods, func(p corev1.Pod) bool {
			gone := p.DeletionTimestamp != nil && !now.Before(p.DeletionTimestamp.Add(podsTake-35*time.Second))
			if gone {
				w.log = append(w.log, "gone "+p.Name)
			}
			return gone
		})
		step := Next(now, w.Seen)
		if step.Done {
			return now.Sub(start)
		}
		if step.Message == "" {
			t.Fatalf("a step without words: %+v", step)
		}
		w.take(now, step)
	}
	t.Fatalf("it does not end: %v", w.log)
	return 0
}

func TestOrder(t *testing.T) {
	w := newWorld(t, shop(map[string][]string{"page": {"reviews"}, "reviews": {"ratings"}}))
	w.play(t, 6*time.Second)
	want := []string{
		"VirtualService shop-gateway", "Gateway shop", "closed",
		"Deployment page-v1", "gone page", "Deployment reviews-v1", "gone reviews", "Deployment ratings-v1", "gone ratings",
		"VirtualService page", "VirtualService ratings", "VirtualService reviews",
		"DestinationRule page", "DestinationRule ratings", "DestinationRule reviews",
		"Service page", "Service ratings", "Service reviews", "ServiceAccount page", "ServiceAccount ratings", "ServiceAccount reviews",
	}
	if diff := cmp.Diff(want, w.log); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestPodsThatDoNotEnd(t *testing.T) {
	w := newWorld(t, shop(nil))
	if took := w.play(t, time.Hour); took > 2*time.Minute {
		t.Errorf("a dead node keeps the application for %s", took)
	}
}

func TestUnfinishedReleaseGoesFirst(t *testing.T) {
	a := shop(nil)
	r := &api.Release{TypeMeta: metav1.TypeMeta{Kind: "Release"}, ObjectMeta: metav1.ObjectMeta{Name: "reviews-v2"}, Status: api.ReleaseStatus{Phase: api.ReleaseShifting}}
	w := newWorld(t, a)
	w.Objects = append(w.Objects, r)
	if first := Next(start, w.Seen).Take[0]; first != plan.Object(r) {
		t.Errorf("the first to go is %s %s", kind(first), first.GetName())
	}
}

func TestLayers(t *testing.T) {
	for name, test := range map[string]struct {
		uses map[string][]string
		want [][]string
	}{
		"a chain":                 {map[string][]string{"page": {"reviews"}, "reviews": {"ratings"}}, [][]string{{"page"}, {"reviews"}, {"ratings"}}},
		"nobody calls":            {nil, [][]string{{"page", "ratings", "reviews"}}},
		"a ring with a caller":    {map[string][]string{"page": {"reviews"}, "reviews": {"ratings"}, "ratings": {"reviews"}}, [][]string{{"page"}, {"ratings", "reviews"}}},
		"a ring that calls":       {map[string][]string{"page": {"reviews"}, "reviews": {"page", "ratings"}}, [][]string{{"page", "reviews"}, {"ratings"}}},
		"all in a ring":           {map[string][]string{"page": {"reviews"}, "reviews": {"ratings"}, "ratings": {"page"}}, [][]string{{"page", "ratings", "reviews"}}},
		"who is not there":        {map[string][]string{"page": {"nobody"}}, [][]string{{"page", "ratings", "reviews"}}},
		"somebody calls themself": {map[string][]string{"page": {"page", "ratings"}}, [][]string{{"page", "reviews"}, {"ratings"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Seen{Application: shop(test.uses)}.layers()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
