// SPDX-License-Identifier: Apache-2.0

package lookup_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	istio "istio.io/client-go/pkg/apis/networking/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/lookup"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/random"
	"weir.dev/weir/internal/plan/routing"
)

// FuzzOf holds that each request to a component that is routed goes to versions that are to have some, all of it; and that
// one with the header of a match goes where the match says, unless the match asks for more.
func FuzzOf(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, "/a?b=c", "POST", "x-ab", "abc", "c=v2.new; x")
	}
	f.Add(uint64(7), "", "", "", "", "")
	f.Add(uint64(8), "%zz?%zz#", "\n", ":path", "\x00", `=;";`)
	f.Fuzz(func(t *testing.T, seed uint64, path, method, header, value, cookie string) {
		in := random.Input(seed, "shop")
		objects, err := plan.Objects(in)
		if err != nil {
			t.Fatal(err)
		}
		var services []*istio.VirtualService
		for _, o := range objects {
			if vs, ok := o.(*istio.VirtualService); ok {
				services = append(services, vs)
			}
		}
		for _, c := range in.Components {
			ports := port.Resolve(c.Versions[c.Wanted[len(c.Wanted)-1].Version])
			for _, p := range ports {
				r := lookup.Request{
					Host: routing.Host("shop", c.Spec.Name), Port: uint32(p.Port), Stream: !port.IsHTTP(p.Protocol),
					Path: path, Method: method, Headers: map[string]string{header: value, "cookie": cookie},
				}
				checkAnswer(t, c, lookup.Of(r, services))
				for _, m := range c.Wanted[len(c.Wanted)-1].Match {
					r.Headers = map[string]string{m.Headers[0].Name: sample(m.Headers[0].StringMatch)}
					if alone(m) && !r.Stream && port.Has(ports, p.Port) {
						checkMatched(t, c, lookup.Of(r, services))
					}
				}
			}
		}
		lookup.Of(lookup.Request{Host: value, Outside: true, Path: path, Headers: map[string]string{header: value}}, services)
	})
}

func checkAnswer(t *testing.T, c plan.Component, a lookup.Answer) {
	t.Helper()
	var sum float64
	for _, s := range a.Shares {
		sum += s.Percent
		gets := slices.ContainsFunc(c.Wanted, func(v api.VersionWanted) bool { return v.Version == s.Version && v.Subset && v.Replicas > 0 })
		if s.Version != "" && !gets {
			t.Errorf("%s: goes to %s, which is not to have any", a.Route.Name, s.Version)
		}
	}
	if math.Abs(sum-whole) > 1e-9 {
		t.Errorf("%v: %g %% go somewhere\n%s", a.Request, sum, text(a))
	}
	if a.Route.Field != "" && len(a.Route.Because) == 0 {
		t.Errorf("%s: does not say why", a.Route.Name)
	}
}

const whole = 100

func checkMatched(t *testing.T, c plan.Component, a lookup.Answer) {
	t.Helper()
	want := fmt.Sprintf("%s 100 %%", c.Wanted[len(c.Wanted)-1].Version)
	if is := fmt.Sprintf("%s %g %%", a.Shares[0].Version, a.Shares[0].Percent); is != want {
		t.Errorf("%v: %s instead of %s\n%s", a.Request.Headers, is, want, text(a))
	}
}

// alone tells whether the match asks for a header and nothing else.
func alone(m api.Match) bool {
	return len(m.Cookies)+len(m.Query) == 0 && m.Path == nil && m.Method == ""
}

// sample is a text that holds.
func sample(m api.StringMatch) string {
	switch {
	case m.Regex != "":
		return "q" + m.Regex[len(m.Regex)-1:]
	case m.Prefix != "":
		return m.Prefix + "!"
	default:
		return m.Exact
	}
}
