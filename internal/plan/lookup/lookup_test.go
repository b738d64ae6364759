// SPDX-License-Identifier: Apache-2.0

package lookup_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/lookup"
	"weir.dev/weir/internal/plan/routing"
)

const host = "reviews.shop.svc.cluster.local"

// step is a component in a step that has everything a step can have.
func step() (*api.Application, routing.Component) {
	a := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop"}}
	ports := []api.Port{{Port: 9080, Protocol: "http"}, {Port: 3306, Protocol: "mysql"}}
	return a, routing.Component{Name: "reviews", Ports: ports, Expose: &api.Expose{Paths: []string{"/reviews"}}, Versions: []routing.Version{
		{Name: "v1", Subset: true, Pods: true, Weight: 80, Ports: ports},
		{
			Name: "v2", Subset: true, Pods: true, Weight: 20, Ports: ports, Mirror: &api.Mirror{Percent: 50, Methods: api.MirrorSafe},
			Match: []api.Match{
				{Headers: []api.NamedMatch{{Name: "end-user", StringMatch: api.StringMatch{Exact: "jason"}}}},
				{
					Cookies: []api.NamedMatch{{Name: "group", StringMatch: api.StringMatch{Prefix: "b"}}}, Method: "POST",
					Query: []api.NamedMatch{{Name: "try", StringMatch: api.StringMatch{Regex: "[0-9]+"}}},
				},
				{Source: "front", Path: &api.StringMatch{Prefix: "/beta"}},
			},
			Cohorts: &api.Cohorts{Cookie: "user", ID: "v2", MaxAge: 60, Weights: []int32{10, 20}},
		},
	}}
}

func services() []*istio.VirtualService {
	a, c := step()
	return append([]*istio.VirtualService{routing.VirtualService(a, c)}, routing.Outside(a, []routing.Component{c}, nil)...)
}

// text is an answer in one line a route.
func text(a lookup.Answer) string {
	var out strings.Builder
	for _, s := range a.Shares {
		fmt.Fprintf(&out, "%s %g %%", s.Version, s.Percent)
		if s.Cookie != "" {
			fmt.Fprintf(&out, " sets %s", s.Cookie)
		}
		fmt.Fprintln(&out)
	}
	for _, s := range a.Copies {
		fmt.Fprintf(&out, "copies to %s %g %%\n", s.Version, s.Percent)
	}
	for i, r := range append(a.Before, a.Route) {
		_, kind, _ := strings.Cut(r.Name, ".")
		sign := "-"
		if i == len(a.Before) {
			sign = "+"
		}
		if r.Field != "" {
			fmt.Fprintf(&out, "%s %s %s: %s\n", sign, r.Field, kind, strings.Join(r.Because, " or "))
		}
	}
	for _, n := range a.Notes {
		fmt.Fprintln(&out, "note:", n)
	}
	return out.String()
}

const noMatch = "header end-user is not jason or method is not POST, and cookie group is not /b[^;]*/, and query try does not match [0-9]+ or "

