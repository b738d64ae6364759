// SPDX-License-Identifier: Apache-2.0

package revision_test

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/randfill"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/revision"
)

// beside are the fields of a component that shape no pods, so that changing them makes no new version.
var beside = map[string]bool{
	"Replicas": true, "Autoscale": true, "Uses": true, "Strategy": true, "External": true, "Expose": true, "Schedule": true,
}

// TestFreezeKnowsEveryField holds that a field which is added to components is either part of a version or named above.
func TestFreezeKnowsEveryField(t *testing.T) {
	fill := randfill.NewWithSeed(1).NilChance(0).NumElements(1, 1).MaxDepth(8).Funcs(
		func(r *runtime.RawExtension, _ randfill.Continue) { r.Raw, r.Object = []byte(`{"priority":1}`), nil },
		func(k *api.Kind, _ randfill.Continue) { *k = api.StatefulSet },
	)
	var c api.Component
	fill.Fill(&c)
	c.External = false
	frozen := reflect.ValueOf(revision.Freeze(c))
	for i := range frozen.NumField() {
		name := frozen.Type().Field(i).Name
		if kept := !frozen.Field(i).IsZero(); kept == beside[name] {
			t.Errorf("%s: part of a version: %v", name, kept)
		}
	}
}

// TestFreezeExternal holds that of what somebody else runs a version is its name.
func TestFreezeExternal(t *testing.T) {
	c := api.Component{Name: "a", External: true, Version: "v1", Image: "a:v9", Ports: []api.Port{{Port: 80}}}
	before := map[string]api.Component{"v1": stored(t, c)}
	c.Image, c.Ports = "", nil
	if got := revision.Version(c, before); got != "v1" {
		t.Errorf("with another image and other ports it is %s", got)
	}
	c.Version = "v2"
	if got := revision.Version(c, before); got != "v2" {
		t.Errorf("another version is %s", got)
	}
}

func TestTemplateHoweverWritten(t *testing.T) {
	written := func(spec string) api.Component {
		return api.Component{Name: "a", Image: "a:v1", Template: &api.Template{Spec: &runtime.RawExtension{Raw: []byte(spec)}}}
	}
	before := map[string]api.Component{"v1": stored(t, written(`{"priority": 1, "hostname":"a"}`))}
	if got := revision.Version(written(`{"hostname":"a","priority":1}`), before); got != "v1" {
		t.Errorf("the same template in another order is %s", got)
	}
	if got := revision.Version(written(`{"hostname":"a","priority":2}`), before); got == "v1" {
		t.Error("another template is the same version")
	}
}

func TestKindHoweverSaid(t *testing.T) {
	before := map[string]api.Component{"v1": {Name: "a", Image: "a:v1", Version: "v1"}}
	if got := revision.Version(api.Component{Name: "a", Image: "a:v1", Kind: api.Deployment}, before); got != "v1" {
		t.Errorf("the default kind said aloud makes version %s", got)
	}
}
