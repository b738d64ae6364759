// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const waitingPod = `
kind: Pod
metadata: {name: page-1, labels: {app: page, version: v1, sidecar.istio.io/inject: "true"}}
spec: {containers: [{name: istio-proxy}, {name: page, ports: [{name: web, containerPort: 8080}], readinessProbe: {tcpSocket: {port: web}}}]}
status:
  conditions: [{type: Ready, status: "False"}]
  containerStatuses: [{name: istio-proxy, ready: true, state: {running: {}}}, {name: page, state: {running: {}}}]
`

func TestDoubts(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to string
		want     string
	}{
		"a port that takes no connections": {"", "", "page-1 page 8080"},
		"asked by HTTP":                    {"tcpSocket: {port: web}", "httpGet: {port: 8081}", "page-1 page 8081"},
		"asked somewhere else":             {"tcpSocket: {port: web}", "httpGet: {port: 8081, host: example}", ""},
		"asked by HTTPS":                   {"tcpSocket: {port: web}", "httpGet: {port: 8081, scheme: HTTPS}", ""},
		"asked by a command":               {"tcpSocket: {port: web}", "exec: {command: [x]}", ""},
		"a port of no name":                {"port: web", "port: wep", ""},
		"the pod is ready":                 {`status: "False"`, `status: "True"`, ""},
		"it is not running":                {"{name: page, state: {running: {}}}", "{name: page, state: {waiting: {}}}", ""},
		"its sidecar is not ready":         {"ready: true, ", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, d := range Doubts(read(t, strings.Replace(waitingPod, tt.from, tt.to, 1))) {
				got += fmt.Sprintf("%s %s %d", d.Pod, d.Container, d.Port)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLoopbackOnly(t *testing.T) {
	n := read(t, waitingPod)
	n.Labels = map[string]string{"istio-injection": "enabled"}
	if got := lines(Run(Snapshot{Cluster: healthy(t), Namespaces: []Namespace{n}}), Warning); len(got) > 0 {
		t.Errorf("found %v before anybody asked inside", got)
	}
	n.Loopback = Doubts(n)
	found := Run(Snapshot{Cluster: healthy(t), Namespaces: []Namespace{n}})
	if diff := cmp.Diff([]string{"LoopbackOnly Pod page-1"}, lines(found, Warning)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
