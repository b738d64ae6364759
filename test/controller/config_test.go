// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/revision"
)

// settings creates or changes the ConfigMap of that name.
func (w *world) settings(name, level string) {
	w.Helper()
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, Data: map[string]string{"level": level}}
	w.put(m)
}

func (w *world) put(obj client.Object) {
	w.Helper()
	err := w.client.Create(w.ctx, obj)
	if client.IgnoreAlreadyExists(err) == nil && err != nil {
		err = w.client.Update(w.ctx, obj)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// configured is a shop whose reviews take the ConfigMap settings.
func (w *world) configured(change func(*api.Component)) {
	w.Helper()
	w.shop(quick())
	w.change("shop", func(s *api.ApplicationSpec) { change(&s.Components[1]) })
}

func takeSettings(c *api.Component) {
	c.Volumes = []api.Volume{{Name: "settings", Path: "/etc/settings", ConfigMap: "settings"}}
	c.Image = "reviews:v2"
}

// desired is the version that the application asks for, once it is at its newest generation.
func (w *world) desired() (string, error) {
	var app api.Application
	if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
		return "", err
	}
	if app.Status.ObservedGeneration != app.Generation {
		return "", fmt.Errorf("generation %d is not observed", app.Generation)
	}
	return app.Status.Components[1].Desired, nil
}

// current waits until the component is at its newest version, another than before, and returns it.
func (w *world) current(before string) string {
	w.Helper()
	var version string
	w.eventually("another version than "+before, func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		c := app.Status.Components[1]
		if version = c.Current; app.Status.ObservedGeneration != app.Generation || version == before || c.Desired != version {
			return fmt.Errorf("status %+v", c)
		}
		return nil
	})
	w.route(map[string]int32{version: 100})
	return version
}

// mounted is the ConfigMap or Secret that pods of the version mount, and what it holds.
func (w *world) mounted(version string) (config.Object, map[string]string) {
	w.Helper()
	var d appsv1.Deployment
	if err := w.client.Get(w.ctx, w.key(revision.Name("reviews", version)), &d); err != nil {
		w.Fatal(err)
	}
	source := d.Spec.Template.Spec.Volumes[0].VolumeSource
	out := map[string]string{}
	if source.Secret != nil {
		var s corev1.Secret
		if err := w.client.Get(w.ctx, w.key(source.Secret.SecretName), &s); err != nil {
			w.Fatal(err)
		}
		for key, value := range s.Data {
			out[key] = string(value)
		}
		return config.Object{Kind: config.Secret, Name: s.Name}, out
	}
	var m corev1.ConfigMap
	if err := w.client.Get(w.ctx, w.key(source.ConfigMap.Name), &m); err != nil {
		w.Fatal(err)
	}
	return config.Object{Kind: config.ConfigMap, Name: m.Name}, m.Data
}

// TestChangedContentIsReleased holds that other contents are another version, released by the strategy, and that the old
// contents come back with the old version.
func TestChangedContentIsReleased(t *testing.T) {
	w := newWorld(t, nil)
	w.settings("settings", "1")
	w.configured(takeSettings)
	first := w.current("v1")
	if _, got := w.mounted(first); got["level"] != "1" {
		t.Errorf("the pods see level %s, want 1", got["level"])
	}
	w.settings("settings", "2")
	second := w.current(first)
	release := w.phase(revision.Name("reviews", second), api.ReleasePromoted)
	var weights []int32
	for _, s := range release.Status.Steps {
		weights = append(weights, s.Weight)
	}
	if diff := cmp.Diff([]int32{10, 50, 100}, weights); diff != "" || release.Spec.From != first {
		t.Errorf("from %s, steps (-want +got):\n%s", release.Spec.From, diff)
	}
	if _, got := w.mounted(second); got["level"] != "2" {
		t.Errorf("the pods see level %s, want 2", got["level"])
	}
	w.undo(first)
	if got := w.current(second); got != first {
		t.Errorf("gone back to %s, want %s", got, first)
	}
	copied, got := w.mounted(first)
	if got["level"] != "1" {
		t.Errorf("the pods see level %s, want 1 again", got["level"])
	}
	var kept corev1.ConfigMap
	if err := w.client.Get(w.ctx, w.key(copied.Name), &kept); err != nil {
		t.Fatal(err)
	}
	if kept.Immutable == nil || !*kept.Immutable || kept.Annotations[kube.AnnotationCopyOf] != "settings" || kept.Labels[api.LabelComponent] != "reviews" {
		t.Errorf("the copy is %+v", kept)
	}
}

