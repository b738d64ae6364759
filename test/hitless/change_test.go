// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/load"
)

// neighbor brings a second application into the mesh beside the first, which calls it and is scoped and guarded, asks it from
// the moment it says that it is ready, and deletes it. Neither its first requests nor those to the first application are lost,
// and nothing of it is left.
func (s *shop) neighbor() {
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "neighbor"}}
	app.Spec.ScopeFromUses, app.Spec.AccessFromUses = true, true
	app.Spec.Components = []api.Component{
		{
			Name: "guests", Image: ratings, Version: "v0", Args: []string{"--version", "v0"}, Replicas: new(int32(2)),
			Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Expose: &api.Expose{Hosts: []string{"guests.example"}, Paths: []string{"/ratings"}},
			Uses: []string{"desk", "shop/ratings"}, Readiness: readiness(),
		},
		{
			Name: "desk", Image: ratings, Version: "v0", Args: []string{"--version", "v0"}, Ports: []api.Port{{Port: 9080, Protocol: "http"}},
			Expose: &api.Expose{Hosts: []string{"guests.example"}, Paths: []string{"/desk"}}, Readiness: readiness(),
		},
	}
	if err := s.client.Create(s.ctx, app); err != nil {
		s.Fatal(err)
	}
	s.opens(app)
	runner, err := load.Start(s.ctx, load.Options{URL: s.info.GatewayURL + "/ratings/0", Host: "guests.example", Rate: 50, Duration: 3 * time.Second, MaxSamples: 4})
	if err != nil {
		s.Fatal(err)
	}
	if result := runner.Wait(); result.Failed > 0 || result.OK == 0 {
		s.Errorf("%d of the neighbor's first %d requests failed: %+v", result.Failed, result.Requests, result.Samples)
	}
	if made := s.of("neighbor"); made["Sidecar"] == 0 || made["AuthorizationPolicy"] == 0 || made["Gateway"] == 0 {
		s.Errorf("the neighbor has %v, and should be scoped, guarded and exposed", made)
	}
	if err := s.client.Delete(s.ctx, app, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		s.Fatal(err)
	}
	s.eventually("the neighbor is gone", func() error {
		if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(app), app); !apierrors.IsNotFound(err) {
			return fmt.Errorf("still there (%v)", err)
		}
		if left := s.of("neighbor"); len(left) > 0 {
			return fmt.Errorf("left are %v", left)
		}
		return nil
	})
}

// of counts what there is of the application, by kind.
func (s *shop) of(application string) map[string]int {
	s.Helper()
	out := map[string]int{}
	for kind, group := range map[string]string{
		"Pod": "v1", "Service": "v1", "ServiceAccount": "v1", "Deployment": "apps/v1", "Gateway": istioGroup, "VirtualService": istioGroup,
		"DestinationRule": istioGroup, "Sidecar": istioGroup, "AuthorizationPolicy": "security.istio.io/v1",
	} {
		list := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: group, Kind: kind + "List"}}
		if err := s.client.List(s.ctx, list, client.InNamespace(namespace), client.MatchingLabels{api.LabelApplication: application}); err != nil {
			s.Fatal(err)
		}
		if len(list.Items) > 0 {
			out[kind] = len(list.Items)
		}
	}
	return out
}

const istioGroup = "networking.istio.io/v1"

// editMesh changes what is not a version: a second port, a further path, and the strategy taken away. Then a version comes
// without a strategy, and all of it is taken back.
func (s *shop) editMesh() {
	s.edit(func(c *api.Component) {
		c.Ports = append(c.Ports, api.Port{Port: 9081, Protocol: "tcp"})
		c.Expose.Paths = append(c.Expose.Paths, "/stars")
		c.Strategy = ""
	})
	s.settled()
	s.ends(s.next(), api.ReleasePromoted)
	s.edit(func(c *api.Component) {
		c.Ports = c.Ports[:1]
		c.Expose.Paths = c.Expose.Paths[:1]
		c.Strategy = "step"
	})
	s.settled()
}

// narrow tells each proxy no more than what its component calls, and lets nobody in but those who are said to call. A version
// comes so, and another one while all of it is taken back.
func (s *shop) narrow() {
	s.relate(true)
	s.settled()
	s.neighbor() // whom the shop lets in as long as it is there
	s.ends(s.next(), api.ReleasePromoted)
	last := s.next()
	s.await(last, func(status api.ReleaseStatus) bool { return status.Phase == api.ReleaseObserving })
	s.relate(false)
	s.ends(last, api.ReleasePromoted)
	s.settled()
}

func (s *shop) relate(on bool) {
	s.Helper()
	s.change(func(spec *api.ApplicationSpec) { spec.ScopeFromUses, spec.AccessFromUses = on, on })
}

// settled waits until the application's newest spec is carried out and no release is under way.
func (s *shop) settled() {
	s.Helper()
	s.eventually("the shop", func() error {
		var app api.Application
		if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: "shop"}, &app); err != nil {
			return err
		}
		ready := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionReady)
		if app.Status.ObservedGeneration != app.Generation || ready == nil || ready.Status != metav1.ConditionTrue || app.Status.Release != "" {
			return fmt.Errorf("generation %d of %d, %+v, %s", app.Status.ObservedGeneration, app.Generation, ready, app.Status.Release)
		}
		return nil
	})
}
