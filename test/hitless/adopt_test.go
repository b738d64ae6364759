// SPDX-License-Identifier: Apache-2.0

//go:build hitless && adopt

package hitless

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"weir.dev/weir/cluster/image"
	"weir.dev/weir/internal/load"
)

// foreign are the objects of a file that somebody else applied.
func (s *shop) foreign(file string) []*unstructured.Unstructured {
	s.Helper()
	text, err := os.ReadFile(filepath.Join("../../examples/adopting", file))
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
		if err != nil || len(ports) != 1 {
			s.Fatalf("ports of %s: %v, %v", o.GetName(), ports, err)
		}
		delete(ports[0].(map[string]any), "targetPort")
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
	parts []string
}

func (s *shop) loop(o load.Options, parts ...string) watched {
	s.Helper()
	s.reachable(o)
	o.URL, o.Duration, o.VersionHeader, o.ReasonHeader, o.MaxSamples = s.info.GatewayURL+o.URL, time.Hour, "x-bookinfo-versions", "x-bookinfo-reason", 6
	runner, err := load.Start(s.ctx, o)
	if err != nil {
		s.Fatal(err)
	}
	s.eventually("answers from "+o.URL, func() error {
		if n := runner.Snapshot(); n.OK < 20 || n.Failed > 0 {
			return fmt.Errorf("%d answers, %d failures", n.OK, n.Failed)
		}
		return nil
	})
	return watched{runner, parts}
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

func (s *shop) customers() []watched {
	s.Helper()
	return []watched{
		s.loop(load.Options{URL: "/productpage", Rate: 40, Host: "books.example"}, "productpage", "details", "reviews", "ratings"),
		s.loop(load.Options{URL: "/ratings/0", Rate: 40, Host: "books.example"}, "ratings"),
		s.loop(load.Options{URL: "/ratings/0", Rate: 40, Host: "podinfo.example"}, "ratings"),
	}
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

// TestAdopt turns what others made into applications and gives it back, under load through proxies that do not retry. Then
// it does the same in a careless order, which the same loops do see. It needs a machine to itself, and has a tag of its own:
// go test -tags hitless,adopt -run TestAdopt ./test/hitless
func TestAdopt(t *testing.T) {
	s := newCluster(t)
	for _, service := range []string{"productpage:v1", "details:v1", "ratings:v1", "reviews:v1", "reviews:v3"} {
		name, version, _ := strings.Cut(service, ":")
		s.load(image.Spec{
			Tag: "weir.local/bookinfo/" + service, Entrypoint: []string{"/bookinfo", name, "--version", version}, User: "65532:65532",
			Files: []image.File{{Path: "/bookinfo", Source: filepath.Join(s.bin, "bookinfo"), Mode: 0o755}},
		})
	}
	objects := slices.Concat(s.foreign("books.yaml"), s.foreign("podinfo.yaml"))
	s.running("books")
	s.running("podinfo")
	before := map[*unstructured.Unstructured]map[string]any{}
	for _, o := range objects {
		before[o] = s.bones(o)
	}
	stock := s.pods("books", "app", "stock")
	if len(stock) != 2 {
		t.Fatalf("pods of stock: %v", stock)
	}
	t.Run("there", func(t *testing.T) {
		inner := *s
		inner.TB, inner.ctx = t, t.Context()
		inner.calm(func() {
			inner.adopt("podinfo")
			inner.adopt("books")
		})
		for _, namespace := range []string{"books", "podinfo"} {
			if n := len(inner.pods(namespace, "app.kubernetes.io/managed-by", "weir")); n == 0 {
				t.Errorf("no pod in %s is the application's", namespace)
			}
		}
		if diff := cmp.Diff(stock, inner.pods("books", "app", "stock")); diff != "" {
			t.Errorf("pods of the StatefulSet were restarted:\n%s", diff)
		}
	})
	t.Run("and back", func(t *testing.T) {
		inner := *s
		inner.TB, inner.ctx = t, t.Context()
		inner.calm(func() {
			for _, namespace := range []string{"books", "podinfo"} {
				inner.weir("app", "delete", namespace, "-n", namespace, "--kubeconfig", inner.info.Kubeconfig)
			}
		})
		for _, o := range objects {
			if diff := cmp.Diff(before[o], inner.bones(o)); diff != "" {
				t.Errorf("%s %s is not as it was (-before +after):\n%s", o.GetKind(), o.GetName(), diff)
			}
		}
		if diff := cmp.Diff(stock, inner.pods("books", "app", "stock")); diff != "" {
			t.Errorf("pods of the StatefulSet were restarted:\n%s", diff)
		}
	})
	t.Run("a careless order is seen to lose requests", func(t *testing.T) {
		inner := *s
		inner.TB, inner.ctx = t, t.Context()
		loops := inner.customers()
		inner.carelessAdoption()
		requests, lost, _ := lost(loops)
		t.Logf("%d of %d requests lost", lost, requests)
		if lost == 0 {
			t.Errorf("nothing lost in %d requests: the loops see nothing", requests)
		}
	})
}

// calm does something under load, of which nothing may be lost.
func (s *shop) calm(do func()) {
	s.Helper()
	loops := s.customers()
	begin := time.Now()
	do()
	took := time.Since(begin).Round(time.Second)
	time.Sleep(3 * time.Second) //nolint:forbidigo // what is lost a moment later counts as well
	requests, lost, words := lost(loops)
	if tb, ok := s.TB.(*testing.T); ok {
		tb.Logf("%d requests in %s, %d lost", requests, took, lost)
	}
	if lost > 0 {
		s.Errorf("%d of %d requests were lost: %s", lost, requests, strings.Join(words, "\n"))
	}
}

func (s *shop) adopt(namespace string) {
	s.Helper()
	output := s.weir("app", "adopt", "-n", namespace, "--yes", "--timeout", "4m", "--kubeconfig", s.info.Kubeconfig)
	if !strings.Contains(output, "all has been taken over") {
		s.Errorf("it does not say that it is done: %s", output)
	}
}

// carelessAdoption is what one would do by hand: delete the Deployment, and let an Application of the same name make it anew.
func (s *shop) carelessAdoption() {
	file := filepath.Join(s.TempDir(), "application.yaml")
	text := s.weir("app", "adopt", "-n", "podinfo", "-o", "yaml", "--kubeconfig", s.info.Kubeconfig)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	old := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "podinfo", Name: "podinfo"}}
	if err := s.client.Delete(s.ctx, old); err != nil {
		s.Fatal(err)
	}
	s.weir("app", "adopt", "-f", file, "-n", "podinfo", "--yes", "--kubeconfig", s.info.Kubeconfig)
	s.eventually("the old Deployment is gone", func() error {
		err := s.client.Get(s.ctx, client.ObjectKeyFromObject(old), old)
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("still there (%w)", err)
		}
		return nil
	})
}
