// SPDX-License-Identifier: Apache-2.0

package draft_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	networking "istio.io/client-go/pkg/apis/networking/v1"
	"sigs.k8s.io/yaml"

	"weir.dev/weir/internal/draft"
)

func TestAdopt(t *testing.T) {
	for name, folder := range map[string]string{
		"books": "examples/adopting", "podinfo": "examples/adopting",
		"istio": "test/hitless/testdata", "kubesphere": "test/hitless/testdata", "database": "test/hitless/testdata",
	} {
		t.Run(name, func(t *testing.T) {
			seen, around := readAll(t, filepath.Join("..", "..", folder, name+".yaml"))
			a, err := draft.Adopt(seen, around, draft.Options{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "adopt."+name, a.Draft)
			if len(a.Obstacles) > 0 {
				t.Errorf("in the way: %v", a.Obstacles)
			}
		})
	}
}

// TestObstacles changes one thing of a shop that could be adopted.
func TestObstacles(t *testing.T) {
	const pods = "  selector: {matchLabels: {app: page}}\n  template:\n    metadata: {labels: {app: page}}\n    spec: {%scontainers: [{name: page, image: 'page:v1'%s}]}\n"
	deployment := func(spec, container string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: page}\nspec:\n" + fmt.Sprintf(pods, spec, container)
	}
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: page}\nspec: {selector: {app: page}, ports: [{port: 80}]}\n"
	set := func(name, app string) string {
		return fmt.Sprintf("apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: %s}\nspec:\n  selector: {matchLabels: {tier: page}}\n  template:\n"+
			"    metadata: {labels: {app: %s, tier: page}}\n    spec: {containers: [{name: page, image: 'page:v1'}]}\n", name, app)
	}
	tiers := strings.Replace(service, "app: page", "tier: page", 1)
	for name, tt := range map[string]struct {
		objects []string
		around  func(*draft.Surroundings)
		want    string
	}{
		"nothing": {[]string{service, deployment("", "")}, nil, ""},
		"injection is off": {
			[]string{service, deployment("", "")}, func(s *draft.Surroundings) { s.Labels = map[string]string{"istio-injection": "disabled"} },
			"namespace shop has the label istio-injection: disabled",
		},
		"a policy names the account": {
			[]string{service, deployment("serviceAccountName: old, ", "")},
			func(s *draft.Surroundings) {
				s.Trusted = map[string][]string{"AuthorizationPolicy front": {"cluster.local/ns/shop/sa/old"}}
			},
			"AuthorizationPolicy front names account old",
		},
		"a claim": {
			[]string{service, deployment("volumes: [{name: v, persistentVolumeClaim: {claimName: c}}], ", "")}, nil, "writes to claim c",
		},
		"a port of the node": {[]string{service, deployment("", ", ports: [{containerPort: 80, hostPort: 80}]")}, nil, "listens on a port of its node"},
		"the node's network": {[]string{service, deployment("hostNetwork: true, ", "")}, nil, "template.spec.hostNetwork"},
		"an operator's": {
			[]string{service, strings.Replace(deployment("", ""), "{name: page}", "{name: page, ownerReferences: [{kind: Shop, name: all, controller: true, uid: u, apiVersion: v1}]}", 1)},
			nil, "belongs to Shop all",
		},
		"a set of another name":  {[]string{tiers, set("web", "page")}, nil, "StatefulSet web answers for Service page"},
		"a set of another label": {[]string{tiers, set("page", "web")}, nil, "have the label app: web"},
		"a second Service that would find nobody": {
			[]string{
				tiers, strings.NewReplacer("name: page", "name: second", "app: page", "app: web").Replace(service),
				strings.Replace(deployment("", ""), "labels: {app: page}}", "labels: {app: web, tier: page}}", 1),
			},
			nil, "Service second leads to its pods by labels that new pods would have otherwise (app=web)",
		},
		"a second Service that finds them": {
			[]string{
				service, strings.Replace(tiers, "name: page", "name: second", 1),
				strings.Replace(deployment("", ""), "labels: {app: page}}", "labels: {app: page, tier: page}}", 1),
			},
			nil, "",
		},
		"a route to a subset from elsewhere": {
			[]string{service, deployment("", "")}, func(s *draft.Surroundings) {
				v := &networking.VirtualService{}
				if err := yaml.Unmarshal([]byte("metadata: {name: way, namespace: front}\nspec: {hosts: [x.example], http: [{route: [{destination: {host: page.shop.svc.cluster.local, subset: v1}}]}]}"), v); err != nil {
					panic(err)
				}
				s.Elsewhere = append(s.Elsewhere, v)
			}, "VirtualService front/way leads to its subset v1",
		},
		"routes by header": {
			[]string{service, deployment("", ""), "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: page}\nspec:\n" +
				"  hosts: [page]\n  http: [{match: [{headers: {x: {exact: one}}}], route: [{destination: {host: page, subset: v1}}]}]\n"},
			nil, "VirtualService page tells requests apart by more than their path",
		},
	} {
		t.Run(name, func(t *testing.T) {
			seen, around := decodeAll(t, []byte(strings.Join(tt.objects, "---\n")))
			if tt.around != nil {
				tt.around(&around)
			}
			a, err := draft.Adopt(seen, around, draft.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range a.Obstacles {
				got = append(got, o.String())
			}
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAdoptWhatStays(t *testing.T) {
	seen, around := readAll(t, filepath.Join("..", "..", "examples", "adopting", "books.yaml"))
	a, err := draft.Adopt(seen, around, draft.Options{Except: []string{"stock", "reviews"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range a.Application.Spec.Components {
		if strings.HasPrefix(c.Name, "stock") || strings.HasPrefix(c.Name, "reviews") {
			t.Errorf("%s is taken", c.Name)
		}
	}
	text := fmt.Sprint(a.Notes)
	if !strings.Contains(text, "VirtualService bookinfo stays, and leads in as before, since it leads to stock, which is no component") {
		t.Errorf("notes: %s", text)
	}
	for _, taken := range a.Application.Spec.TakesOver {
		if taken.Kind == "VirtualService" || taken.Kind == "Gateway" || taken.Kind == "DestinationRule" {
			t.Errorf("%+v is taken", taken)
		}
	}
}
