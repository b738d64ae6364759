// SPDX-License-Identifier: Apache-2.0

package conflict_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/conflict"
)

const host = "reviews.shop.svc.cluster.local"

func TestRoutes(t *testing.T) {
	for name, tt := range map[string]struct {
		in       string // namespace
		hosts    []string
		exportTo []string
		gateways []string
		want     string // callers; empty when it is no conflict
	}{
		"short name, same namespace":      {in: "shop", hosts: []string{"reviews"}, want: "all callers"},
		"short name elsewhere":            {in: "team", hosts: []string{"reviews"}},
		"full name elsewhere":             {in: "team", hosts: []string{"x", host}, want: "all callers"},
		"half a name":                     {in: "team", hosts: []string{"reviews.shop"}, want: "all callers"},
		"for its namespace alone":         {in: "team", hosts: []string{host}, exportTo: []string{"."}, want: "callers in team"},
		"for some namespaces":             {in: "team", hosts: []string{host}, exportTo: []string{"shop", "other"}, want: "callers in other, shop"},
		"for nobody":                      {in: "team", hosts: []string{host}, exportTo: []string{"~"}},
		"for everybody":                   {in: "team", hosts: []string{host}, exportTo: []string{"*"}, want: "all callers"},
		"at a gateway":                    {in: "shop", hosts: []string{"reviews"}, gateways: []string{"team/way-in"}},
		"at a gateway and in the mesh":    {in: "shop", hosts: []string{"reviews"}, gateways: []string{"team/way-in", "mesh"}, want: "all callers"},
		"a star stands behind exact ones": {in: "shop", hosts: []string{"*.shop.svc.cluster.local"}},
		"another host":                    {in: "shop", hosts: []string{"ratings"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := &istio.VirtualService{ObjectMeta: metav1.ObjectMeta{Namespace: tt.in, Name: "x"}}
			v.Spec = networking.VirtualService{Hosts: tt.hosts, ExportTo: tt.exportTo, Gateways: tt.gateways}
			check(t, conflict.Find(host, []*istio.VirtualService{v}, nil), "VirtualService "+tt.in+"/x routes "+host+", too, for ", tt.want)
		})
	}
}

func TestRules(t *testing.T) {
	for name, tt := range map[string]struct {
		in       string
		host     string
		exportTo []string
		want     string
	}{
		"same namespace":                              {in: "shop", host: "reviews", want: "all callers"},
		"same namespace, for one other":               {in: "shop", host: "reviews", exportTo: []string{"team"}, want: "callers in team"},
		"same namespace, hidden":                      {in: "shop", host: "reviews", exportTo: []string{"~"}},
		"same namespace, a star":                      {in: "shop", host: "*.shop.svc.cluster.local"},
		"callers' own":                                {in: "team", host: host, want: "callers in team"},
		"callers' own, with a star":                   {in: "team", host: "*.local", want: "callers in team"},
		"callers' own, every host":                    {in: "team", host: "*", want: "callers in team"},
		"callers' own, hidden from others":            {in: "team", host: host, exportTo: []string{"."}, want: "callers in team"},
		"exported from a namespace that is not asked": {in: "team", host: host, exportTo: []string{"shop"}},
		"the whole mesh's":                            {in: "istio-system", host: "*.local"},
		"the whole mesh's, said aloud":                {in: "istio-system", host: "*.local", exportTo: []string{"*"}},
		"the root namespace's own callers":            {in: "istio-system", host: host, exportTo: []string{"."}, want: "callers in istio-system"},
		"another host":                                {in: "team", host: "ratings.shop.svc.cluster.local"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &istio.DestinationRule{ObjectMeta: metav1.ObjectMeta{Namespace: tt.in, Name: "x"}}
			d.Spec = networking.DestinationRule{Host: tt.host, ExportTo: tt.exportTo}
			check(t, conflict.Find(host, nil, []*istio.DestinationRule{d}), "DestinationRule "+tt.in+"/x rules "+host+", too, for ", tt.want)
		})
	}
}

func check(t *testing.T, found []conflict.Conflict, begins, callers string) {
	t.Helper()
	var got []string
	for _, c := range found {
		got = append(got, c.String())
		if !strings.Contains(c.Do(), "kubectl -n "+c.Namespace+" delete "+strings.ToLower(c.Kind)+" x") {
			t.Errorf("to be done: %s", c.Do())
		}
	}
	var want []string
	if callers != "" {
		want = []string{begins + callers}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestOwn passes over what an Application controls, whatever labels it has.
func TestOwn(t *testing.T) {
	v := &istio.VirtualService{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reviews"}}
	v.Spec.Hosts = []string{host}
	if found := conflict.Find(host, []*istio.VirtualService{v}, nil); len(found) != 1 {
		t.Errorf("nobody's: %v", found)
	}
	v.OwnerReferences = []metav1.OwnerReference{{APIVersion: "weir.dev/v1alpha1", Kind: "Application", Name: "shop", Controller: new(true)}}
	if found := conflict.Find(host, []*istio.VirtualService{v}, nil); len(found) != 0 {
		t.Errorf("ours: %v", found)
	}
}

func TestExcept(t *testing.T) {
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
	app.Spec.TakesOver = []api.Taken{{Kind: "VirtualService", Name: "x"}}
	var routes []*istio.VirtualService
	for _, namespace := range []string{"shop", "team"} {
		v := &istio.VirtualService{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "x"}}
		v.Spec.Hosts = []string{host}
		routes = append(routes, v)
	}
	if left := conflict.Except(app, conflict.Find(host, routes, nil)); len(left) != 1 || left[0].Namespace != "team" {
		t.Errorf("left %v, want that of another namespace", left)
	}
}

func TestNames(t *testing.T) {
	want := []string{host, "*.shop.svc.cluster.local", "*.svc.cluster.local", "*.cluster.local", "*.local", "*"}
	if diff := cmp.Diff(want, conflict.Names(host)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
