// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/storage/driver"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	api "weir.dev/weir/api/v1alpha1"
)

// kinds are the resources of Weir's API, owners first.
var kinds = []string{"applications", "releases", "strategies"}

// Uninstall takes Weir's controllers out of the cluster. The applications go on running, and the API objects stay, so
// that an install picks them up again. With purge they are deleted as well, and with them all that was generated.
func Uninstall(ctx context.Context, options Options, purge bool) error {
	options = options.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, options.Timeout, fmt.Errorf("not done after %s", options.Timeout))
	defer cancel()
	where, err := dial(options)
	if err != nil {
		return err
	}
	steps := []step{
		{"chart", where.removeChart},
		{"applications let go", func(func(string)) error { return where.letGo(ctx) }},
	}
	if purge {
		// The applications go while a controller is still there to see them off.
		steps = []step{
			{"objects", func(note func(string)) error { return where.removeObjects(ctx, note) }},
			{"chart", where.removeChart},
			{"custom resource definitions", func(func(string)) error { return where.removeCRDs(ctx) }},
			{"namespace " + where.namespace, func(func(string)) error { return where.removeNamespace(ctx) }},
		}
	}
	return reporter{out: options.Out}.run(ctx, steps)
}

// Purgeable lists what Uninstall with purge deletes besides the controllers, as kind namespace/name, sorted.
func Purgeable(ctx context.Context, options Options) ([]string, error) {
	where, err := dial(options.withDefaults())
	if err != nil {
		return nil, err
	}
	var found []string
	for _, kind := range kinds {
		objects, err := where.list(ctx, kind)
		if err != nil {
			return nil, err
		}
		for _, name := range objects {
			found = append(found, kind+" "+name.namespace+"/"+name.name)
		}
	}
	sort.Strings(found)
	return found, nil
}

func (t *target) removeChart(note func(string)) error {
	config, err := t.helm()
	if err != nil {
		return err
	}
	_, err = action.NewUninstall(config).Run(releaseName)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		note("was not installed")
		return nil
	}
	return err
}

type objectName struct{ namespace, name string }

// list names all objects of a kind; none if the cluster does not know the kind.
func (t *target) list(ctx context.Context, kind string) ([]objectName, error) {
	found, err := t.anything.Resource(resourceOf(kind)).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", kind, err)
	}
	var names []objectName
	for _, object := range found.Items {
		names = append(names, objectName{object.GetNamespace(), object.GetName()})
	}
	return names, nil
}

// removeObjects deletes every object of Weir's kinds and waits until they are gone. The controllers see the applications
// off; when there is none, the cluster does without an order.
func (t *target) removeObjects(ctx context.Context, note func(string)) error {
	background := metav1.DeletePropagationBackground
	count := 0
	if !t.controlled(ctx) {
		if err := t.letGo(ctx); err != nil {
			return err
		}
	}
	for _, kind := range kinds {
		names, err := t.list(ctx, kind)
		if err != nil {
			return err
		}
		for _, object := range names {
			err := t.anything.Resource(resourceOf(kind)).Namespace(object.namespace).
				Delete(ctx, object.name, metav1.DeleteOptions{PropagationPolicy: &background})
			if err != nil && !apierrors.IsNotFound(err) {
				return fmt.Errorf("delete %s %s/%s: %w", kind, object.namespace, object.name, err)
			}
			count++
		}
	}
	note(fmt.Sprintf("%d deleted", count))
	return t.awaitNone(ctx)
}

// controlled tells whether a controller is there.
func (t *target) controlled(ctx context.Context) bool {
	controller, err := t.kube.AppsV1().Deployments(t.namespace).Get(ctx, "weir-controller", metav1.GetOptions{})
	return err == nil && controller.Status.ReadyReplicas > 0
}

// letGo takes away what would hold deleted applications until a controller has seen them off.
func (t *target) letGo(ctx context.Context) error {
	applications := t.anything.Resource(resourceOf("applications"))
	found, err := applications.List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list applications: %w", err)
	}
	for _, app := range found.Items {
		at := slices.Index(app.GetFinalizers(), api.FinalizerDeparture)
		if at < 0 {
			continue
		}
		patch := fmt.Sprintf(`[{"op":"test","path":"/metadata/finalizers/%d","value":%q},{"op":"remove","path":"/metadata/finalizers/%d"}]`,
			at, api.FinalizerDeparture, at)
		_, err := applications.Namespace(app.GetNamespace()).Patch(ctx, app.GetName(), types.JSONPatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("let application %s/%s go: %w", app.GetNamespace(), app.GetName(), err)
		}
	}
	return nil
}

func (t *target) awaitNone(ctx context.Context) error {
	var left []string
	err := wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
		left = nil
		for _, kind := range kinds {
			names, err := t.list(ctx, kind)
			if err != nil {
				return false, err
			}
			for _, object := range names {
				left = append(left, kind+" "+object.namespace+"/"+object.name)
			}
		}
		return len(left) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("still there: %s: %w", strings.Join(left, ", "), err)
	}
	return nil
}

func (t *target) removeCRDs(ctx context.Context) error {
	for _, kind := range kinds {
		name := kind + "." + api.GroupVersion.Group
		err := t.crds.ApiextensionsV1().CustomResourceDefinitions().Delete(ctx, name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete %s: %w", name, err)
		}
	}
	return nil
}

func (t *target) removeNamespace(ctx context.Context) error {
	err := t.kube.CoreV1().Namespaces().Delete(ctx, t.namespace, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

func resourceOf(kind string) schema.GroupVersionResource {
	return api.GroupVersion.WithResource(kind)
}
