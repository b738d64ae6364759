// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/load"
)

// foreign are the objects of a file that somebody else applied.
func (s *shop) foreign(file string) []*unstructured.Unstructured {
	s.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	var out []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		one, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		o := &unstructured.Unstructured{}
		if err == nil {
			err = yaml.Unmarshal(one, &o.Object)
		}
		if err == nil {
			err = s.client.Create(s.ctx, o)
		}
		if err != nil {
			s.Fatal(err)
		}
		out = append(out, o)
	}
}

// bones are what the owner of the object wrote of it.
func (s *shop) bones(o *unstructured.Unstructured) map[string]any {
	s.Helper()
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(o.GroupVersionKind())
	if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(o), live); err != nil {
		s.Errorf("%s %s: %v", o.GetKind(), o.GetName(), err)
		return nil
	}
	delete(live.Object, "status")
	if o.GetKind() == "Service" && o.GetNamespace() == "podinfo" { // a port's name has become its number
		ports, _, err := unstructured.NestedSlice(live.Object, "spec", "ports")
		if err != nil || len(ports) == 0 {
			s.Fatalf("ports of %s: %v, %v", o.GetName(), ports, err)
		}
		for _, p := range ports {
			delete(p.(map[string]any), "targetPort")
		}
		live.Object["spec"].(map[string]any)["ports"] = ports
	}
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
		unstructured.RemoveNestedField(live.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(live.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
	if len(live.GetAnnotations()) == 0 {
		live.SetAnnotations(nil)
	}
	return live.Object
}

// pods of a namespace with a label, by name, with what tells one from another of the same name.
func (s *shop) pods(namespace, label, value string) map[string]string {
	s.Helper()
	var list corev1.PodList
	if err := s.client.List(s.ctx, &list, client.InNamespace(namespace), client.MatchingLabels{label: value}); err != nil {
		s.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			out[p.Name] = fmt.Sprint(p.UID, " ", restarts(p))
		}
	}
	return out
}

func restarts(p corev1.Pod) (n int32) {
	for _, c := range p.Status.ContainerStatuses {
		n += c.RestartCount
	}
	return n
}

// running waits until all Deployments and StatefulSets of the namespace have their pods.
func (s *shop) running(namespace string) {
	s.Helper()
	s.eventually("what runs in "+namespace, func() error {
		var deployments appsv1.DeploymentList
		var sets appsv1.StatefulSetList
		if err := errors.Join(s.client.List(s.ctx, &deployments, client.InNamespace(namespace)), s.client.List(s.ctx, &sets, client.InNamespace(namespace))); err != nil {
			return err
		}
		for _, d := range deployments.Items {
			if d.Status.ReadyReplicas != *d.Spec.Replicas || d.Status.ObservedGeneration != d.Generation {
				return fmt.Errorf("%s: %d of %d ready", d.Name, d.Status.ReadyReplicas, *d.Spec.Replicas)
			}
		}
		for _, d := range sets.Items {
			if d.Status.ReadyReplicas != *d.Spec.Replicas {
				return fmt.Errorf("%s: %d of %d ready", d.Name, d.Status.ReadyReplicas, *d.Spec.Replicas)
			}
		}
		return nil
	})
}

// watched are open loops, each of which has to see all services that take part.
type watched struct {
	*load.Runner
	host  string
	parts []string
}

func (s *shop) loop(o load.Options, parts ...string) watched {
	s.Helper()
	s.reachable(o)
	o.MaxSamples = 6
	runner := s.endless(o)
	s.eventually("answers from "+o.URL, func() error {
		if n := runner.Snapshot(); n.OK < 20 || n.Failed > 0 {
			return fmt.Errorf("%d answers, %d failures", n.OK, n.Failed)
		}
		return nil
	})
	return watched{runner, o.Host, parts}
}

// reachable waits until it was answered twenty times in a row.
func (s *shop) reachable(o load.Options) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.info.GatewayURL+o.URL, nil)
	if err != nil {
		s.Fatal(err)
	}
	request.Host = o.Host
	s.eventually(o.Host+o.URL, func() error {
		for range 20 {
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return errors.New(answer.Status)
			}
		}
		return nil
	})
}

// customers ask each of the namespaces that are adopted.
func (s *shop) customers() (out []watched) {
	s.Helper()
	for _, namespace := range tenants() {
		out = append(out, adopted[namespace].customers(s)...)
	}
	return out
}

func (s *shop) podinfo() watched {
	s.Helper()
	return s.loop(load.Options{URL: "/ratings/0", Rate: 30, Host: "podinfo.example", Method: http.MethodPost, Body: []byte(`{"Mia": 4}`)}, "ratings")
}

