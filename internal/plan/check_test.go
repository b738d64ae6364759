// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"strings"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

// find returns the object of a type and name.
func find[T plan.Object](t *testing.T, objects []plan.Object, name string) T {
	t.Helper()
	for _, o := range objects {
		if found, ok := o.(T); ok && o.GetName() == name {
			return found
		}
	}
	t.Fatalf("no %T %s", *new(T), name)
	return *new(T)
}

func without[T plan.Object](objects []plan.Object, name string) []plan.Object {
	return slices.DeleteFunc(objects, func(o plan.Object) bool {
		_, ok := o.(T)
		return ok && o.GetName() == name
	})
}

// sound is a release of an exposed component with an http and a tcp port, beside a second exposed component.
func sound(t *testing.T) []plan.Object {
	t.Helper()
	v2 := reviews("r:v2", 9080, 3306)
	v2.Expose = &api.Expose{Paths: []string{"/reviews"}}
	other := api.Component{Name: "ratings", Image: "r:v1", Ports: []api.Port{{Port: 9080}}, Expose: &api.Expose{}}
	objects, err := plan.Objects(shop(shifting(reviews("r:v1", 9080, 3306), v2, 10), settled(other)))
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Check(objects); err != nil {
		t.Fatalf("the sound plan is refused: %v", err)
	}
	return objects
}

