// SPDX-License-Identifier: Apache-2.0

package install

import (
	"testing"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/strategy"
)

func TestTemplatesCanBeCarriedOut(t *testing.T) {
	stream, err := Render(Options{Namespace: "governance"})
	if err != nil {
		t.Fatal(err)
	}
	app := &api.Application{}
	app.Spec.Components = []api.Component{{Name: "reviews", Ports: []api.Port{{Port: 80}}}}
	for _, name := range []string{"quick-canary", "hourly-canary", "mirror-then-canary", "blue-green", "ab-by-header"} {
		var s api.Strategy
		find(t, stream, "Strategy", name, &s)
		if faults := strategy.Check(s.Spec, app, "reviews"); len(faults) > 0 || s.Namespace != "governance" {
			t.Errorf("%s in %s: %v", name, s.Namespace, faults)
		}
	}
}
