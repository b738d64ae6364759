// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

const (
	// wide services are spread over as many applications as they need, since one has at most 48 components.
	wide, perApplication = 200, 40
	// nowhere is a node without a kubelet: its pods are only said to run, so that two hundred services need no memory.
	nowhere = "nowhere"
	// caller is the component whose proxy is looked at. It calls three others, one of them of another application.
	caller = "service-000"
)

// BenchmarkScope measures how many bytes of configuration istiod sends to a proxy that starts, in an application of two
// hundred services: with all there is in the mesh, and with what its component calls alone.
func BenchmarkScope(b *testing.B) {
	s := newShop(b)
	kube := s.kubernetes()
	s.spread()
	for b.Loop() {
		all := s.started(kube)
		s.scoped(true)
		own := s.started(kube)
		s.scoped(false)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(all/1024, "all-KiB")
		b.ReportMetric(own/1024, "scoped-KiB")
		b.ReportMetric(100*own/all, "%")
	}
}

func (s *shop) kubernetes() kubernetes.Interface {
	s.Helper()
	out, err := kubernetes.NewForConfig(s.config)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// spread makes the wide applications. All pods but the caller's are on the node that is nowhere.
func (s *shop) spread() {
	s.Helper()
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "wide", Labels: map[string]string{"istio-injection": "enabled"}}}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nowhere}, Spec: corev1.NodeSpec{Unschedulable: true}}
	for _, obj := range []client.Object{space, node} {
		if err := s.client.Create(s.ctx, obj); err != nil {
			s.Fatal(err)
		}
	}
	for first := 0; first < wide; first += perApplication {
		app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: space.Name, Name: applicationOf(first)}}
		for i := range perApplication {
			app.Spec.Components = append(app.Spec.Components, one(first+i))
		}
		if err := s.client.Create(s.ctx, app); err != nil {
			s.Fatal(err)
		}
	}
	s.eventually("two hundred services", s.run)
}

func applicationOf(i int) string { return fmt.Sprintf("wide-%d", i/perApplication) }

// one is the i-th service. It calls the next two of its application, and one of the next application.
func one(i int) api.Component {
	name := func(i int) string { return fmt.Sprintf("service-%03d", i) }
	base := i / perApplication * perApplication
	other := (i + perApplication) % wide
	c := api.Component{Name: name(i), Image: ratings, Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Uses: []string{
		name(base + (i+1)%perApplication), name(base + (i+2)%perApplication), applicationOf(other) + "/" + name(other),
	}}
	if c.Name != caller {
		c.Template = &api.Template{Spec: &runtime.RawExtension{Raw: []byte(`{"nodeName": "` + nowhere + `"}`)}}
	}
	return c
}

// run says of all pods that are nowhere that they are ready, and of the node that it is, and fails while any service is missing.
func (s *shop) run() error {
	var node corev1.Node
	if err := s.client.Get(s.ctx, client.ObjectKey{Name: nowhere}, &node); err != nil {
		return err
	}
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now()}}
	if err := s.client.Status().Update(s.ctx, &node); err != nil {
		return err
	}
	var pods corev1.PodList
	if err := s.client.List(s.ctx, &pods, client.InNamespace("wide")); err != nil {
		return err
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Spec.NodeName != nowhere || pod.Status.Phase == corev1.PodRunning {
			continue
		}
		number, err := strconv.Atoi(strings.TrimPrefix(pod.Labels[api.LabelComponent], "service-"))
		if err != nil {
			return err
		}
		pod.Status = corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: fmt.Sprintf("100.64.0.%d", 1+number), StartTime: new(metav1.Now()),
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		}
		pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
		if err := s.client.Status().Update(s.ctx, pod); err != nil {
			return err
		}
	}
	if len(pods.Items) < wide {
		return fmt.Errorf("%d of %d pods are there", len(pods.Items), wide)
	}
	return nil
}

// scoped turns the scopes on or off, and waits until they are there or gone.
func (s *shop) scoped(on bool) {
	s.Helper()
	for first := 0; first < wide; first += perApplication {
		err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
			var app api.Application
			if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: "wide", Name: applicationOf(first)}, &app); err != nil {
				return err
			}
			app.Spec.ScopeFromUses = on
			return s.client.Update(s.ctx, &app)
		})
		if err != nil {
			s.Fatal(err)
		}
	}
	want := map[bool]int{true: wide}[on]
	s.eventually("the scopes", func() error {
		if got := s.count("Sidecar"); got != want {
			return fmt.Errorf("%d of %d", got, want)
		}
		return s.run()
	})
}

// started starts the caller anew and returns how many bytes istiod has sent to its proxy when it sends no more: the median of
// three times.
func (s *shop) started(kube kubernetes.Interface) float64 {
	s.Helper()
	var out []float64
	for range 3 {
		err := s.client.DeleteAllOf(s.ctx, &corev1.Pod{}, client.InNamespace("wide"), client.MatchingLabels{api.LabelComponent: caller})
		if err != nil {
			s.Fatal(err)
		}
		var last float64
		var since time.Time
		s.eventually("the caller", func() error {
			if err := s.run(); err != nil {
				return err
			}
			got, err := s.received(kube)
			if err != nil {
				return err
			}
			if got != last {
				last, since = got, time.Now()
			}
			if quiet := time.Since(since); quiet < 3*time.Second {
				return fmt.Errorf("it got %.0f bytes, %s ago", got, quiet)
			}
			return nil
		})
		out = append(out, last)
	}
	slices.Sort(out)
	return out[1]
}

// received is how many bytes of configuration the caller's proxy got since it started.
func (s *shop) received(kube kubernetes.Interface) (float64, error) {
	var pods corev1.PodList
	if err := s.client.List(s.ctx, &pods, client.InNamespace("wide"), client.MatchingLabels{api.LabelComponent: caller}); err != nil {
		return 0, err
	}
	if err := allReady(pods.Items, 1); err != nil {
		return 0, err
	}
	text, err := kube.CoreV1().Pods("wide").ProxyGet("http", pods.Items[0].Name, "15090", "stats/prometheus", nil).DoRaw(s.ctx)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), `envoy_cluster_upstream_cx_rx_bytes_total{cluster_name="xds-grpc"} `); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("the proxy does not say what it got")
}

// count counts the objects of a kind in the wide applications.
func (s *shop) count(kind string) int {
	s.Helper()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(istionet.SchemeGroupVersion.WithKind(kind + "List"))
	if err := s.client.List(s.ctx, list, client.InNamespace("wide")); err != nil {
		s.Fatal(err)
	}
	return len(list.Items)
}
