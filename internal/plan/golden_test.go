// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// example is a test file: an Application and, where it matters, what is wanted of a component.
type example struct {
	Application api.Application
	// Components by name. A component without an entry is wanted as its spec has it, with all the weight.
	Components map[string]struct {
		Versions map[string]api.Component
		Wanted   []api.VersionWanted
	}
	// GatewayPrincipals, Callers and, by component, what versions with pods call besides the spec, or were said to.
	GatewayPrincipals []string
	Callers           map[string][]plan.Caller
	Calls, Called     map[string][]string
	Certificates      map[string]string
	Elsewhere         map[string][]string
}

func (e example) input() plan.Input {
	in := plan.Input{Application: &e.Application, Neighbors: plan.Neighbors{
		GatewayPrincipals: e.GatewayPrincipals, Callers: e.Callers, Certificates: e.Certificates, Elsewhere: e.Elsewhere,
	}}
	for _, spec := range e.Application.Spec.Components {
		c := settled(spec)
		if given, ok := e.Components[spec.Name]; ok {
			c.Versions, c.Wanted = given.Versions, given.Wanted
		}
		c.Uses, c.Used = e.Calls[spec.Name], e.Called[spec.Name]
		in.Components = append(in.Components, c)
	}
	return in
}

func readExample(t *testing.T, path string) example {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var e example
	if err := yaml.UnmarshalStrict(text, &e); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return e
}

func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, ".golden.yaml") {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			objects, err := plan.Objects(readExample(t, path).input())
			if err != nil {
				t.Fatal(err)
			}
			if err := plan.Check(objects); err != nil {
				t.Error(err)
			}
			compare(t, strings.TrimSuffix(path, ".yaml")+".golden.yaml", render(t, objects))
		})
	}
}

func render(t *testing.T, objects []plan.Object) string {
	t.Helper()
	var out strings.Builder
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n" + string(text))
	}
	return out.String()
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test -update writes it anew:\n%s", path, diff)
	}
}
