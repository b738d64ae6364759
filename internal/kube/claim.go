// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// claimed are the fields of others' objects that become Weir's wholly when they are taken over: what stood there and is not
// wanted goes in the same write. All else, such as the type of a Service, stays as it is.
var claimed = map[string][][]string{
	"Service":        {{"f:spec", "f:selector"}, {"f:spec", "f:ports"}},
	"VirtualService": {{"f:spec"}},
	"Gateway":        {{"f:spec"}},
}

// claim writes down that Weir manages the claimed fields, whoever did before. It changes nothing else, so that the next
// server-side apply changes all at once.
func (a Applier) claim(ctx context.Context, obj client.Object) error {
	kind := obj.GetObjectKind().GroupVersionKind()
	if claimed[kind.Kind] == nil {
		return nil
	}
	live, err := a.Client.Scheme().New(kind)
	if err != nil {
		return fmt.Errorf("read %s: %w", Describe(obj), err)
	}
	o, ok := live.(client.Object)
	if !ok {
		return fmt.Errorf("read %s: not an object of the API", Describe(obj))
	}
	if err := a.Reader.Get(ctx, client.ObjectKeyFromObject(obj), o); err != nil {
		return fmt.Errorf("read %s: %w", Describe(obj), err)
	}
	entries, err := reassigned(o.GetManagedFields(), kind.GroupVersion().String(), claimed[kind.Kind])
	if err != nil {
		return fmt.Errorf("who manages %s: %w", Describe(obj), err)
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": entries},
		{"op": "replace", "path": "/metadata/resourceVersion", "value": o.GetResourceVersion()}, // a conflict, should somebody write
	})
	if err != nil {
		return err
	}
	if err := a.Client.Patch(ctx, o, client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("take over %s: %w", Describe(obj), err)
	}
	return nil
}

// reassigned gives the fields below the paths to Weir's entry, which is made when there is none.
func reassigned(entries []metav1.ManagedFieldsEntry, version string, paths [][]string) ([]metav1.ManagedFieldsEntry, error) {
	mine := map[string]any{}
	out := make([]metav1.ManagedFieldsEntry, 0, len(entries)+1)
	for _, entry := range entries {
		fields := map[string]any{}
		if entry.FieldsV1 != nil {
			if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
				return nil, fmt.Errorf("manager %s: %w", entry.Manager, err)
			}
		}
		if applied(entry) {
			merge(mine, fields)
			continue
		}
		for _, path := range paths {
			if entry.Subresource == "" {
				move(fields, mine, path)
			}
		}
		if len(fields) == 0 {
			continue
		}
		raw, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		entry.FieldsV1 = metav1.NewFieldsV1(string(raw))
		out = append(out, entry)
	}
	raw, err := json.Marshal(mine)
	if err != nil {
		return nil, err
	}
	return append(out, metav1.ManagedFieldsEntry{
		Manager: api.FieldManager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: version, FieldsType: "FieldsV1",
		FieldsV1: metav1.NewFieldsV1(string(raw)),
	}), nil
}

func applied(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == api.FieldManager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}

// move takes what is below the path out of one set of fields and into another.
func move(from, to map[string]any, path []string) {
	inner, ok := from[path[0]].(map[string]any)
	if !ok {
		return
	}
	into, ok := to[path[0]].(map[string]any)
	if !ok {
		into = map[string]any{}
	}
	if len(path) == 1 {
		merge(into, inner)
		delete(from, path[0])
	} else if move(inner, into, path[1:]); len(inner) == 0 {
		delete(from, path[0])
	}
	if len(into) > 0 || len(path) == 1 {
		to[path[0]] = into
	}
}

// merge adds all fields of b to a.
func merge(a, b map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(b)) {
		inner, ok := b[key].(map[string]any)
		have, had := a[key].(map[string]any)
		if ok && had {
			merge(have, inner)
			continue
		}
		a[key] = b[key]
	}
}