// lost ends the loops and counts what went wrong: failures, and answers in which somebody was missing.
func lost(loops []watched) (requests, lost int64, words []string) {
	for _, l := range loops {
		l.Stop()
		r := l.Wait()
		requests += r.Requests
		lost += r.Failed
		for _, sample := range r.Samples {
			words = append(words, fmt.Sprintf("%+v", sample))
		}
		for _, part := range l.parts {
			var seen int64
			for version, n := range r.Versions {
				if strings.HasPrefix(version, part+"=") {
					seen += n.OK
				}
			}
			if missing := r.OK - seen; missing > 0 {
				lost += missing
				words = append(words, fmt.Sprintf("%d answers without %s: %v", missing, part, r.Versions))
			}
		}
	}
	return requests, lost, words
}

// tenant is a namespace of somebody else.
type tenant struct {
	file string
	// images makes those that it runs.
	images    func(*shop)
	customers func(*shop) []watched
	// change is what is released once it is adopted.
	change func(*api.Component)
}

var adopted = map[string]tenant{
	"istio-sample": {
		file:   "testdata/istio.yaml",
		images: bookinfo("1.20.1", "productpage-v1", "details-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"),
		customers: func(s *shop) []watched {
			return []watched{s.loop(load.Options{URL: "/productpage", Rate: 10, Host: "bookinfo.example"}, "productpage", "details", "reviews", "ratings")}
		},
		change: func(c *api.Component) {
			if c.Name == "reviews" {
				c.Version, c.Image, c.Strategy = "v4", istioImage+"reviews-v2:1.20.1", "step"
			}
		},
	},
	"kubesphere-sample": {
		file:   "testdata/kubesphere.yaml",
		images: bookinfo("1.10.1", "productpage-v1", "details-v1", "ratings-v1", "reviews-v1"),
		customers: func(s *shop) []watched {
			return []watched{s.loop(load.Options{URL: "/productpage", Rate: 10, Host: "kubesphere.example"}, "productpage", "details", "reviews")}
		},
		change: func(c *api.Component) {
			if c.Name == "reviews" || c.Name == "productpage" {
				c.Version, c.Args, c.Strategy = "v2", []string{"--version", "v2"}, "step"
			}
		},
	},
	"podinfo": {
		file:      "../../examples/adopting/podinfo.yaml",
		images:    func(s *shop) { s.image("weir.local/bookinfo/ratings:v1", "bookinfo", "ratings", "--version", "v1") },
		customers: func(s *shop) []watched { return []watched{s.podinfo()} },
		change: func(c *api.Component) {
			c.Version, c.Args, c.Strategy = "p2", []string{"--listen", ":9999", "--version", "p2"}, "step"
		},
	},
	"database": {
		file: "testdata/database.yaml",
		images: func(s *shop) {
			s.build("echo", "../e2e/echo")
			s.image("weir.local/echo:1", "echo")
		},
		customers: func(s *shop) []watched {
			return []watched{
				s.loop(load.Options{URL: "/ask?address=ledger-0.ledger:3306", Rate: 10, Host: "till.example"}),
				s.loop(load.Options{URL: "/ask?address=ledger:3306", Rate: 10, Host: "till.example"}),
			}
		},
		change: func(c *api.Component) {
			if c.Name == "till" {
				c.Version, c.Env[0].Value, c.Strategy = "v2", "v2", "step"
			}
		},
	},
}

// tenants are the namespaces that are adopted, one after the other: in the short form a Deployment and a StatefulSet alone.
func tenants() []string {
	if os.Getenv("WEIR_HITLESS") == "" {
		return []string{"database", "podinfo"}
	}
	return slices.Sorted(maps.Keys(adopted))
}

const istioImage = "docker.io/istio/examples-bookinfo-"

