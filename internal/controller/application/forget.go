// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/revision"
)

// forget deletes versions, their copies and records of releases beyond the limit of history. What is about to be deleted is
// looked at once more past the cache: a version that is named by now must stay.
func (r *Reconciler) forget(ctx context.Context, s snapshot, wants []want) error {
	if len(surplus(s, wants)) == 0 {
		return nil
	}
	fresh := *r
	fresh.Client = uncached{r.Client, r.Reader}
	var app api.Application
	if err := r.Reader.Get(ctx, client.ObjectKeyFromObject(s.app), &app); err != nil {
		return client.IgnoreNotFound(err)
	}
	s, err := fresh.gather(ctx, &app)
	if err != nil {
		return err
	}
	wants = nil
	for _, c := range app.Spec.Components {
		wants = append(wants, decide(s, c))
	}
	for _, obj := range surplus(s, wants) {
		err := r.Client.Delete(ctx, obj, client.Preconditions{UID: ptr.To(obj.GetUID()), ResourceVersion: ptr.To(obj.GetResourceVersion())})
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("forget %s: %w", kube.Describe(obj), err)
		}
		logf.FromContext(ctx).V(1).Info("forgotten", "object", kube.Describe(obj))
	}
	return nil
}

// uncached reads past the cache.
type uncached struct {
	client.Client
	reader client.Reader
}

func (u uncached) Get(ctx context.Context, key client.ObjectKey, obj client.Object, o ...client.GetOption) error {
	return u.reader.Get(ctx, key, obj, o...)
}

func (u uncached) List(ctx context.Context, list client.ObjectList, o ...client.ListOption) error {
	return u.reader.List(ctx, list, o...)
}

// surplus is what may be forgotten, the records of releases first and copies last, so that nothing names what is gone.
func surplus(s snapshot, wants []want) []client.Object {
	limit := int(ptr.Deref(s.app.Spec.RevisionHistoryLimit, revision.DefaultHistory))
	inUse := map[string]map[string]bool{}
	for _, w := range wants {
		inUse[w.component.Name] = map[string]bool{w.current: true, w.desired: true}
		for _, v := range w.versions {
			inUse[w.component.Name][v.Version] = true
		}
	}
	var releases, revisions []client.Object
	used := s.used(wants)
	for component, kept := range s.kept {
		over, named := past(s.releases[component], limit)
		releases = append(releases, over...)
		gone := map[string]bool{}
		for _, version := range revision.Surplus(numbered(kept), inUse[component], named, limit) {
			gone[version] = true
		}
		for i := range kept {
			version := kept[i].Labels[api.LabelVersion]
			if gone[version] {
				revisions = append(revisions, &kept[i])
				continue
			}
			s.mark(used, component, version)
		}
	}
	return append(append(releases, revisions...), idle(s.copies, used)...)
}

// used are the copies that are about to be named by a version.
func (s snapshot) used(wants []want) map[config.Object]bool {
	out := map[config.Object]bool{}
	for _, w := range wants {
		for _, copied := range w.copies {
			out[copied.Object()] = true
		}
	}
	return out
}

// mark adds the copies that a version names. Where there are no copies, none needs to be looked for.
func (s snapshot) mark(used map[config.Object]bool, component, version string) {
	if len(s.copies) == 0 {
		return
	}
	for _, o := range config.Objects(s.revisions[component][version]) {
		used[o] = true
	}
}

// past returns the ended releases beyond the limit, never the newest, and the versions that the others name.
func past(releases []api.Release, limit int) (over []client.Object, named map[string]bool) {
	named = map[string]bool{}
	for i := range releases {
		later := len(releases) - 1 - i
		if later > 0 && later >= limit && releases[i].Status.Phase.Finished() {
			over = append(over, &releases[i])
			continue
		}
		named[releases[i].Spec.From], named[releases[i].Spec.To] = true, true
	}
	return over, named
}

func numbered(kept []appsv1.ControllerRevision) []revision.Kept {
	out := make([]revision.Kept, 0, len(kept))
	for _, k := range kept {
		out = append(out, revision.Kept{Version: k.Labels[api.LabelVersion], Number: k.Revision})
	}
	return out
}

// idle are the copies that nothing uses.
func idle(copies map[config.Object]metav1.PartialObjectMetadata, used map[config.Object]bool) []client.Object {
	var out []client.Object
	for o, copied := range copies {
		if !used[o] && copied.UID != "" && copied.DeletionTimestamp == nil {
			copied.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: string(o.Kind)}
			out = append(out, &copied)
		}
	}
	return out
}

// newest is the greatest number that a version of the component has.
func (s snapshot) newest(component string) int64 {
	var out int64
	for _, k := range s.kept[component] {
		out = max(out, k.Revision)
	}
	return out
}
