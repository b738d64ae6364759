// SPDX-License-Identifier: Apache-2.0

// Package random makes arbitrary Applications that the API accepts, with releases under way, for tests of what is made of
// them. The same seed gives the same Application.
package random

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/revision"
)

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	inner   = letters + "0123456789-"
	maxName = 40
)

// maker draws from one stream of chance.
type maker struct{ *rand.Rand }

// Input returns an Application in the namespace, and what is wanted of each component.
func Input(seed uint64, namespace string) plan.Input {
	m := maker{rand.New(rand.NewPCG(seed, 0))}
	a := &api.Application{
		TypeMeta:   metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: "Application"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: m.name(), UID: "0"},
	}
	in := plan.Input{Application: a}
	for i := range 1 + m.IntN(5) {
		c := m.component(i)
		in.Components = append(in.Components, m.wanted(c))
		a.Spec.Components = append(a.Spec.Components, c)
	}
	a.Spec.ScopeFromUses, a.Spec.AccessFromUses = m.chance(2), m.chance(2)
	in.GatewayPrincipals = []string{"cluster.local/ns/istio-system/sa/gateway"}
	for i := range a.Spec.Components {
		c := &a.Spec.Components[i]
		if m.chance(3) {
			c.Uses = append(c.Uses, []string{"other/one", "far/other/one", "https://api.example", "http://*.a.example:8080",
				"mysql://db.example:3306", "tcp://192.0.2.7:25", "grpc://old.shop.svc.cluster.local:50051"}[m.IntN(7)])
		}
		for j, other := range a.Spec.Components {
			if i != j && m.chance(3) {
				c.Uses = append(c.Uses, other.Name)
			}
		}
		in.Components[i].Spec = *c
	}
	m.callers(&in)
	in.Elsewhere = map[string][]string{"*": {"/elsewhere"}, "a.example": {"/else.where", "/other"}}
	return in
}

func (m maker) chance(n int) bool { return m.IntN(n) == 0 }

// name is a label; often as long as it may be.
func (m maker) name() string {
	n := 1 + m.IntN(maxName)
	if m.chance(3) {
		n = maxName
	}
	return m.text(letters, 1) + strings.TrimRight(m.text(inner, n-1), "-")
}

func (m maker) text(from string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = from[m.IntN(len(from))]
	}
	return string(out)
}

// callers are of other applications.
func (m maker) callers(in *plan.Input) {
	in.Callers = map[string][]plan.Caller{}
	for _, c := range in.Components {
		if m.chance(4) {
			in.Callers[c.Spec.Name] = []plan.Caller{{Namespace: in.Application.Namespace, Application: "other", Component: m.name(),
				Identified: !m.chance(4)}}
		}
	}
}

// component makes the i-th component; no name begins another.
func (m maker) component(i int) api.Component {
	name := letters[i:i+1] + m.name()
	c := api.Component{
		Name: strings.TrimRight(name[:min(len(name), maxName)], "-"), Image: m.image(),
		Replicas: ptr.To(int32(1 + m.IntN(3))), Mesh: ptr.To(!m.chance(5)), Ports: m.ports(),
	}
	if m.chance(3) {
		c.Version = strings.Trim(m.text(inner+"....", 1+m.IntN(maxName)), "-.")
	}
	if m.chance(3) {
		c.Env = []corev1.EnvVar{{Name: "A", Value: m.text(inner, 5)}}
	}
	if len(c.Ports) > 0 && m.chance(2) {
		c.Expose = m.expose(c)
	}
	return c
}

func (m maker) image() string {
	image := m.text(letters, 3) + ".example:5000/" + m.text(letters, 5)
	if m.chance(2) {
		image += ":" + m.text("ABCxyz019", 1) + m.text("ABCxyz019._-", m.IntN(127))
	}
	if m.chance(3) {
		image += "@sha256:" + m.text("0123456789abcdef", 64)
	}
	return image
}

func (m maker) ports() []api.Port {
	numbers := []int32{1, 65535, 80, 443, 8080, 9080, 3306, 6379, 27017, 50051, 7000, 7001}
	protocols := []api.Protocol{
		"", "", "", port.HTTP, port.HTTP2, port.GRPC, port.GRPCWeb, port.HTTPS, port.TLS, port.TCP, port.UDP,
		port.Mongo, port.MySQL, port.Redis,
	}
	m.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	var out []api.Port
	for i, n := range numbers[:m.IntN(5)] {
		p := api.Port{Port: n, Protocol: protocols[m.IntN(len(protocols))]}
		if m.chance(3) {
			names := []string{"api", "web-80", "grpc-api", "http-9080", "tcp", "grpc-web", "http-api", "metrics-and-all"}
			p.Name = names[i+m.IntN(2)*4]
		}
		if m.chance(4) {
			p.AppProtocol = []string{"kubernetes.io/h2c", "kubernetes.io/ws", "GRPC", "example.com/own", "smtp"}[m.IntN(5)]
		}
		if m.chance(4) {
			p.Target = 1024 + int32(m.IntN(8000))
		}
		out = append(out, p)
	}
	return out
}