func TestCheckRefuses(t *testing.T) {
	type objects = []plan.Object
	vs := func(o objects) *networking.VirtualService { return &find[*istio.VirtualService](t, o, "reviews").Spec }
	rule := func(o objects) *networking.DestinationRule {
		return &find[*istio.DestinationRule](t, o, "reviews").Spec
	}
	for name, tt := range map[string]struct {
		spoil func(objects) objects
		want  []string
	}{
		"subset that no rule names": {
			func(o objects) objects { rule(o).Subsets = rule(o).Subsets[:1]; return o },
			[]string{"VirtualService reviews: spec.http[0].route[1].destination.subset", `no DestinationRule names subset "v2"`},
		},
		"no rule at all": {
			func(o objects) objects { return without[*istio.DestinationRule](o, "reviews") },
			[]string{"spec.tcp[0].route[0].destination.subset", "no DestinationRule names"},
		},
		"subset without a Deployment": {
			func(o objects) objects { return without[*appsv1.Deployment](o, "reviews-v2") },
			[]string{"spec.http[0].route[1].destination.subset", `subset "v2" of reviews.shop.svc.cluster.local has no pods`},
		},
		"Deployment without replicas": {
			func(o objects) objects {
				find[*appsv1.Deployment](t, o, "reviews-v2").Spec.Replicas = ptr.To[int32](0)
				return o
			},
			[]string{`subset "v2" of reviews.shop.svc.cluster.local has no pods`},
		},
		"pods the Service does not select": {
			func(o objects) objects {
				find[*appsv1.Deployment](t, o, "reviews-v2").Spec.Template.Labels["app"] = "other"
				return o
			},
			[]string{`subset "v2" of reviews.shop.svc.cluster.local has no pods`},
		},
		"http weights below 100": {
			func(o objects) objects { vs(o).Http[0].Route[0].Weight--; return o },
			[]string{"VirtualService reviews: spec.http[0].route", "the weights sum to 99; they must sum to 100"},
		},
		"tcp weights above 100": {
			func(o objects) objects { vs(o).Tcp[0].Route[1].Weight = 20; return o },
			[]string{"spec.tcp[0].route", "the weights sum to 110"},
		},
		"negative weight": {
			func(o objects) objects {
				vs(o).Http[0].Route[0].Weight, vs(o).Http[0].Route[1].Weight = 110, -10
				return o
			},
			[]string{"spec.http[0].route[1].weight", "-10 is negative"},
		},
		"gateway weights": {
			func(o objects) objects {
				find[*istio.VirtualService](t, o, "shop-gateway").Spec.Http[0].Route[0].Weight = 1
				return o
			},
			[]string{"VirtualService shop-gateway: spec.http[0].route", "sum to 11"},
		},
		"two writers of a host": {
			func(o objects) objects {
				twin := find[*istio.VirtualService](t, o, "reviews").DeepCopy()
				twin.Name = "reviews-twin"
				return append(o, twin)
			},
			[]string{"VirtualService reviews-twin: spec.hosts[0]", "already written by VirtualService reviews;"},
		},
		"two rules for a host": {
			func(o objects) objects {
				twin := find[*istio.DestinationRule](t, o, "reviews").DeepCopy()
				twin.Name = "reviews-twin"
				return append(o, twin)
			},
			[]string{"DestinationRule reviews-twin: spec.host", "already written by DestinationRule reviews;"},
		},
		"one name twice": {
			func(o objects) objects { return append(o, find[*corev1.Service](t, o, "reviews").DeepCopy()) },
			[]string{"Service reviews: metadata.name", "already written by"},
		},
		"invalid name": {
			func(o objects) objects { find[*corev1.ServiceAccount](t, o, "reviews").Name = "Reviews"; return o },
			[]string{"ServiceAccount Reviews: metadata.name", "is no valid name"},
		},
		"subset twice": {
			func(o objects) objects { rule(o).Subsets[1].Name = "v1"; return o },
			[]string{"DestinationRule reviews: spec.subsets[1].name", "already written"},
		},
		"subset with a dot": {
			func(o objects) objects { rule(o).Subsets[1].Name = "1.2"; return o },
			[]string{"spec.subsets[1].name", `"1.2" is no DNS label`},
		},
		"port no Service has": {
			func(o objects) objects { vs(o).Http[0].Route[0].Destination.Port.Number = 9081; return o },
			[]string{"spec.http[0].route[0].destination.port.number", "Service reviews has no port 9081"},
		},
		"no port said": {
			func(o objects) objects { vs(o).Http[0].Route[0].Destination.Port = nil; return o },
			[]string{"spec.http[0].route[0].destination.port.number", "has no port 0"},
		},
		"host no Service has": {
			func(o objects) objects { vs(o).Http[0].Route[0].Destination.Host = "reviews"; return o },
			[]string{"spec.http[0].route[0].destination.host", `no Service answers for "reviews"`},
		},
		"no Service": {
			func(o objects) objects { return without[*corev1.Service](o, "reviews") },
			[]string{
				"DestinationRule reviews: spec.host", "VirtualService reviews: spec.hosts[0]",
				"VirtualService shop-gateway: spec.http[0].route[0].destination.host",
			},
		},
		"no Gateway": {
			func(o objects) objects { return without[*istio.Gateway](o, "shop") },
			[]string{"VirtualService shop-gateway: spec.gateways[0]", "there is no Gateway shop/shop"},
		},
		"two routes for one path": {
			func(o objects) objects {
				outside := find[*istio.VirtualService](t, o, "shop-gateway")
				outside.Spec.Http[0].Match = nil
				return o
			},
			[]string{"VirtualService shop-gateway: spec.http[1]", `requests to "/" are taken by spec.http[0] (reviews-`, "paths of its own"},
		},
		"hosts that overlap": {
			func(o objects) objects {
				outside := find[*istio.VirtualService](t, o, "shop-gateway")
				outside.Spec.Hosts = append(outside.Spec.Hosts, "*.shop.example")
				return o
			},
			[]string{"VirtualService shop-gateway: spec.hosts[1]", "*.shop.example overlaps a host before it"},
		},
		"one name for two routes": {
			func(o objects) objects {
				vs(o).Http = append([]*networking.HTTPRoute{vs(o).Http[0].DeepCopy()}, vs(o).Http...)
				return o
			},
			[]string{"VirtualService reviews: spec.http[1].name", "is already the name of spec.http[0]"},
		},
		"expression that proxies cannot read": {
			picking(vs, func(m *networking.HTTPMatchRequest) {
				m.Headers = map[string]*networking.StringMatch{"a": {MatchType: &networking.StringMatch_Regex{Regex: "(?=a)"}}}
			}),
			[]string{"VirtualService reviews: spec.http[0].match[0].headers[a].regex", `"(?=a)" is no regular expression`, "RE2"},
		},
		"match that compares with nothing": {
			picking(vs, func(m *networking.HTTPMatchRequest) { m.Uri = &networking.StringMatch{} }),
			[]string{"spec.http[0].match[0].uri: there is nothing to compare with"},
		},
		"match with an empty text": {
			picking(vs, func(m *networking.HTTPMatchRequest) {
				m.QueryParams = map[string]*networking.StringMatch{"q": {MatchType: &networking.StringMatch_Exact{}}}
			}),
			[]string{"spec.http[0].match[0].queryParams[q].exact: an empty text never matches"},
		},
		"caller that the application does not have": {
			picking(vs, func(m *networking.HTTPMatchRequest) { m.SourceLabels = map[string]string{"app": "nobody"} }),
			[]string{"spec.http[0].match[0].sourceLabels", `no component "nobody"`},
		},
		"copies for a subset without pods": {
			func(o objects) objects {
				d := vs(o).Http[0].Route[1].Destination
				vs(o).Http[0].Route = vs(o).Http[0].Route[:1]
				vs(o).Http[0].Route[0].Weight = 100
				vs(o).Http[0].Mirrors = []*networking.HTTPMirrorPolicy{{Destination: d}}
				return without[*appsv1.Deployment](o, "reviews-v2")
			},
			[]string{"spec.http[0].mirrors[0].destination.subset", `subset "v2"`, "spec.http[0].mirrors[0].percentage"},
		},
		"cookie with a name that is none": {
			func(o objects) objects {
				vs(o).Http[0].Route[0].Headers = &networking.Headers{
					Response: &networking.Headers_HeaderOperations{Add: map[string]string{"set-cookie": "a b=c"}},
				}
				return o
			},
			[]string{"spec.http[0].route[0].headers.response.add[set-cookie]", `a cookie cannot be called "a b"`},
		},
		"no routes": {
			func(o objects) objects { vs(o).Http, vs(o).Tcp = nil, nil; return o },
			[]string{"VirtualService reviews: spec: there is no route"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := plan.Check(tt.spoil(sound(t)))
			if err == nil {
				t.Fatal("the spoiled plan passes")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
		})
	}
}

// picking spoils the match of the first route.
func picking(
	vs func([]plan.Object) *networking.VirtualService, change func(*networking.HTTPMatchRequest),
) func([]plan.Object) []plan.Object {
	return func(o []plan.Object) []plan.Object {
		m := &networking.HTTPMatchRequest{}
		change(m)
		vs(o).Http[0].Match = []*networking.HTTPMatchRequest{m}
		return o
	}
}

func TestCheckRefusesWanted(t *testing.T) {
	v1, v2 := reviews("r:v1", 9080), reviews("r:v2", 9080)
	for name, tt := range map[string]struct {
		spoil func([]api.VersionWanted)
		want  string
	}{
		"weight without subset": {func(w []api.VersionWanted) { w[1].Subset = false }, `no DestinationRule names subset "v2"`},
		"weight without pods":   {func(w []api.VersionWanted) { w[1].Replicas = 0 }, `subset "v2" of reviews.shop.svc.cluster.local has no pods`},
		"weights of 110":        {func(w []api.VersionWanted) { w[1].Weight = 20 }, "the weights sum to 110"},
	} {
		t.Run(name, func(t *testing.T) {
			c := shifting(v1, v2, 10)
			tt.spoil(c.Wanted)
			objects, err := plan.Objects(shop(c))
			if err != nil {
				t.Fatal(err)
			}
			if err := plan.Check(objects); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
