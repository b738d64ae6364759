// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// appliedAnnotation remembers a digest of what was applied, so that a field that is wanted no longer is noticed.
const appliedAnnotation = "weir.dev/applied"

// Applier brings objects to their wanted state by server-side apply. It writes only when something differs.
type Applier struct {
	// Client reads from a cache that holds labeled objects only.
	Client client.Client
	// Reader reads past the cache.
	Reader client.Reader
	// Taking are the objects of others that may be written over, as they are described. Default: none.
	Taking map[string]bool
	// Admitted remembers what admission webhooks add to which object, so that it is not taken away again and again; nil
	// remembers nothing.
	Admitted *sync.Map
	// Compared remembers which objects were found to be as they are wanted; nil remembers nothing.
	Compared *Compared
	// Repaired is told of each object that somebody else had changed, and where; nil is not told.
	Repaired func(obj client.Object, where string)
}

// Apply makes the live object equal to obj in every field obj sets, takes away what others added where that would shape
// requests or versions, and reports whether it had to write.
// An object that exists but belongs to no one or to another owner is refused with an error that names it.
func (a Applier) Apply(ctx context.Context, obj client.Object) (bool, error) {
	want, err := toMap(obj)
	if err != nil {
		return false, fmt.Errorf("encode %s: %w", Describe(obj), err)
	}
	digest, err := stamp(want)
	if err != nil {
		return false, fmt.Errorf("digest of %s: %w", Describe(obj), err)
	}
	live, err := a.live(ctx, obj)
	if err != nil {
		return false, err
	}
	if live != nil {
		if done, err := a.prepare(ctx, live, obj, want, digest); done || err != nil {
			return false, err
		}
		if err := a.handOver(ctx, obj); err != nil {
			return false, err
		}
	}
	u := &unstructured.Unstructured{Object: want}
	if err := a.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(api.FieldManager),
		client.ForceOwnership); err != nil {
		return false, fmt.Errorf("apply %s: %w", Describe(obj), err)
	}
	return true, nil
}

func (a Applier) live(ctx context.Context, obj client.Object) (client.Object, error) {
	fresh, err := a.Client.Scheme().New(obj.GetObjectKind().GroupVersionKind())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", Describe(obj), err)
	}
	live, ok := fresh.(client.Object)
	if !ok {
		return nil, fmt.Errorf("read %s: not an object of the API", Describe(obj))
	}
	err = a.Client.Get(ctx, client.ObjectKeyFromObject(obj), live)
	if apierrors.IsNotFound(err) {
		// The cache does not hold what others made; under our name it must not be taken for nothing.
		err = a.Reader.Get(ctx, client.ObjectKeyFromObject(obj), live)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", Describe(obj), err)
	}
	return live, nil
}

// prepare tells whether there is nothing to write, after it has made way for the write: what is to be taken over is claimed,
// and of what is ours others' additions go.
func (a Applier) prepare(ctx context.Context, live, obj client.Object, want map[string]any, digest string) (bool, error) {
	err := ownedBySame(live, obj)
	switch {
	case err == nil:
		return a.compare(ctx, live, want, digest)
	case a.Taking[Describe(obj)]:
		return false, a.claim(ctx, obj) // the write that follows changes all at once
	default:
		return false, err
	}
}

// compare tells whether there is nothing to write, and takes away what others added. Where the object is still as it was
// wanted before, nothing is taken away: what is too much may be our own, and goes with the write, all at once.
func (a Applier) compare(ctx context.Context, live client.Object, want map[string]any, digest string) (bool, error) {
	if live.GetAnnotations()[appliedAnnotation] != digest {
		return false, nil
	}
	if a.Compared.same(live, digest) {
		return true, nil
	}
	have, err := toMap(live)
	if err != nil {
		return false, fmt.Errorf("encode %s: %w", Describe(live), err)
	}
	where := difference(have, without(want, "apiVersion", "kind"), "")
	foreign := additions(kindOf(want), have, want)
	if a.Repaired != nil && (where != "" || len(foreign) > 0) {
		a.Repaired(live, cmp.Or(where, strings.ReplaceAll(strings.TrimPrefix(strings.Join(foreign, ", "), "/"), "/", ".")))
	}
	if len(foreign) > 0 {
		return where == "", a.strip(ctx, live, want, foreign)
	}
	if where == "" {
		a.Compared.remember(live, digest)
	}
	return where == "", nil
}

// ownedBySame refuses to take over an object that somebody else made under the same name.
func ownedBySame(live, obj client.Object) error {
	wanted := obj.GetOwnerReferences()
	same := func(have metav1.OwnerReference) bool { return have.UID == wanted[0].UID }
	if len(wanted) == 0 || slices.ContainsFunc(live.GetOwnerReferences(), same) {
		return nil
	}
	return &ForeignError{Object: Describe(live)}
}

// ForeignError says that a name Weir needs is taken by an object it did not make.
type ForeignError struct {
	Object string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s exists already and is not part of this application; rename the component, or delete that object", e.Object)
}

// Describe names an object as kind namespace/name.
func Describe(obj client.Object) string {
	kind := obj.GetObjectKind().GroupVersionKind().Kind
	if kind == "" {
		kind = fmt.Sprintf("%T", obj)
	}
	return kind + " " + client.ObjectKeyFromObject(obj).String()
}

func toMap(obj runtime.Object) (map[string]any, error) {
	data, err := utiljson.Marshal(obj)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := utiljson.Unmarshal(data, &out); err != nil {
		return nil, err
	}
	delete(out, "status")
	if meta, ok := out["metadata"].(map[string]any); ok {
		delete(meta, "creationTimestamp")
		delete(meta, "managedFields")
	}
	return out, nil
}

// stamp writes the digest of the object into its own annotations and returns it.
func stamp(obj map[string]any) (string, error) {
	data, err := utiljson.Marshal(obj)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:8])
	return digest, unstructured.SetNestedField(obj, digest, "metadata", "annotations", appliedAnnotation)
}

// Unmark takes away what Apply adds to objects for its own use.
func Unmark(obj client.Object) {
	annotations := obj.GetAnnotations()
	delete(annotations, appliedAnnotation)
	if len(annotations) == 0 {
		annotations = nil
	}
	obj.SetAnnotations(annotations)
}