// expose makes a way in that the component can have, or none.
func (m maker) expose(c api.Component) *api.Expose {
	c.Expose = &api.Expose{}
	if len(port.Streams(port.Resolve(c))) > 0 && m.chance(5) {
		return &api.Expose{TCP: 20000 + int32(c.Name[0])} // no name begins another
	}
	if _, ok := port.Exposed(c); !ok {
		return nil
	}
	e := &api.Expose{Paths: []string{"/" + c.Name}}
	if strings.HasPrefix(c.Name, letters[:1]) && m.chance(2) {
		e.Paths = nil // the first alone: of the others none may be hidden
	}
	if m.chance(3) {
		e.TLS = &api.ExposeTLS{Secret: "cert", Redirect: ptr.To(m.chance(2))}
	}
	if m.chance(3) {
		e.CORS = &api.CORS{Origins: []string{"https://a.example", "http://*.b.example:81"}, Methods: []string{"GET"}, Credentials: m.chance(2)}
	}
	if e.Paths != nil && m.chance(2) {
		e.Paths = append(e.Paths, fmt.Sprintf("/%s/%s", c.Name, m.text(inner, 1+m.IntN(200))))
	}
	for _, host := range []string{"a.example", "b.a.example", "*.a.example", "*"} {
		if m.chance(3) {
			e.Hosts = append(e.Hosts, host)
		}
	}
	return e
}

// wanted puts the component somewhere on the way from one version to the next.
func (m maker) wanted(c api.Component) plan.Component {
	old := *c.DeepCopy()
	old.Image, old.Ports = m.image(), slices.Concat(c.Ports, []api.Port{{Port: 7777}})
	from := revision.Version(old, nil)
	versions := map[string]api.Component{from: revision.Freeze(old)}
	to := revision.Version(c, versions)
	versions[to] = revision.Freeze(c)
	out := plan.Component{Spec: c, Versions: versions}
	weight := int32(1 + m.IntN(99))
	out.Wanted = [][]api.VersionWanted{
		{{Version: to, Replicas: *c.Replicas, Subset: true, Weight: 100}},
		{{Version: from, Replicas: 2, Subset: true, Weight: 100}, {Version: to, Replicas: 1}},
		{{Version: from, Replicas: 2, Subset: true, Weight: 100}, {Version: to, Replicas: 1, Subset: true}},
		{{Version: from, Replicas: 2, Subset: true, Weight: 100 - weight}, {Version: to, Replicas: 1, Subset: true, Weight: weight}},
		{{Version: from, Replicas: 2, Subset: true}, {Version: to, Replicas: 1, Subset: true, Weight: 100}},
		{{Version: from, Subset: true}, {Version: to, Replicas: 1, Subset: true, Weight: 100}},
	}[m.IntN(6)]
	if last := &out.Wanted[len(out.Wanted)-1]; last.Subset && last.Replicas > 0 && len(out.Wanted) > 1 {
		m.extras(last, len(c.Ports) > 0)
	}
	return out
}

// extras gives the new version what a step may give besides a weight.
func (m maker) extras(v *api.VersionWanted, ports bool) {
	for range m.IntN(3) {
		v.Match = append(v.Match, m.match())
	}
	if ports && m.chance(3) {
		v.Mirror = &api.Mirror{Percent: int32(1 + m.IntN(100)), Methods: []api.MirrorMethods{api.MirrorSafe, api.MirrorAll}[m.IntN(2)]}
	}
	if v.Weight > 0 && m.chance(2) {
		v.Cohorts = &api.Cohorts{Cookie: "c", ID: v.Version, MaxAge: 60, Weights: []int32{1, v.Weight}}
	}
}

// match makes one that holds for some requests.
func (m maker) match() api.Match {
	out := api.Match{Headers: []api.NamedMatch{{Name: "x-" + m.text(letters, 2), StringMatch: m.comparison()}}}
	if m.chance(3) {
		out.Cookies = []api.NamedMatch{{Name: m.text(letters, 2), StringMatch: m.comparison()}}
	}
	if m.chance(3) {
		out.Query = []api.NamedMatch{{Name: m.text(letters, 2), StringMatch: m.comparison()}}
	}
	if m.chance(3) {
		out.Path = &api.StringMatch{Prefix: "/" + m.text(letters, 1)}
	}
	if m.chance(3) {
		out.Method = []string{"GET", "POST"}[m.IntN(2)]
	}
	return out
}

func (m maker) comparison() api.StringMatch {
	return []api.StringMatch{{Exact: m.text(inner, 3)}, {Prefix: m.text(inner, 2)}, {Regex: "[a-z]*" + m.text(letters, 1)}}[m.IntN(3)]
}
