// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"weir.dev/weir/internal/mesh"
)

func TestTokenSource(t *testing.T) {
	for _, test := range []struct {
		name     string
		lives    time.Duration
		requests int
	}{
		{"a lasting token is kept", time.Hour, 1},
		{"one about to expire is not", margin - time.Second, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, requests := fake.NewClientset(), 0
			client.PrependReactor("create", "serviceaccounts/token", func(action clienttesting.Action) (bool, runtime.Object, error) {
				requests++
				request := action.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenRequest)
				if diff := cmp.Diff([]string{"istio-ca"}, request.Spec.Audiences); diff != "" {
					t.Errorf("audiences (-want +got):\n%s", diff)
				}
				request.Status.Token = fmt.Sprint("token ", requests)
				request.Status.ExpirationTimestamp = metav1.NewTime(time.Now().Add(test.lives))
				return true, request, nil
			})
			source := NewTokenSource(client, "istio-system", "istiod")
			for range 3 {
				token, err := source(t.Context())
				if want := fmt.Sprint("token ", requests); err != nil || token != want {
					t.Errorf("token = %q, %v; want %q", token, err, want)
				}
			}
			if requests != test.requests {
				t.Errorf("%d requests for 3 tokens, want %d", requests, test.requests)
			}
		})
	}
}

func TestEndpoints(t *testing.T) {
	pod := func(name, app, ip string, phase corev1.PodPhase) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: name, Labels: map[string]string{"app": app}},
			Status:     corev1.PodStatus{Phase: phase, PodIP: ip},
		}
	}
	client := fake.NewClientset(
		pod("a", "istiod", "10.0.0.1", corev1.PodRunning), pod("b", "istiod", "fd00::2", corev1.PodRunning),
		pod("c", "istiod", "10.0.0.3", corev1.PodSucceeded), pod("d", "istiod", "", corev1.PodRunning),
		pod("e", "prometheus", "10.0.0.5", corev1.PodRunning),
	)
	got, err := NewEndpoints(client, "istio-system")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"http://10.0.0.1:15014", "http://[fd00::2]:15014"}, got); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
}

func TestPods(t *testing.T) {
	pod := func(name string, annotations map[string]string, state corev1.ContainerState) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Annotations: annotations},
			Status:     corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{{Name: mesh.ProxyContainer, State: state}}},
		}
	}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	meshed := map[string]string{injected: "{}"}
	all := []*corev1.Pod{
		pod("page", meshed, running), pod("crashed", meshed, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}),
		pod("plain", nil, running),
	}
	client := fake.NewClientset(all[0], all[1], all[2])
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	var metas []runtime.Object
	for _, p := range all {
		metas = append(metas, &metav1.PartialObjectMetadata{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: p.ObjectMeta,
		})
	}
	pods := NewPods(client, metadatafake.NewSimpleMetadataClient(scheme, metas...))
	ids, err := pods.Running(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	if diff := cmp.Diff([]string{"crashed.shop", "page.shop"}, ids); diff != "" {
		t.Errorf("pods with a proxy (-want +got):\n%s", diff)
	}
	for name, want := range map[string]bool{"page": true, "crashed": false, "gone": false} {
		if got, err := pods.Runs(t.Context(), "shop", name); err != nil || got != want {
			t.Errorf("%s runs: %v, %v; want %v", name, got, err, want)
		}
	}
}