func TestOf(t *testing.T) {
	inside := noMatch + "path does not begin with /beta, and the caller's namespace is not known to be shop, and the caller's label app is not known to be front, and the caller's label weir.dev/application is not known to be shop\n"
	for name, tt := range map[string]struct {
		request lookup.Request
		want    string
	}{
		"a header picks it": {
			lookup.Request{Host: host, Port: 9080, Headers: map[string]string{"End-User": "jason"}},
			"v2 100 %\n+ spec.http[0] match: header end-user is jason\n",
		},
		"all that a match says must hold": {
			lookup.Request{Host: host, Port: 9080, Method: "POST", Path: "/?try=7&x", Headers: map[string]string{"cookie": "a=b; group=blue"}},
			"v2 100 %\n+ spec.http[0] match: method is POST, and cookie group is /b[^;]*/, and query try matches [0-9]+\n",
		},
		"a caller picks it": {
			lookup.Request{
				Host: host, Path: "/beta/x", Namespace: "shop", Source: map[string]string{"app": "front", api.LabelApplication: "shop", "x": "y"},
			},
			"v2 100 %\n+ spec.http[0] match: the caller's namespace is shop, and the caller's label app is front, and the caller's label weir.dev/application is shop, and path begins with /beta\n",
		},
		"a user of the new version stays": {
			lookup.Request{Host: host, Headers: map[string]string{"cookie": `user="v2.new"`}},
			"v2 100 % sets user=v2.new\n- spec.http[0] match: " + strings.Replace(strings.Replace(inside, "path does not begin with /beta, and ", "", 1), "shop\n", "shop, and path does not begin with /beta\n", 1) +
				"+ spec.http[1] new: cookie user is v2.new\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := lookup.Of(tt.request, services())
			if diff := cmp.Diff(tt.want, text(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhereItGoes(t *testing.T) {
	cookie := func(text string) map[string]string { return map[string]string{"cookie": text} }
	for name, tt := range map[string]struct {
		request lookup.Request
		// want is the shares, and the kind of the route.
		want string
	}{
		"by weight, and copied":          {lookup.Request{Host: host}, "v1 80 v2 20 copied mirror"},
		"what changes things: no copies": {lookup.Request{Host: host, Method: "PUT"}, "v1 80 v2 20"},
		"old user of this step":          {lookup.Request{Host: host, Method: "PUT", Headers: cookie("user=v2.old.20")}, "v1 100 old"},
		"old user of a step before":      {lookup.Request{Host: host, Headers: cookie("x=1; user=v2.old.10")}, "v1 89 v2 11 copied old-10.mirror"},
		"user of another release":        {lookup.Request{Host: host, Method: "PUT", Headers: cookie("user=v3.new")}, "v1 80 v2 20"},
		"from outside":                   {lookup.Request{Host: "any.example", Outside: true, Path: "/reviews/1", Method: "PUT"}, "v1 80 v2 20 /reviews"},
		"from outside, no caller":        {lookup.Request{Host: "any.example", Outside: true, Path: "/beta", Source: map[string]string{"app": "front"}}, "nowhere"},
		"a connection":                   {lookup.Request{Host: host, Port: 3306, Stream: true}, "v1 80 v2 20"},
		"a host that nothing is for":     {lookup.Request{Host: "ratings.shop.svc.cluster.local"}, " 100"},
	} {
		t.Run(name, func(t *testing.T) {
			got := lookup.Of(tt.request, services())
			var words []string
			for _, s := range got.Shares {
				words = append(words, fmt.Sprintf("%s %g", s.Version, s.Percent))
			}
			if len(got.Copies) > 0 {
				words = append(words, "copied")
			}
			if _, kind, ok := strings.Cut(got.Route.Name, "."); ok {
				words = append(words, kind)
			}
			if len(words) == 0 {
				words = append(words, "nowhere")
			}
			if is := strings.Join(words, " "); is != tt.want {
				t.Errorf("got %q, want %q\n%s", is, tt.want, text(got))
			}
		})
	}
}

// foreign makes a VirtualService of somebody else's with one route to a version.
func foreign(name, version string, age time.Duration, spec *networking.VirtualService) *istio.VirtualService {
	vs := &istio.VirtualService{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: name, CreationTimestamp: metav1.NewTime(time.Unix(1e9, 0).Add(-age)),
	}}
	spec.DeepCopyInto(&vs.Spec)
	if len(vs.Spec.Http) == 0 {
		vs.Spec.Http = []*networking.HTTPRoute{{Name: version}}
	}
	for _, r := range vs.Spec.Http {
		r.Route = []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: host, Subset: version}}}
	}
	return vs
}

func TestHosts(t *testing.T) {
	matches := func(m *networking.HTTPMatchRequest) *networking.VirtualService {
		return &networking.VirtualService{Hosts: []string{"reviews"}, Http: []*networking.HTTPRoute{{Match: []*networking.HTTPMatchRequest{m}}}}
	}
	like := func(s string) *networking.StringMatch {
		return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: s}}
	}
	at := func(gateway string, hosts ...string) *networking.VirtualService {
		return &networking.VirtualService{Hosts: hosts, Gateways: []string{gateway}}
	}
	inside := lookup.Request{Host: host, Namespace: "shop", Path: "/A"}
	outside := lookup.Request{Host: "a.b.example", Outside: true}
	for name, tt := range map[string]struct {
		services []*istio.VirtualService
		request  lookup.Request
		want     string
	}{
		"a short name": {[]*istio.VirtualService{foreign("a", "v1", 0, &networking.VirtualService{Hosts: []string{"reviews"}})}, inside, "v1"},
		"the oldest of two": {[]*istio.VirtualService{
			foreign("a", "v1", 0, &networking.VirtualService{Hosts: []string{"reviews"}}),
			foreign("b", "v2", time.Hour, &networking.VirtualService{Hosts: []string{host}}),
		}, inside, "v2"},
		"a name before a star": {[]*istio.VirtualService{
			foreign("a", "v1", time.Hour, at("g", "*")), foreign("b", "v2", time.Minute, at("g", "*.example")),
			foreign("c", "v3", 0, at("g", "*.b.example")), foreign("d", "v4", time.Hour, at("mesh", "a.b.example")),
		}, outside, "v3"},
		"the next at the gateway when the first has no route": {[]*istio.VirtualService{
			foreign("a", "v1", time.Hour, &networking.VirtualService{Hosts: []string{"*"}, Gateways: []string{"g"}, Http: []*networking.HTTPRoute{{
				Match: []*networking.HTTPMatchRequest{{Uri: like("/x")}},
			}}}), foreign("b", "v2", 0, at("g", "*")),
		}, outside, "v2"},
		"not exported": {[]*istio.VirtualService{
			foreign("a", "v1", 0, &networking.VirtualService{Hosts: []string{host}, ExportTo: []string{"."}}),
		}, lookup.Request{Host: host, Namespace: "other"}, ""},
		"any case":           {[]*istio.VirtualService{foreign("a", "v1", 0, matches(&networking.HTTPMatchRequest{Uri: like("/a"), IgnoreUriCase: true}))}, inside, "v1"},
		"without a header":   {[]*istio.VirtualService{foreign("a", "v1", 0, matches(&networking.HTTPMatchRequest{WithoutHeaders: map[string]*networking.StringMatch{"x": {}}}))}, inside, "v1"},
		"that host is asked": {[]*istio.VirtualService{foreign("a", "v1", 0, matches(&networking.HTTPMatchRequest{Authority: like("x"), Scheme: like("http")}))}, inside, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			got := lookup.Of(tt.request, tt.services)
			is := "nowhere"
			if len(got.Shares) > 0 {
				is = got.Shares[0].Version
			}
			if is != tt.want {
				t.Errorf("got %q, want %q\n%s", is, tt.want, text(got))
			}
		})
	}
}
