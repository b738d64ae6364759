// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/step"
	"weir.dev/weir/examples/bookinfo/manifest"
	"weir.dev/weir/internal/install"
)

// patience is how long Bookinfo may take to become ready.
const patience = 3 * time.Minute

func up(ctx context.Context, o Options) (cluster.Info, error) {
	fmt.Fprintf(o.Out, "Local cluster\n")
	display := step.NewDisplay(o.Out, o.Live)
	defer display.Close()
	o.Cluster.Watcher = display
	return cluster.Up(ctx, o.Cluster)
}

// prepare installs Weir and brings Bookinfo up, each part as soon as what it needs is there.
func (s *stage) prepare(ctx context.Context) error {
	scratch, err := os.MkdirTemp("", "weir-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	fmt.Fprintf(s.options.Out, "Weir and Bookinfo\n")
	display := step.NewDisplay(s.options.Out, s.options.Live)
	defer display.Close()
	var weir string
	return step.Run(ctx, []step.Step{
		{Name: "image of weir", Run: func(ctx context.Context, _ func(string)) (err error) {
			weir, err = s.loadWeir(ctx, scratch)
			return err
		}},
		{Name: "images of bookinfo", Run: func(ctx context.Context, note func(string)) error {
			return s.loadBookinfo(ctx, scratch, note)
		}},
		{Name: "install weir", Needs: []string{"image of weir"}, Run: func(ctx context.Context, _ func(string)) error {
			return install.Install(ctx, install.Options{
				Kubeconfig: s.info.Kubeconfig, Image: weir, Wait: true, Set: []string{"replicas=1"},
			})
		}},
		{Name: "bookinfo", Needs: []string{"images of bookinfo", "install weir"}, Run: s.startBookinfo},
		{Name: "first answer", Needs: []string{"bookinfo"}, Run: s.awaitAnswer},
	}, display)
}

func (s *stage) startBookinfo(ctx context.Context, note func(string)) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: s.options.Namespace, Labels: map[string]string{"istio-injection": "enabled"},
	}}
	if err := s.client.Create(ctx, namespace); client.IgnoreAlreadyExists(err) != nil {
		return fmt.Errorf("make namespace %s: %w", s.options.Namespace, err)
	}
	for text, obj := range map[string]client.Object{
		string(manifest.Strategy): &api.Strategy{}, string(manifest.Application): &api.Application{},
	} {
		if err := yaml.UnmarshalStrict([]byte(text), obj); err != nil {
			return fmt.Errorf("read the manifest: %w", err)
		}
		obj.SetNamespace(s.options.Namespace)
		if err := s.client.Create(ctx, obj); client.IgnoreAlreadyExists(err) != nil {
			return fmt.Errorf("make %s: %w", obj.GetName(), err)
		}
	}
	return s.awaitReady(ctx, note)
}

// awaitReady waits until all components are ready and no release, perhaps of an earlier demonstration, is under way.
func (s *stage) awaitReady(ctx context.Context, note func(string)) error {
	last := "the controller has not looked at it yet"
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		var app api.Application
		if err := s.client.Get(ctx, s.key(application), &app); err != nil {
			return false, err
		}
		ready := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionReady)
		if ready == nil || ready.ObservedGeneration != app.Generation {
			return false, nil
		}
		busy, err := s.underWay(ctx)
		if err != nil {
			return false, err
		}
		last = ready.Message
		if busy != "" {
			last = "release " + busy + " of before has to end first"
		}
		note(last)
		return ready.Status == metav1.ConditionTrue && busy == "", nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return fmt.Errorf("not ready after %s: %s; see: kubectl --kubeconfig %s describe application %s -n %s",
			patience, last, s.info.Kubeconfig, application, s.options.Namespace)
	}
	return err
}

func (s *stage) underWay(ctx context.Context) (string, error) {
	var list api.ReleaseList
	if err := s.client.List(ctx, &list, client.InNamespace(s.options.Namespace)); err != nil {
		return "", err
	}
	for _, release := range list.Items {
		if !release.Status.Phase.Finished() {
			return release.Name, nil
		}
	}
	return "", nil
}

func (s *stage) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: s.options.Namespace, Name: name}
}

// awaitAnswer waits for the page through the gateway.
func (s *stage) awaitAnswer(ctx context.Context, note func(string)) error {
	last := errors.New("no answer yet")
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(), nil)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			last = err
			return false, nil
		}
		defer response.Body.Close()
		last = errors.New(response.Status)
		return response.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", s.url(), last)
	}
	note(s.url())
	return nil
}

func (s *stage) loadWeir(ctx context.Context, scratch string) (string, error) {
	out := filepath.Join(scratch, "weir.tar")
	reference, err := s.options.Image(out)
	if err != nil {
		return "", err
	}
	return reference, cluster.LoadImage(ctx, s.options.Cluster.Ref, out)
}
