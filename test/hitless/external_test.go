// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/load"
)

// parlor is deployed by somebody else; Weir brings its requests from one version to the next.
const (
	parlor     = "parlor"
	parlorHost = parlor + "." + namespace + ".svc.cluster.local"
)

// deploy makes a version of the parlor as Helm would.
func (s *shop) deploy(version string, args ...string) *appsv1.Deployment {
	s.Helper()
	labels := map[string]string{"app": parlor, "version": version}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: parlor + "-" + version, Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}}}
	d.Spec = appsv1.DeploymentSpec{Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: labels}}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: parlor, Image: ratings, Args: append([]string{"--version", version}, args...), ReadinessProbe: readiness(),
		Ports: []corev1.ContainerPort{{ContainerPort: 9080}},
	}}
	s.create(d)
	return d
}

// governed is the application that owns nothing of what it consists of.
func governed(version string) *api.Application {
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "governed"}}
	app.SetGroupVersionKind(api.GroupVersion.WithKind("Application"))
	app.Spec.Components = []api.Component{{
		Name: parlor, External: true, Version: version, Strategy: "theirs", Ports: []api.Port{{Port: 9080, Protocol: "http"}},
		Expose: &api.Expose{Hosts: []string{"parlor.example"}, Paths: []string{"/ratings"}},
	}}
	return app
}

func (s *shop) askParlor(version string) {
	s.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		app := governed("")
		if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(app), app); err != nil {
			return err
		}
		app.Spec.Components[0].Version = version
		return s.client.Update(s.ctx, app)
	})
	if err != nil {
		s.Fatal(err)
	}
}

// external goes between versions that somebody else deploys, while others interfere, and leaves everything as it was.
func (s *shop) external() {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: parlor}}
	service.Spec = corev1.ServiceSpec{Selector: map[string]string{"app": parlor}, Ports: []corev1.ServicePort{{Name: "http", Port: 9080}}}
	hold, drain := &metav1.Duration{Duration: 3 * time.Second}, &metav1.Duration{Duration: 2 * time.Second}
	strategy := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "theirs"}, Spec: api.StrategySpec{
		Steps: []api.Step{{Weight: 10, Hold: hold}, {Weight: 50, Hold: hold}}, Drain: drain,
		Analysis: &api.Analysis{Interval: hold, MinRequests: 20, SuccessRate: &api.SuccessRate{MinPercent: 99}},
	}}
	one := s.deploy("v1")
	app := governed("v1")
	s.create(service, strategy, app)
	s.opens(app)
	visitors := s.visitors()
	two := s.deploy("v2")
	s.askParlor("v2")
	s.interfere("parlor-v2")
	s.ends("parlor-v2", api.ReleasePromoted)
	s.unwritten(service, one, two)
	if err := s.client.Delete(s.ctx, one); err != nil { // its owner's to decide
		s.Fatal(err)
	}
	bad := s.deploy("v3", "--error-rate", "0.3")
	s.askParlor("v3")
	s.ends("parlor-v3", api.ReleaseRolledBack)
	s.unwritten(service, two, bad)
	s.askParlor("v2")
	visitors.leave(s, "ratings=v3")
	s.leaves(app, service, two, bad)
	if err := s.client.Delete(s.ctx, strategy); err != nil {
		s.Fatal(err)
	}
}

// visitors get and post at the parlor, from outside.
type visitors []*load.Runner

func (s *shop) visitors() (out visitors) {
	s.Helper()
	for _, o := range []load.Options{{Rate: 60}, {Rate: 40, Method: http.MethodPost, Body: []byte(`{"Mia": 4}`)}} {
		o.URL, o.Host, o.MaxSamples = "/ratings/0", "parlor.example", 4
		out = append(out, s.endless(o))
	}
	return out
}

// leave ends the visits and fails when anything but the bad version's own errors was lost, or it had none.
func (v visitors) leave(s *shop, bad string) {
	s.Helper()
	var wrong int64
	for _, runner := range v {
		runner.Stop()
		result := runner.Wait()
		wrong += result.Versions[bad].Failed
		if lost := result.Failed - result.Versions[bad].Failed; lost != 0 || result.OK == 0 {
			s.Errorf("%d of %d visits were lost: %+v", lost, result.Requests, result.Samples)
		}
		s.Logf("%d visits, %d failed, by version %v", result.Requests, result.Failed, result.Versions)
	}
	if wrong == 0 {
		s.Errorf("the bad version answered nobody: it proves nothing")
	}
}