// adoption turns what others made into applications, releases new versions, and gives all of it back, under load through
// proxies that do not retry. Then it does the same in a careless order, which the same loops do see.
func (s *shop) adoption(t *testing.T) {
	inner := *s
	inner.TB, inner.ctx = t, t.Context()
	for _, namespace := range tenants() {
		adopted[namespace].images(&inner)
	}
	objects := inner.others()
	before := map[*unstructured.Unstructured]map[string]any{}
	for _, o := range objects {
		before[o] = inner.bones(o)
	}
	ledger := inner.pods("database", "app.kubernetes.io/name", "ledger")
	if len(ledger) != 1 {
		t.Fatalf("pods of the database: %v", ledger)
	}
	inner.each("what would come of it", func(namespace string) (string, error) {
		return inner.try("app", "adopt", "-n", namespace, "--dry-run", "--brief")
	}, "Nothing was written.")
	inner.calm(inner.thereAndBack)
	for _, o := range objects {
		if diff := cmp.Diff(before[o], inner.bones(o)); diff != "" {
			t.Errorf("%s %s/%s is not as it was (-before +after):\n%s", o.GetKind(), o.GetNamespace(), o.GetName(), diff)
		}
	}
	if diff := cmp.Diff(ledger, inner.pods("database", "app.kubernetes.io/name", "ledger")); diff != "" {
		t.Errorf("the database was restarted:\n%s", diff)
	}
	if !t.Failed() {
		inner.carelessAdoption(t)
	}
}

// thereAndBack is all that happens under load.
func (s *shop) thereAndBack(phase func(string)) {
	s.Helper()
	s.each("adopted", func(namespace string) (string, error) {
		return s.try("app", "adopt", "-n", namespace, "--yes", "--brief", "--timeout", "4m")
	}, "all has been taken over")
	phase("adopted")
	for _, namespace := range tenants() {
		s.meshed(namespace)
		strict := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": map[string]any{"namespace": namespace, "name": "strict"},
			"spec": map[string]any{"mtls": map[string]any{"mode": "STRICT"}},
		}}
		if err := s.client.Create(s.ctx, strict); err != nil {
			s.Fatal(err)
		}
		defer func() {
			if err := s.client.Delete(s.ctx, strict); err != nil {
				s.Error(err)
			}
		}()
	}
	for _, namespace := range tenants() {
		s.renew(namespace, adopted[namespace].change)
		s.promoted(namespace)
	}
	phase("released, with mTLS alone")
	s.each("given back", func(namespace string) (string, error) { return s.try("app", "delete", namespace, "-n", namespace) }, "is gone")
	phase("given back")
}

// others makes what others made, and waits until it runs.
func (s *shop) others() []*unstructured.Unstructured {
	s.Helper()
	s.volume()
	var objects []*unstructured.Unstructured
	for _, namespace := range tenants() {
		objects = append(objects, s.foreign(adopted[namespace].file)...)
	}
	for _, namespace := range tenants() {
		s.running(namespace)
	}
	return objects
}

// volume is a disk for the database.
func (s *shop) volume() {
	s.Helper()
	folder := s.TempDir()
	if err := os.Chmod(folder, 0o777); err != nil {
		s.Fatal(err)
	}
	disk := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "disk"}, Spec: corev1.PersistentVolumeSpec{
		Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")},
		AccessModes:            []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: folder}},
	}}
	if err := s.client.Create(s.ctx, disk); err != nil {
		s.Fatal(err)
	}
}

// bookinfo makes an image of each service and version, under Istio's names.
func bookinfo(tag string, names ...string) func(*shop) {
	return func(s *shop) {
		for _, name := range names {
			service, version, _ := strings.Cut(name, "-")
			s.image(istioImage+name+":"+tag, "bookinfo", service, "--version", version)
		}
	}
}

// each does something to one namespace after the other, and wants these words of it.
func (s *shop) each(what string, do func(namespace string) (string, error), words string) {
	s.Helper()
	for _, namespace := range tenants() {
		if output, err := do(namespace); err != nil || !strings.Contains(output, words) {
			s.Fatalf("%s: %s: %v, and no %q in\n%s", namespace, what, err, words, output)
		}
	}
}

// try runs weir, and returns what it says.
func (s *shop) try(args ...string) (string, error) {
	command := exec.CommandContext(s.ctx, filepath.Join(s.bin, "weir"), append(args, "--kubeconfig", s.info.Kubeconfig)...)
	output, err := command.CombinedOutput()
	return string(output), err
}

// meshed wants all pods of the application to be ready with a sidecar.
func (s *shop) meshed(namespace string) {
	s.Helper()
	var pods corev1.PodList
	err := s.client.List(s.ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{api.LabelApplication: namespace})
	if err != nil || len(pods.Items) == 0 {
		s.Fatalf("pods of application %s: %d, %v", namespace, len(pods.Items), err)
	}
	for i := range pods.Items {
		if p := &pods.Items[i]; p.DeletionTimestamp == nil && (!injection.HasSidecar(p) || !kube.PodReady(p, false)) {
			s.Errorf("%s/%s is not ready with a sidecar: %+v", namespace, p.Name, p.Status.ContainerStatuses)
		}
	}
}

