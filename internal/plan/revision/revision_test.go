// SPDX-License-Identifier: Apache-2.0

package revision_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/revision"
)

func TestVersionOfImage(t *testing.T) {
	long := strings.Repeat("a", 128)
	for name, tt := range map[string]struct{ image, version, want string }{
		"tag":                    {"reviews:v1", "", "v1"},
		"version wins":           {"reviews:v1", "v2", "v2"},
		"version with dots":      {"reviews:v1", "1.2.3", "1-2-3"},
		"registry with a port":   {"registry.example:5000/shop/reviews:v1", "", "v1"},
		"no tag, registry port":  {"registry.example:5000/reviews", "", "latest"},
		"no tag":                 {"reviews", "", "latest"},
		"empty tag":              {"reviews:", "", "latest"},
		"tag of signs":           {"reviews:___", "", "latest"},
		"semantic version":       {"reviews:1.2.3", "", "1-2-3"},
		"capitals and lines":     {"reviews:Release_1.2-RC", "", "release-1-2-rc"},
		"digest":                 {"reviews@sha256:0123456789abcdef0123", "", "0123456789ab"},
		"tag and digest":         {"reviews:v1@sha256:0123456789abcdef0123", "", "v1"},
		"short digest":           {"reviews@sha256:01", "", "01"},
		"tag as long as allowed": {"reviews:" + long, "", strings.Repeat("a", 34) + "-6836c"},
	} {
		t.Run(name, func(t *testing.T) {
			got := revision.Version(api.Component{Name: "reviews", Image: tt.image, Version: tt.version}, nil)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if faults := validation.IsDNS1123Label(got); len(faults) > 0 || len(got) > 40 {
				t.Errorf("%q: %v", got, faults)
			}
		})
	}
}

// stored brings a component through JSON, as a ControllerRevision does.
func stored(t *testing.T, c api.Component) api.Component {
	t.Helper()
	text, err := json.Marshal(revision.Freeze(c))
	if err != nil {
		t.Fatal(err)
	}
	var out api.Component
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVersionAmongExisting(t *testing.T) {
	v1 := api.Component{Name: "reviews", Image: "reviews:v1", Ports: []api.Port{{Port: 9080}}}
	with := func(change func(*api.Component)) api.Component {
		c := *v1.DeepCopy()
		change(&c)
		return c
	}
	cpu := func(s string) *corev1.ResourceRequirements {
		return &corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse(s)}}
	}
	existing := map[string]api.Component{
		"v1":       stored(t, v1),
		"v1-other": stored(t, with(func(c *api.Component) { c.Resources = cpu("1000m") })),
	}
	taken := "v1-" // followed by a hash
	for name, tt := range map[string]struct {
		c    api.Component
		want string
	}{
		"the same":               {v1, "v1"},
		"replicas":               {with(func(c *api.Component) { c.Replicas = ptr.To[int32](9) }), "v1"},
		"uses":                   {with(func(c *api.Component) { c.Uses = []string{"ratings"} }), "v1"},
		"strategy":               {with(func(c *api.Component) { c.Strategy = "slow" }), "v1"},
		"expose":                 {with(func(c *api.Component) { c.Expose = &api.Expose{} }), "v1"},
		"default mesh said":      {with(func(c *api.Component) { c.Mesh = ptr.To(true) }), "v1"},
		"default version said":   {with(func(c *api.Component) { c.Version = "v1" }), "v1"},
		"default protocol said":  {with(func(c *api.Component) { c.Ports[0].Protocol = "http" }), "v1"},
		"no arguments said":      {with(func(c *api.Component) { c.Args = []string{} }), "v1"},
		"no resources said":      {with(func(c *api.Component) { c.Resources = &corev1.ResourceRequirements{} }), "v1"},
		"quantity said anew":     {with(func(c *api.Component) { c.Resources = cpu("1") }), "v1-other"},
		"a new tag":              {with(func(c *api.Component) { c.Image = "reviews:v2" }), "v2"},
		"a new version, unsaid":  {with(func(c *api.Component) { c.Args = []string{"-x"} }), taken},
		"another image":          {with(func(c *api.Component) { c.Image = "other:v1" }), taken},
		"out of the mesh":        {with(func(c *api.Component) { c.Mesh = ptr.To(false) }), taken},
		"another port":           {with(func(c *api.Component) { c.Ports[0].Port = 80 }), taken},
		"another protocol":       {with(func(c *api.Component) { c.Ports[0].Protocol = "tcp" }), taken},
		"another environment":    {with(func(c *api.Component) { c.Env = []corev1.EnvVar{{Name: "A", Value: "b"}} }), taken},
		"another command":        {with(func(c *api.Component) { c.Command = []string{"x"} }), taken},
		"another readiness":      {with(func(c *api.Component) { c.Readiness = &corev1.Probe{PeriodSeconds: 9} }), taken},
		"a version that differs": {with(func(c *api.Component) { c.Version = "1.0" }), "1-0"},
	} {
		t.Run(name, func(t *testing.T) {
			got := revision.Version(tt.c, existing)
			hashed := strings.HasPrefix(got, taken) && len(got) == len(taken)+5 && got != "v1-other"
			if got != tt.want && (tt.want != taken || !hashed) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			after := map[string]api.Component{got: stored(t, tt.c)}
			maps.Copy(after, existing)
			if again := revision.Version(tt.c, after); again != got {
				t.Errorf("named %q first and %q once it was kept", got, again)
			}
		})
	}
}

