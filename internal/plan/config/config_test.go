// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/revision"
)

var (
	settings = config.Object{Kind: config.ConfigMap, Name: "settings"}
	password = config.Object{Kind: config.Secret, Name: "password"}
)

func holding(o config.Object, keysAndValues ...string) config.Contents {
	values := map[string]string{}
	for i := 0; i < len(keysAndValues); i += 2 {
		values[keysAndValues[i]] = keysAndValues[i+1]
	}
	return config.Contents{o: config.Digests(values, nil)}
}

func fromMap(name string, optional bool) corev1.EnvFromSource {
	return corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: ptr.To(optional),
	}}
}

func keyOf(variable, name, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key,
	}}}
}

func secretKeyOf(variable, name, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: ptr.To(true),
	}}}
}

func template(spec string) *api.Template {
	return &api.Template{Spec: &runtime.RawExtension{Raw: []byte(spec)}}
}

// places are components that each name the ConfigMap settings, or the Secret password, in another place.
var places = map[string]struct {
	component api.Component
	object    config.Object
	keys      []string
}{
	"envFrom":       {api.Component{EnvFrom: []corev1.EnvFromSource{fromMap("settings", false)}}, settings, []string{"a", "b"}},
	"env":           {api.Component{Env: []corev1.EnvVar{keyOf("A", "settings", "a")}}, settings, []string{"a"}},
	"env of a init": {api.Component{Init: []api.Init{{Name: "i", Env: []corev1.EnvVar{keyOf("B", "settings", "b")}}}}, settings, []string{"b"}},
	"env, both keys": {
		api.Component{Env: []corev1.EnvVar{keyOf("A", "settings", "a"), keyOf("B", "settings", "b")}}, settings, []string{"a", "b"},
	},
	"env of a Secret": {api.Component{Env: []corev1.EnvVar{secretKeyOf("A", "password", "a")}}, password, []string{"a"}},
	"volume":          {api.Component{Volumes: []api.Volume{{Name: "v", ConfigMap: "settings"}}}, settings, []string{"a", "b"}},
	"volume of a Secret": {
		api.Component{Volumes: []api.Volume{{Name: "v", Secret: "password"}}}, password, []string{"a", "b"},
	},
	"template volume": {
		api.Component{Template: template(`{"volumes":[{"name":"v","configMap":{"name":"settings"}}]}`)}, settings, []string{"a", "b"},
	},
	"template volume of one key": {
		api.Component{Template: template(`{"volumes":[{"name":"v","secret":{"secretName":"password","items":[{"key":"b","path":"p"}]}}]}`)},
		password, []string{"b"},
	},
	"template volume of several": {
		api.Component{Template: template(`{"volumes":[{"name":"v","projected":{"sources":[{"secret":{"name":"password"}}]}}]}`)},
		password, []string{"a", "b"},
	},
	"template env": {
		api.Component{Template: template(`{"containers":[{"name":"x","env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"settings","key":"a"}}}]}]}`)},
		settings, []string{"a"},
	},
	"template envFrom": {
		api.Component{Template: template(`{"initContainers":[{"name":"x","envFrom":[{"secretRef":{"name":"password"}}]}]}`)},
		password, []string{"a", "b"},
	},
}

// TestEveryPlace holds that contents count wherever they are named, and only the keys that are taken.
func TestEveryPlace(t *testing.T) {
	for name, tt := range places {
		t.Run(name, func(t *testing.T) {
			tt.component.Name = "reviews"
			before, copies := resolve(t, tt.component, holding(tt.object, "a", "1", "b", "1"))
			if len(copies) != 1 || copies[0].Of != tt.object {
				t.Fatalf("copies %+v, want one of %s", copies, tt.object)
			}
			if diff := cmp.Diff(tt.keys, copies[0].Keys); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if objects := config.Objects(before); len(objects) != 1 || !config.Uses(before, copies[0].Object()) {
				t.Errorf("it names %v, want the copy %s alone", objects, copies[0].Name)
			}
			if got := config.Objects(tt.component); len(got) != 1 || got[0] != tt.object {
				t.Errorf("the component that was handed in names %v now", got)
			}
			for _, key := range []string{"a", "b", "c"} {
				values := map[string]string{"a": "1", "b": "1", key: "2"}
				after, _ := resolve(t, tt.component, config.Contents{tt.object: config.Digests(values, nil)})
				whole := len(tt.keys) == 2 && !strings.Contains(name, "both")
				counts := whole || key == tt.keys[0] || key == "b" && len(tt.keys) == 2
				if same := cmp.Equal(before, after); same == counts {
					t.Errorf("another value of %s: the same version: %v", key, same)
				}
			}
		})
	}
}