// renew changes the adopted application, which begins releases.
func (s *shop) renew(namespace string, change func(*api.Component)) {
	s.Helper()
	strategy := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "step"}, Spec: api.StrategySpec{
		Steps: []api.Step{{Weight: 50, Hold: &metav1.Duration{Duration: time.Second}}}, Drain: &metav1.Duration{Duration: 2 * time.Second},
	}}
	if err := s.client.Create(s.ctx, strategy); err != nil {
		s.Fatal(err)
	}
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var app api.Application
		if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: namespace}, &app); err != nil {
			return err
		}
		for i := range app.Spec.Components {
			change(&app.Spec.Components[i])
		}
		return s.client.Update(s.ctx, &app)
	})
	if err != nil {
		s.Fatal(err)
	}
}

// promoted waits until all releases of the namespace have ended well, of which there is at least one.
func (s *shop) promoted(namespace string) {
	s.Helper()
	s.eventually("releases of "+namespace, func() error {
		var releases api.ReleaseList
		if err := s.client.List(s.ctx, &releases, client.InNamespace(namespace)); err != nil || len(releases.Items) == 0 {
			return fmt.Errorf("%d releases, %w", len(releases.Items), err)
		}
		for _, r := range releases.Items {
			if r.Status.Phase != api.ReleasePromoted {
				return fmt.Errorf("%s: %s: %s", r.Name, r.Status.Phase, r.Status.Message)
			}
		}
		return nil
	})
}

// calm does something under load, of which nothing may be lost in any phase.
func (s *shop) calm(do func(phase func(string))) {
	s.Helper()
	loops := s.customers()
	begin := time.Now()
	do(func(phase string) {
		var requests, failed int64
		kinds := map[string]int64{}
		for _, l := range loops {
			n := l.Snapshot()
			requests, failed = requests+n.OK+n.Failed, failed+n.Failed
			for kind, count := range n.Kinds {
				kinds[l.host+": "+kind] += count
			}
		}
		s.Logf("%s: after %s %d requests, %d failed %v", phase, time.Since(begin).Round(time.Second), requests, failed, kinds)
	})
	time.Sleep(3 * time.Second) //nolint:forbidigo // what is lost a moment later counts as well
	requests, lost, words := lost(loops)
	s.Logf("%d requests in all, %d lost", requests, lost)
	if lost > 0 {
		s.Errorf("%d of %d requests were lost: %s", lost, requests, strings.Join(words, "\n"))
	}
}

// carelessAdoption is what one would do by hand: delete the Deployment, and let an Application of the same name make it anew.
func (s *shop) carelessAdoption(t *testing.T) {
	loop := s.podinfo()
	file := filepath.Join(t.TempDir(), "application.yaml")
	text, err := s.try("app", "adopt", "-n", "podinfo", "-o", "yaml")
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o600)
	}
	old := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "podinfo", Name: "podinfo"}}
	if err = errors.Join(err, s.client.Delete(s.ctx, old)); err != nil {
		t.Fatal(err)
	}
	if output, err := s.try("app", "adopt", "-f", file, "-n", "podinfo", "--yes", "--brief"); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	requests, lost, _ := lost([]watched{loop})
	t.Logf("in a careless order %d of %d requests lost", lost, requests)
	if lost == 0 {
		t.Errorf("nothing lost in %d requests: the loops see nothing", requests)
	}
	if !t.Failed() {
		s.keep(t)
	}
}

// keep lets the application have for good what it took over.
func (s *shop) keep(t *testing.T) {
	loop := s.podinfo()
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "podinfo", Name: "podinfo"}}
	remove := client.RawPatch(types.JSONPatchType, []byte(`[{"op":"remove","path":"/spec/takesOver"}]`))
	if err := s.client.Patch(s.ctx, app, remove); err != nil {
		t.Fatal(err)
	}
	s.eventually("the application owes nothing", func() error {
		if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(app), app); err != nil {
			return err
		}
		ready := apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionReady)
		if app.Status.ObservedGeneration != app.Generation || !ready {
			return fmt.Errorf("%+v", app.Status)
		}
		return nil
	})
	requests, lost, words := lost([]watched{loop})
	t.Logf("kept for good: %d of %d requests lost", lost, requests)
	if lost > 0 {
		t.Errorf("%d of %d requests were lost: %s", lost, requests, strings.Join(words, "\n"))
	}
	if output, err := s.try("app", "delete", "podinfo", "-n", "podinfo"); err != nil || strings.Contains(output, "given back") {
		t.Errorf("what is kept is given back: %v, %s", err, output)
	}
}
