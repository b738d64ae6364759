// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	istiosec "istio.io/client-go/pkg/apis/security/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// admitted waits until exactly these components may call one, by their service accounts.
func (w *world) admitted(component string, want ...string) {
	w.Helper()
	w.eventually(fmt.Sprintf("%s lets in %v", component, want), func() error {
		var p istiosec.AuthorizationPolicy
		if err := w.client.Get(w.ctx, w.key(component), &p); err != nil {
			return err
		}
		var got []string
		for _, rule := range p.Spec.GetRules() {
			for _, principal := range rule.GetFrom()[0].GetSource().GetPrincipals() {
				got = append(got, strings.TrimPrefix(principal, "cluster.local/ns/"+w.namespace+"/sa/"))
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("it lets in %v", got)
		}
		return nil
	})
}

func (w *world) sent(component string) ([]string, error) {
	var s istionet.Sidecar
	if err := w.client.Get(w.ctx, w.key(component), &s); err != nil {
		return nil, err
	}
	return s.Spec.GetEgress()[0].GetHosts(), nil
}

func port(number int32) []api.Port { return []api.Port{{Port: number, Protocol: "http"}} }

// TestUsesOfOldVersions holds that what an old version calls stays within reach while it has pods, though the new one does
// not name it any more, and what the new one calls is within reach before it has any.
func TestUsesOfOldVersions(t *testing.T) {
	w := newWorld(t, nil)
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}}
	app.Spec.ScopeFromUses, app.Spec.AccessFromUses = true, true
	app.Spec.Components = []api.Component{
		{Name: "page", Image: "page:v1", Ports: port(9080), Uses: []string{"old"}},
		{Name: "old", Image: "old:v1", Ports: port(9080)}, {Name: "new", Image: "new:v1", Ports: port(9080)},
	}
	if err := w.client.Create(w.ctx, app); err != nil {
		t.Fatal(err)
	}
	w.admitted("old", "page")
	w.admitted("new")
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[0].Uses = []string{"old", "new"} })
	w.admitted("new", "page")
	w.eventually("it is known that page is v1", func() error {
		var now api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &now); err != nil {
			return err
		}
		if len(now.Status.Components) == 0 || now.Status.Components[0].Current != "v1" || now.Status.Components[0].Message != "" {
			return fmt.Errorf("it is %+v", now.Status.Components)
		}
		return nil
	})
	callers.hold(w.namespace, true)
	w.change("shop", func(s *api.ApplicationSpec) {
		s.Components[0].Image, s.Components[0].Uses = "page:v2", []string{"https://api.example"}
	})
	w.eventually("the release waits for callers", func() error {
		r, err := w.release("page-v2")
		if err == nil && r.Status.Phase != api.ReleaseConnecting {
			err = fmt.Errorf("it is %s", r.Status.Phase)
		}
		return err
	})
	w.admitted("old", "page")
	w.admitted("new", "page")
	hosts, err := w.sent("page")
	for _, want := range []string{"./api.example", w.namespace + "/old." + w.namespace + ".svc.cluster.local", w.namespace + "/new." + w.namespace + ".svc.cluster.local"} {
		if err != nil || !slices.Contains(hosts, want) {
			t.Errorf("page is sent %v, %v, and not %s", hosts, err, want)
		}
	}
	callers.hold(w.namespace, false)
	w.admitted("old")
	w.admitted("new")
	w.change("shop", func(s *api.ApplicationSpec) { s.ScopeFromUses, s.AccessFromUses = false, false })
	w.eventually("nothing is left of it", func() error {
		for _, name := range []string{"page", "old", "new"} {
			if _, err := w.sent(name); !apierrors.IsNotFound(err) {
				return fmt.Errorf("Sidecar %s: %v", name, err)
			}
			if err := w.client.Get(w.ctx, w.key(name), &istiosec.AuthorizationPolicy{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("AuthorizationPolicy %s: %v", name, err)
			}
		}
		return nil
	})
}

// TestUsesOfOthers holds that a component of another application is let in when it names who it calls, and out when it does
// not any more, and that the owner is told of who is not.
func TestUsesOfOthers(t *testing.T) {
	w := newWorld(t, nil)
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "accounts"}}
	app.Spec.AccessFromUses = true
	app.Spec.Components = []api.Component{{Name: "ledger", Image: "l:v1", Ports: port(80)}}
	if err := w.client.Create(w.ctx, app); err != nil {
		t.Fatal(err)
	}
	w.admitted("ledger")
	w.application("shop", api.Component{Name: "till", Image: "t:v1", Uses: []string{"accounts/ledger"}})
	w.admitted("ledger", "till")
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[0].Uses, s.ScopeFromUses = nil, true })
	w.admitted("ledger")
	w.eventually("the pods that there are still know the way", func() error {
		hosts, err := w.sent("till")
		if want := w.namespace + "/ledger." + w.namespace + ".svc.cluster.local"; err == nil && !slices.Contains(hosts, want) {
			err = fmt.Errorf("they are sent %v", hosts)
		}
		return err
	})
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[0].Image = "t:v2" })
	w.eventually("those of the next version do not", func() error {
		hosts, err := w.sent("till")
		if gone := w.namespace + "/ledger." + w.namespace + ".svc.cluster.local"; err == nil && slices.Contains(hosts, gone) {
			err = fmt.Errorf("they are sent %v", hosts)
		}
		return err
	})
	w.change("shop", func(s *api.ApplicationSpec) {
		s.Components[0].Uses, s.Components[0].Mesh = []string{"accounts/ledger"}, new(bool)
	})
	w.eventually("nobody is kept out who could not show who he is", func() error {
		if err := w.client.Get(w.ctx, w.key("ledger"), &istiosec.AuthorizationPolicy{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("there is a policy: %v", err)
		}
		var now api.Application
		if err := w.client.Get(w.ctx, w.key("accounts"), &now); err != nil {
			return err
		}
		if warnings := strings.Join(now.Status.Components[0].Warnings, "; "); !strings.Contains(warnings, "shop/till calls it without a sidecar") {
			return fmt.Errorf("warnings %q", warnings)
		}
		return nil
	})
	if err := w.client.Delete(w.ctx, &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}}); err != nil {
		t.Fatal(err)
	}
	w.admitted("ledger")
}
