// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// seal says where others may add nothing to an object of ours. Elsewhere they may: annotations, labels of pods, what the
// API server fills in.
type seal struct {
	// deep seals all of it: nothing may be added, here and below.
	deep bool
	// list lets no element be added.
	list bool
	// keys may not be added.
	keys []string
	// below are the seals of keys; [] is that of a list's elements.
	below map[string]seal
}

// seals by kind. What is said here shapes where requests go, or what a version is.
var seals = func() map[string]seal {
	container := seal{
		keys:  []string{"env", "envFrom", "command", "args", "volumeMounts", "lifecycle", "readinessProbe", "livenessProbe", "startupProbe"},
		below: map[string]seal{"env": {list: true}, "volumeMounts": {list: true}},
	}
	containers := seal{list: true, below: map[string]seal{"[]": container}}
	pod := seal{
		keys:  []string{"initContainers", "volumes"},
		below: map[string]seal{"containers": containers, "initContainers": containers, "volumes": {list: true}},
	}
	workload := seal{below: map[string]seal{"spec": {below: map[string]seal{"template": {below: map[string]seal{"spec": pod}}}}}}
	route := seal{below: map[string]seal{"spec": {deep: true}}}
	service := seal{below: map[string]seal{"spec": {below: map[string]seal{"selector": {deep: true}, "ports": {list: true}}}}}
	return map[string]seal{
		"VirtualService": route, "DestinationRule": route, "Gateway": route,
		"Service": service, "Deployment": workload, "StatefulSet": workload,
	}
}()

func (s seal) of(key string) seal {
	if s.deep {
		return s
	}
	return s.below[key]
}

// pointer escapes a key for a JSON pointer (RFC 6901).
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// additions are the JSON pointers of what somebody added where nothing may be added, in an order in which they can be taken
// away one after the other.
func additions(kind string, have, want map[string]any) []string {
	return seals[kind].added("", have, want)
}

// open tells whether anything may be added, here and below.
func (s seal) open() bool { return !s.deep && !s.list && len(s.keys) == 0 && len(s.below) == 0 }

func (s seal) added(path string, have, want any) (out []string) {
	if s.open() {
		return nil
	}
	switch h := have.(type) {
	case map[string]any:
		w, _ := want.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(h)) {
			at := path + "/" + pointer.Replace(key)
			switch wanted := w[key]; {
			case wanted != nil:
				out = append(out, s.of(key).added(at, h[key], wanted)...)
			case s.deep && h[key] != nil, slices.Contains(s.keys, key) && !hollow(h[key]):
				out = append(out, at)
			}
		}
	case []any:
		w, _ := want.([]any)
		if s.deep && len(h) != len(w) {
			return nil // such a list is written as a whole
		}
		for i, one := range slices.Backward(h) {
			at := fmt.Sprintf("%s/%d", path, i)
			if j := s.counterpart(w, one, i); j >= 0 {
				out = append(out, s.of("[]").added(at, one, w[j])...)
			} else if s.list {
				out = append(out, at)
			}
		}
	}
	return out
}

// counterpart is the index of the wanted element that this one stands for; -1 when it is none of them.
func (s seal) counterpart(want []any, have any, i int) int {
	if s.deep {
		return i
	}
	for _, key := range []string{"mountPath", "name", "port"} {
		h, ok := have.(map[string]any)
		if !ok || h[key] == nil {
			continue
		}
		return slices.IndexFunc(want, func(w any) bool { m, ok := w.(map[string]any); return ok && m[key] == h[key] })
	}
	if i < len(want) {
		return i
	}
	return -1
}

func hollow(v any) bool {
	switch x := v.(type) {
	case map[string]any:
		return len(x) == 0
	case []any:
		return len(x) == 0
	}
	return v == nil
}

// strip takes away what others added. What comes back with the very same write was added by an admission webhook, and is
// left alone from then on.
func (a Applier) strip(ctx context.Context, live client.Object, want map[string]any, paths []string) error {
	all := strings.Join(paths, " ")
	if a.Admitted != nil {
		if known, ok := a.Admitted.Load(live.GetUID()); ok && known == all {
			return nil
		}
	}
	// Writing the version that was read makes it a conflict when there is a newer one.
	ops := []map[string]any{{"op": "replace", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()}}
	for _, path := range paths {
		ops = append(ops, map[string]any{"op": "remove", "path": path})
	}
	data, err := json.Marshal(ops)
	if err != nil {
		return err
	}
	after, ok := live.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%s is no object of the API", Describe(live))
	}
	if err := a.Client.Patch(ctx, after, client.RawPatch(types.JSONPatchType, data), client.FieldOwner(api.FieldManager)); err != nil {
		return fmt.Errorf("repair %s: %w", Describe(live), err)
	}
	have, err := toMap(after)
	if err != nil {
		return err
	}
	if a.Admitted != nil && strings.Join(additions(kindOf(want), have, want), " ") == all {
		a.Admitted.Store(live.GetUID(), all)
	}
	return nil
}

func kindOf(want map[string]any) string {
	kind, _ := want["kind"].(string)
	return kind
}