// interfere changes our route while the release is under way, and makes another for the same host beside it. The one is put
// right without losing the step; the other is named, waited for, and never touched.
func (s *shop) interfere(release string) {
	s.Helper()
	observes := func(status api.ReleaseStatus) bool { return status.Phase == api.ReleaseObserving }
	step := s.await(release, observes).Status.Step
	theirs := &istionet.VirtualService{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "theirs"}}
	theirs.Spec = networking.VirtualService{Hosts: []string{parlorHost}, Http: []*networking.HTTPRoute{{
		Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: parlorHost}}},
	}}}
	s.create(theirs)
	s.await(release, func(status api.ReleaseStatus) bool {
		return strings.HasPrefix(status.Message, "held: VirtualService shop/theirs")
	})
	s.routes(metav1.ConditionFalse, "VirtualService shop/theirs")
	s.planSees("VirtualService shop/theirs")
	ours := &istionet.VirtualService{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: parlor}}
	wanted := s.weights(ours)
	if err := s.client.Patch(s.ctx, ours, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"hosts":["`+parlorHost+`"],"http":[{"route":[{"destination":{"host":"`+parlorHost+`","subset":"v1"}}]}]}}`))); err != nil {
		s.Fatal(err)
	}
	s.eventually("our route as it was", func() error {
		if now := s.weights(ours); now != wanted {
			return fmt.Errorf("%s, want %s", now, wanted)
		}
		return nil
	})
	if err := s.client.Delete(s.ctx, ours); err != nil {
		s.Fatal(err)
	}
	s.eventually("our route again", func() error {
		if now := s.weights(ours); now != wanted {
			return fmt.Errorf("%s, want %s", now, wanted)
		}
		return nil
	})
	if now := s.await(release, observes).Status; now.Step != step {
		s.Errorf("%s is at step %d, was at %d", release, now.Step, step)
	}
	s.unwritten(theirs)
	if err := s.client.Delete(s.ctx, theirs); err != nil {
		s.Fatal(err)
	}
	s.routes(metav1.ConditionTrue, "")
}

// weights are those of the route, in words; empty when there is none.
func (s *shop) weights(vs *istionet.VirtualService) string {
	s.Helper()
	err := s.client.Get(s.ctx, client.ObjectKeyFromObject(vs), vs)
	if client.IgnoreNotFound(err) != nil {
		s.Fatal(err)
	}
	var out []string
	for _, route := range vs.Spec.Http {
		for _, d := range route.Route {
			out = append(out, fmt.Sprintf("%s %d", d.Destination.Subset, d.Weight))
		}
	}
	return strings.Join(out, ", ")
}

// routes waits until the application says whether it is alone, and names what is not.
func (s *shop) routes(status metav1.ConditionStatus, words string) {
	s.Helper()
	s.eventually("condition Routes", func() error {
		app := governed("")
		if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(app), app); err != nil {
			return err
		}
		c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionRoutes)
		if c == nil || c.Status != status || !strings.Contains(c.Message, words) {
			return fmt.Errorf("%+v, want %s and %q", c, status, words)
		}
		return nil
	})
}

// planSees asks for a plan, which has to name who else routes, and to fail.
func (s *shop) planSees(words string) {
	s.Helper()
	file := filepath.Join(s.TempDir(), "governed.yaml")
	text := "apiVersion: weir.dev/v1alpha1\nkind: Application\nmetadata: {name: governed, namespace: " + namespace + "}\nspec:\n  components:\n" +
		"    - {name: " + parlor + ", external: true, version: v1, strategy: theirs, ports: [{port: 9080, protocol: http}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	output, err := exec.Command(filepath.Join(s.bin, "weir"), "release", "plan", "-f", file, "--brief", "-n", namespace, "--kubeconfig", s.info.Kubeconfig).CombinedOutput()
	if err == nil || !strings.Contains(string(output), words) {
		s.Errorf("the plan does not fail with %q (%v):\n%s", words, err, output)
	}
}

// unwritten fails when anybody but their owner has written what is somebody else's.
func (s *shop) unwritten(objects ...client.Object) {
	s.Helper()
	for _, was := range objects {
		now, _ := was.DeepCopyObject().(client.Object)
		if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(was), now); err != nil {
			s.Errorf("%T %s: %v", was, was.GetName(), err)
			continue
		}
		if now.GetGeneration() != was.GetGeneration() || len(now.GetOwnerReferences()) > 0 || fmt.Sprint(now.GetLabels()) != fmt.Sprint(was.GetLabels()) {
			s.Errorf("%T %s was changed: %+v", was, was.GetName(), now)
		}
		for _, entry := range now.GetManagedFields() {
			if strings.HasPrefix(entry.Manager, api.FieldManager) {
				s.Errorf("%T %s was written by %s", was, was.GetName(), entry.Manager)
			}
		}
	}
}

// leaves deletes the application, after which all that is somebody else's is still there; then that goes, too.
func (s *shop) leaves(app *api.Application, theirs ...client.Object) {
	s.Helper()
	if err := s.client.Delete(s.ctx, app); err != nil {
		s.Fatal(err)
	}
	s.eventually("the application is gone", func() error {
		if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(app), app); !apierrors.IsNotFound(err) {
			return fmt.Errorf("still there (%v)", err)
		}
		return nil
	})
	s.unwritten(theirs...)
	for _, o := range theirs {
		if err := s.client.Delete(s.ctx, o, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
			s.Fatal(err)
		}
	}
	s.eventually("nothing of the parlor is left", func() error {
		var pods corev1.PodList
		var releases api.ReleaseList
		err := errors.Join(s.client.List(s.ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{"app": parlor}),
			s.client.List(s.ctx, &releases, client.InNamespace(namespace), client.MatchingLabels{api.LabelApplication: app.Name}))
		if err == nil && len(pods.Items)+len(releases.Items) > 0 {
			err = fmt.Errorf("%d pods and %d releases", len(pods.Items), len(releases.Items))
		}
		return err
	})
}