// undo does what weir release undo does.
func (w *world) undo(version string) {
	w.Helper()
	var kept appsv1.ControllerRevision
	if err := w.client.Get(w.ctx, w.key(revision.Name("reviews", version)), &kept); err != nil {
		w.Fatal(err)
	}
	frozen := frozenOf(w, kept)
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1] = revision.Thaw(s.Components[1], frozen) })
}

func frozenOf(w *world, kept appsv1.ControllerRevision) api.Component {
	w.Helper()
	var out api.Component
	if err := json.Unmarshal(kept.Data.Raw, &out); err != nil {
		w.Fatal(err)
	}
	return out
}

// TestContentGoesBackWithItsVersion holds that contents that make a version bad leave the old one as it was.
func TestContentGoesBackWithItsVersion(t *testing.T) {
	w := newWorld(t, nil)
	w.settings("settings", "1")
	w.configured(takeSettings)
	first := w.current("v1")
	callers.saw(w.namespace, mesh.Sample{Requests: 1000, Failed: 50})
	w.settings("settings", "2")
	var second string
	w.eventually("another version", func() (err error) {
		if second, err = w.desired(); err == nil && second == first {
			err = fmt.Errorf("it is %s still", first)
		}
		return err
	})
	w.phase(revision.Name("reviews", second), api.ReleaseRolledBack)
	w.route(map[string]int32{first: 100})
	if _, got := w.mounted(first); got["level"] != "1" {
		t.Errorf("the pods see level %s, want 1", got["level"])
	}
	w.settings("settings", "1")
	w.eventually("the first version wanted again", func() error {
		got, err := w.desired()
		if err == nil && got != first {
			err = fmt.Errorf("desired is %s", got)
		}
		return err
	})
}

// TestSecretIsCopiedAsSecret holds that what is secret stays in Secrets, and only the keys that are taken are copied.
func TestSecretIsCopiedAsSecret(t *testing.T) {
	w := newWorld(t, nil)
	w.put(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "password"}, Type: corev1.SecretTypeBasicAuth,
		StringData: map[string]string{"username": "u", "password": "p"},
	})
	w.configured(func(c *api.Component) {
		c.Image, c.Volumes = "reviews:v2", []api.Volume{{Name: "p", Path: "/p", Secret: "password"}}
		c.Env = []corev1.EnvVar{{Name: "U", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "password"}, Key: "username",
		}}}}
	})
	version := w.current("v1")
	copied, got := w.mounted(version)
	if diff := cmp.Diff(map[string]string{"username": "u", "password": "p"}, got); diff != "" || copied.Kind != config.Secret {
		t.Errorf("%s holds (-want +got):\n%s", copied, diff)
	}
	var maps corev1.ConfigMapList
	if err := w.client.List(w.ctx, &maps, client.InNamespace(w.namespace), client.HasLabels{api.LabelApplication}); err != nil || len(maps.Items) > 0 {
		t.Errorf("ConfigMaps %v, %v", maps.Items, err)
	}
}

// TestMissingContent holds that the version stays, in words, until a ConfigMap is there that has what is needed.
func TestMissingContent(t *testing.T) {
	w := newWorld(t, nil)
	w.configured(takeSettings)
	refused := func(want string) {
		w.Helper()
		w.eventually(want, func() error {
			c, err := w.applied("shop")
			if err == nil && (c.Status != metav1.ConditionFalse || !strings.Contains(c.Message, want)) {
				err = fmt.Errorf("%+v", c)
			}
			return err
		})
	}
	refused(`spec.components[reviews].volumes[settings].configMap: there is no ConfigMap "settings"`)
	w.route(map[string]int32{"v1": 100})
	if got, err := w.desired(); err != nil || got != "v1" {
		t.Errorf("desired is %s, %v; want v1 as before", got, err)
	}
	w.settings("settings", "1")
	version := w.current("v1")
	if err := w.client.Delete(w.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "settings"}}); err != nil {
		t.Fatal(err)
	}
	refused(`there is no ConfigMap "settings"`)
	w.route(map[string]int32{version: 100})
	if _, got := w.mounted(version); got["level"] != "1" {
		t.Errorf("the pods see level %s, want 1", got["level"])
	}
}

