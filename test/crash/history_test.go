// SPDX-License-Identifier: Apache-2.0

//go:build api

package crash_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/test/world"
)

// change is one write to the API server, as a watch tells of it.
type change struct {
	revision int64
	// seen is when the test learned of it; it happened before.
	seen   time.Time
	gone   bool
	object client.Object
}

// history is everything that happened to the objects that matter for requests.
type history struct {
	mu      sync.Mutex
	changes []change
}

// record begins to write down what happens in the world, until the context ends.
func record(ctx context.Context, w *world.World) (*history, error) {
	h := &history{}
	for _, list := range []client.ObjectList{
		&istionet.VirtualServiceList{}, &istionet.DestinationRuleList{}, &appsv1.DeploymentList{}, &corev1.PodList{}, &api.ReleaseList{},
	} {
		if err := w.Client.List(ctx, list, client.InNamespace(w.Namespace)); err != nil {
			return nil, err
		}
		// The API server ends a watch when it likes; a change that was missed would look like one that was not made.
		stream, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), &cache.ListWatch{
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				return w.Client.Watch(ctx, list, client.InNamespace(w.Namespace), &client.ListOptions{Raw: &o})
			},
		})
		if err != nil {
			return nil, err
		}
		go h.follow(stream)
		context.AfterFunc(ctx, stream.Stop)
	}
	return h, nil
}

func (h *history) follow(stream watch.Interface) {
	for event := range stream.ResultChan() {
		obj, ok := event.Object.(client.Object)
		if !ok || event.Type == watch.Bookmark || event.Type == watch.Error {
			continue
		}
		revision, _ := strconv.ParseInt(obj.GetResourceVersion(), 10, 64) // the API server's are numbers
		h.mu.Lock()
		h.changes = append(h.changes, change{revision, time.Now(), event.Type == watch.Deleted, obj})
		h.mu.Unlock()
	}
}

// ordered is what happened so far, in the order in which it did.
func (h *history) ordered() []change {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := slices.Clone(h.changes)
	slices.SortStableFunc(out, func(a, b change) int { return cmp.Compare(a.revision, b.revision) })
	return out
}

// weights are the shares that callers of reviews were given, one after the other, from a revision on.
func (h *history) weights(from int64) []map[string]int32 {
	var out []map[string]int32
	for _, c := range h.ordered() {
		vs, ok := c.object.(*istionet.VirtualService)
		if !ok || vs.Name != "reviews" || c.gone || c.revision < from {
			continue
		}
		if w := world.Weights(vs); len(out) == 0 || !equal(out[len(out)-1], w) {
			out = append(out, w)
		}
	}
	return out
}

// phases are those that each release passed.
func (h *history) phases() map[string][]api.ReleasePhase {
	out := map[string][]api.ReleasePhase{}
	for _, c := range h.ordered() {
		release, ok := c.object.(*api.Release)
		if !ok || c.gone || release.Status.Phase == "" {
			continue
		}
		passed := out[release.Name]
		if len(passed) == 0 || passed[len(passed)-1] != release.Status.Phase {
			out[release.Name] = append(passed, release.Status.Phase)
		}
	}
	return out
}