func TestVersionPrefersItsOwnName(t *testing.T) {
	c := api.Component{Name: "reviews", Image: "reviews:v2"}
	existing := map[string]api.Component{"a": stored(t, c), "v2": stored(t, c), "z": stored(t, c)}
	if got := revision.Version(c, existing); got != "v2" {
		t.Errorf("got %q", got)
	}
}

func TestVersionWhenHashesAreTaken(t *testing.T) {
	c := api.Component{Name: "reviews", Image: "reviews:v1"}
	existing := map[string]api.Component{"v1": {}}
	first := revision.Version(c, existing)
	existing[first] = api.Component{}
	if second := revision.Version(c, existing); second == first || !strings.HasPrefix(second, first) {
		t.Errorf("got %q after %q", second, first)
	}
}

func TestVersionAtFullLengthIsTaken(t *testing.T) {
	c := api.Component{Name: "reviews", Image: "reviews", Version: strings.Repeat("v", 40)}
	got := revision.Version(c, map[string]api.Component{c.Version: {}})
	if want := strings.Repeat("v", 34) + "-"; len(got) != 40 || !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q and a hash", got, want)
	}
}

func TestFreeze(t *testing.T) {
	c := api.Component{
		Name: "reviews", Image: "reviews:v1", Replicas: ptr.To[int32](3), Uses: []string{"ratings"}, Strategy: "slow",
		Expose: &api.Expose{}, Ports: []api.Port{{Port: 9999}, {Port: 443}}, Args: []string{"a"},
	}
	before := c.DeepCopy()
	got := revision.Freeze(c)
	want := api.Component{
		Name: "reviews", Image: "reviews:v1", Version: "v1", Mesh: ptr.To(true), Args: []string{"a"},
		Ports: []api.Port{{Port: 9999, Protocol: "http"}, {Port: 443, Protocol: "https"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, revision.Freeze(got)); diff != "" {
		t.Errorf("freezing twice changes:\n%s", diff)
	}
	if diff := cmp.Diff(*before, c); diff != "" {
		t.Errorf("the component changed:\n%s", diff)
	}
}

func TestName(t *testing.T) {
	long := strings.Repeat("c", 40)
	for name, tt := range map[string]struct{ component, version, want string }{
		"short":         {"reviews", "v1", "reviews-v1"},
		"dots":          {"reviews", "1.2.3", "reviews-1-2-3"},
		"just fits":     {long, strings.Repeat("v", 22), long + "-" + strings.Repeat("v", 22)},
		"one too many":  {long, strings.Repeat("v", 23), long + "-vvvvvvvvvvv-dfdd6d02c1"},
		"cut at a dash": {long, "vvvvvvvvvv--wwwwwwwwwwwwwww", long + "-vvvvvvvvvv-fd2d7680fe"},
	} {
		t.Run(name, func(t *testing.T) {
			got := revision.Name(tt.component, tt.version)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if faults := validation.IsDNS1123Label(got); len(faults) > 0 {
				t.Errorf("%q: %v", got, faults)
			}
		})
	}
}
