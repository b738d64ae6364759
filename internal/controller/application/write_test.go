// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
)

// empty is an API server that holds nothing, and hands what is applied to a function.
type empty struct {
	client.Client
	apply func(name string) error
}

func (empty) Scheme() *runtime.Scheme { return kube.Scheme() }

func (empty) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func (e empty) Apply(_ context.Context, obj runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
	return e.apply(obj.(interface{ GetName() string }).GetName())
}

func written(t *testing.T, apply func(name string) error) error {
	t.Helper()
	meta := func(kind, name string) (metav1.TypeMeta, metav1.ObjectMeta) {
		return metav1.TypeMeta{APIVersion: "networking.istio.io/v1", Kind: kind}, metav1.ObjectMeta{Namespace: "shop", Name: name}
	}
	rule, own, gateways, gateway := &istionet.DestinationRule{}, &istionet.VirtualService{}, &istionet.VirtualService{}, &istionet.Gateway{}
	rule.TypeMeta, rule.ObjectMeta = meta("DestinationRule", "rule")
	own.TypeMeta, own.ObjectMeta = meta("VirtualService", "own")
	gateways.TypeMeta, gateways.ObjectMeta = meta("VirtualService", "gateways")
	gateway.TypeMeta, gateway.ObjectMeta = meta("Gateway", "gateway")
	server := empty{apply: apply}
	objects := []plan.Object{rule, own, gateways, gateway}
	return (&Reconciler{}).write(t.Context(), snapshot{app: &api.Application{}}, kube.Applier{Client: server, Reader: server}, objects)
}

func TestRoutesAreWrittenTogether(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{} // name → how many were begun before it
	both := make(chan struct{})
	err := written(t, func(name string) error {
		mu.Lock()
		seen[name] = len(seen)
		if len(seen) == 3 {
			close(both)
		}
		mu.Unlock()
		if name == "rule" {
			return nil
		}
		select {
		case <-both:
			return nil
		case <-time.After(10 * time.Second):
			return errors.New("the other route was not begun")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen["rule"] != 0 || seen["gateway"] != 3 || len(seen) != 4 {
		t.Errorf("kinds were written in another order: %v", seen)
	}
}

func TestTheFirstErrorEndsTheWrites(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	err := written(t, func(name string) error {
		mu.Lock()
		defer mu.Unlock()
		seen[name] = true
		if name == "rule" {
			return nil
		}
		return errors.New("no " + name)
	})
	if want := "apply VirtualService shop/own: no own"; err == nil || err.Error() != want {
		t.Errorf("want %q, got %v", want, err)
	}
	if diff := cmp.Diff(map[string]bool{"rule": true, "own": true, "gateways": true}, seen); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}