// TestMissingContentFromTheStart holds that a component that cannot start does not hold up the others.
func TestMissingContentFromTheStart(t *testing.T) {
	w := newWorld(t, nil)
	needy := api.Component{Name: "reviews", Image: "reviews:v1", Ports: []api.Port{{Port: 9080}}}
	takeSettings(&needy)
	w.application("shop", api.Component{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 9080}}}, needy)
	w.eventually("page runs", func() error { return w.client.Get(w.ctx, w.key("page-v1"), &appsv1.Deployment{}) })
	w.eventually("reviews wait", func() error {
		c, err := w.applied("shop")
		if err == nil && !strings.Contains(c.Message, "there is no ConfigMap") {
			err = fmt.Errorf("%+v", c)
		}
		return err
	})
	w.settings("settings", "1")
	w.eventually("reviews run", func() error { return w.client.Get(w.ctx, w.key("reviews-v2"), &appsv1.Deployment{}) })
}

// TestOptionalContent holds that what is optional is not waited for, and is another version when it comes.
func TestOptionalContent(t *testing.T) {
	w := newWorld(t, nil)
	w.configured(func(c *api.Component) {
		c.Image = "reviews:v2"
		c.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "extra"}, Optional: new(true),
		}}}
	})
	without := w.current("v1")
	w.settings("extra", "1")
	with := w.current(without)
	if with == without {
		t.Errorf("%s with and without the ConfigMap", with)
	}
}

// TestLostCopyIsMade holds that a copy that was deleted is made again while its content can be had, and is missed in words when not.
func TestLostCopyIsMade(t *testing.T) {
	w := newWorld(t, nil)
	w.settings("settings", "1")
	w.configured(takeSettings)
	version := w.current("v1")
	copied, _ := w.mounted(version)
	lose := func() {
		w.Helper()
		gone := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: copied.Name}}
		if err := w.client.Delete(w.ctx, gone); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	w.eventually("copy", func() error { return w.client.Get(w.ctx, w.key(copied.Name), &corev1.ConfigMap{}) })
	strategy := &api.Strategy{}
	if err := w.client.Get(w.ctx, w.key("canary"), strategy); err != nil {
		t.Fatal(err)
	}
	strategy.Spec.Steps[0].Hold = &metav1.Duration{Duration: time.Hour}
	if err := w.client.Update(w.ctx, strategy); err != nil {
		t.Fatal(err)
	}
	w.settings("settings", "2")
	w.eventually("release", func() error {
		got, err := w.desired()
		if err == nil && got == version {
			err = fmt.Errorf("desired is %s still", got)
		}
		return err
	})
	lose()
	w.eventually("words", func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		if message := app.Status.Components[1].Message; !strings.Contains(message, copied.Name) {
			return fmt.Errorf("message %q", message)
		}
		return nil
	})
}

// TestOldVersionsAreForgotten holds that versions, their copies and the records of their releases go when there are more
// than are to be kept, and that what is in use never does.
func TestOldVersionsAreForgotten(t *testing.T) {
	w := newWorld(t, nil)
	w.settings("settings", "0")
	w.configured(takeSettings)
	w.change("shop", func(s *api.ApplicationSpec) { s.RevisionHistoryLimit = new(int32(2)) })
	versions := []string{w.current("v1")}
	for n := 1; n < 5; n++ {
		w.settings("settings", fmt.Sprint(n))
		versions = append(versions, w.current(versions[n-1]))
	}
	// Two releases are kept, and they name three versions.
	want := versions[2:]
	slices.Sort(want)
	w.eventually("three versions", func() error {
		var kept appsv1.ControllerRevisionList
		labels := client.MatchingLabels{api.LabelComponent: "reviews"}
		if err := w.client.List(w.ctx, &kept, client.InNamespace(w.namespace), labels); err != nil {
			return err
		}
		var got, copies, mounted []string
		for _, k := range kept.Items {
			got = append(got, k.Labels[api.LabelVersion])
			mounted = append(mounted, frozenOf(w, k).Volumes[0].ConfigMap)
		}
		var maps corev1.ConfigMapList
		if err := w.client.List(w.ctx, &maps, client.InNamespace(w.namespace), labels); err != nil {
			return err
		}
		for _, m := range maps.Items {
			copies = append(copies, m.Name)
		}
		slices.Sort(got)
		slices.Sort(copies)
		slices.Sort(mounted)
		if !cmp.Equal(want, got) || !cmp.Equal(mounted, copies) {
			return fmt.Errorf("versions %v, want %v; copies %v, want %v", got, want, copies, mounted)
		}
		return nil
	})
	var releases api.ReleaseList
	if err := w.client.List(w.ctx, &releases, client.InNamespace(w.namespace)); err != nil || len(releases.Items) != 2 {
		t.Errorf("%d releases, want 2 (%v)", len(releases.Items), err)
	}
	w.undo(versions[2])
	if got := w.current(versions[4]); got != versions[2] {
		t.Errorf("gone back to %s, want %s", got, versions[2])
	}
}
