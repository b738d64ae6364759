// SPDX-License-Identifier: Apache-2.0

package workload_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/workload"
)

func component(t *testing.T, text string) api.Component {
	t.Helper()
	c := api.Component{Name: "front", Image: "front:v1"}
	if err := yaml.UnmarshalStrict([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheckTemplate(t *testing.T) {
	for name, tt := range map[string]struct {
		component string
		want      string
	}{
		"nothing":                    {"{}", ""},
		"other container":            {"{template: {spec: {containers: [{name: helper, image: b, ports: [{containerPort: 1}]}]}}}", ""},
		"directive":                  {"{template: {spec: {containers: [{name: front, lifecycle: {$patch: delete}}]}}}", ""},
		"unknown field":              {"{template: {spec: {nodeselector: {a: b}}}}", `template.spec: unknown field "nodeselector"`},
		"unknown field below":        {"{template: {spec: {containers: [{name: front, lifeCycle: {}}]}}}", `unknown field "containers[0].lifeCycle"`},
		"wrong type":                 {"{template: {spec: {priority: high}}}", "template.spec: json: cannot unmarshal string"},
		"account":                    {"{template: {spec: {serviceAccountName: a}}}", "template.spec.serviceAccountName: the component's own account"},
		"old account":                {"{template: {spec: {serviceAccount: a}}}", "template.spec.serviceAccountName"},
		"node's network":             {"{template: {spec: {hostNetwork: true}}}", "template.spec.hostNetwork: the sidecar cannot see"},
		"node's network, no sidecar": {"{mesh: false, template: {spec: {hostNetwork: true}}}", ""},
		"node's network, job":        {"{kind: Job, template: {spec: {hostNetwork: true}}}", ""},
		"sidecar's user":             {"{template: {spec: {securityContext: {runAsUser: 1337}}}}", "template.spec.securityContext.runAsUser: user 1337"},
		"sidecar's user in one": {
			"{template: {spec: {containers: [{name: b}, {name: d, securityContext: {runAsUser: 1337}}]}}}",
			"template.spec.containers[1].securityContext.runAsUser: user 1337",
		},
		"image": {"{template: {spec: {containers: [{name: front, image: x}]}}}", "template.spec.containers[0].image: the image gives"},
		"ports": {"{template: {spec: {containers: [{name: front, ports: [{containerPort: 1}]}]}}}", "template.spec.containers[0].ports"},
		"a port of the sidecar": {
			"{template: {spec: {containers: [{name: b, ports: [{containerPort: 80}, {containerPort: 15090}]}]}}}",
			"template.spec.containers[0].ports[1].containerPort: port 15090 belongs to the sidecar",
		},
		"a port of the sidecar, no sidecar": {"{mesh: false, template: {spec: {containers: [{name: b, ports: [{containerPort: 15090}]}]}}}", ""},
		"the sidecar":                       {"{template: {spec: {containers: [{name: istio-proxy}]}}}", "template.spec.containers[0].name: istio-proxy"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, err := range workload.CheckTemplate(component(t, tt.component)) {
				got = append(got, err.Error())
			}
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("refused: %q", got)
			case tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], "template.spec") || !strings.Contains(got[0], tt.want)):
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOverlayKeepsWhatWeirSets(t *testing.T) {
	a := &api.Application{}
	a.Namespace, a.Name = "shop", "shop"
	c := component(t, `{ports: [{port: 8080}], template: {labels: {app: other, team: web}, spec: {containers: [
		{name: front, lifecycle: {$patch: delete}, env: [{name: A, value: b}]}]}}, env: [{name: B, value: c}]}`)
	d, err := workload.Deployment(a, c, api.VersionWanted{Version: "v1", Replicas: 1})
	if err != nil {
		t.Fatal(err)
	}
	pods := d.Spec.Template
	if pods.Labels["app"] != "front" || pods.Labels["team"] != "web" {
		t.Errorf("labels %v", pods.Labels)
	}
	front := pods.Spec.Containers[0]
	if len(pods.Spec.Containers) != 1 || front.Image != "front:v1" || len(front.Ports) != 1 || len(front.Env) != 2 {
		t.Errorf("container %+v", front)
	}
	if front.Lifecycle != nil && front.Lifecycle.PreStop != nil {
		t.Error("a directive was not obeyed")
	}
}