// TestCopyOfCopy holds that a component that takes the copies of a version is that version.
func TestCopyOfCopy(t *testing.T) {
	for name, tt := range places {
		t.Run(name, func(t *testing.T) {
			tt.component.Name, tt.component.Image = "reviews", "reviews:v1"
			values := map[string]string{"a": "1", "b": "1"}
			once, copies := resolve(t, tt.component, config.Contents{tt.object: config.Digests(values, nil)})
			kept := map[string]string{}
			for _, key := range copies[0].Keys {
				kept[key] = values[key]
			}
			twice, _ := resolve(t, revision.Thaw(tt.component, revision.Freeze(once)), config.Contents{
				copies[0].Object(): config.Digests(kept, nil),
				tt.object:          config.Digests(map[string]string{"a": "2", "b": "2"}, nil),
			})
			if diff := cmp.Diff(revision.Freeze(once), revision.Freeze(twice)); diff != "" {
				t.Errorf("another version (-once +twice):\n%s", diff)
			}
		})
	}
}

func resolve(t *testing.T, c api.Component, contents config.Contents) (api.Component, []config.Copy) {
	t.Helper()
	out, copies, err := config.Resolve(c, contents)
	if err != nil {
		t.Fatal(err)
	}
	return out, copies
}

func TestMissing(t *testing.T) {
	required := api.Component{Name: "reviews", EnvFrom: []corev1.EnvFromSource{fromMap("settings", false)}}
	optional := api.Component{Name: "reviews", EnvFrom: []corev1.EnvFromSource{fromMap("settings", true)}}
	key := api.Component{Name: "reviews", Env: []corev1.EnvVar{keyOf("LEVEL", "settings", "level")}}
	optionalKey := api.Component{Name: "reviews", Env: []corev1.EnvVar{secretKeyOf("LEVEL", "password", "level")}}
	for name, tt := range map[string]struct {
		component api.Component
		contents  config.Contents
		want      string // part of the error; empty: none
		name      string
	}{
		"required":       {required, nil, `spec.components[reviews].envFrom[0].configMapRef: there is no ConfigMap "settings"`, ""},
		"required key":   {key, holding(settings, "other", "x"), `env[LEVEL].valueFrom.configMapKeyRef: ConfigMap "settings" has no key "level"`, ""},
		"optional":       {optional, nil, "", "reviews-absent"},
		"optional key":   {optionalKey, nil, "", "reviews-absent"},
		"empty is there": {required, holding(settings), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := config.Resolve(tt.component, tt.contents)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q in it", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if o := config.Objects(got); tt.name != "" && o[0].Name != tt.name {
				t.Errorf("names %v, want %s", o, tt.name)
			}
			again, _, err := config.Resolve(got, nil)
			if tt.name != "" && (err != nil || !cmp.Equal(got, again)) {
				t.Errorf("resolved again: %v\n%s", err, cmp.Diff(got, again))
			}
		})
	}
}

// TestKindsApart holds that a Secret and a ConfigMap of one name and one content are two things, and that others are left alone.
func TestKindsApart(t *testing.T) {
	c := api.Component{
		Name: "reviews", PullSecrets: []string{"registry"},
		Volumes: []api.Volume{{Name: "a", ConfigMap: "same"}, {Name: "b", Secret: "same"}, {Name: "c", EmptyDir: &api.EmptyDir{}}},
	}
	same := config.Digests(map[string]string{"k": "v"}, nil)
	got, copies := resolve(t, c, config.Contents{{Kind: config.ConfigMap, Name: "same"}: same, {Kind: config.Secret, Name: "same"}: same})
	if len(copies) != 2 || copies[0].Name == copies[1].Name {
		t.Errorf("copies %+v", copies)
	}
	if got.PullSecrets[0] != "registry" {
		t.Errorf("pull secrets %v", got.PullSecrets)
	}
	if got := config.Objects(api.Component{External: true, Volumes: c.Volumes}); len(got) > 0 {
		t.Errorf("an external component takes %v", got)
	}
}
