// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// BenchmarkPropagation measures, with twenty proxies that call ratings, how long a weight takes from its write until each of
// them serves it, as the proxies say themselves, and from the decision until the controller has seen that; beside it, how long
// a bare write takes, with nothing but Istio at work; and how long the way back of a bad version takes, from the verdict until
// no proxy sends it anything.
func BenchmarkPropagation(b *testing.B) {
	s := newShop(b)
	s.callers(19) // and the gateway
	for b.Loop() {
		var served, seen []time.Duration
		for range 3 {
			for _, step := range s.climb() {
				served, seen = append(served, step.served), append(seen, step.seen)
			}
		}
		b.ReportMetric(0, "ns/op")
		report(b, "served", served)
		report(b, "seen", seen)
		report(b, "bare", s.bare())
		b.ReportMetric(float64(len(seen)), "steps")
		b.ReportMetric(seconds(s.bad()), "back-s")
	}
}

func report(b *testing.B, what string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(seconds(took[len(took)/2]), what+"-p50-s")
	b.ReportMetric(seconds(took[len(took)*99/100]), what+"-p99-s")
}

func seconds(d time.Duration) float64 { return d.Seconds() }

// callers has as many pods call ratings.
func (s *shop) callers(n int32) {
	s.Helper()
	s.editAt(0, func(c *api.Component) { c.Replicas = &n })
	s.eventually("the callers", func() error {
		var pods corev1.PodList
		err := s.client.List(s.ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{api.LabelComponent: "reviews"})
		if err != nil {
			return err
		}
		return allReady(pods.Items, int(n))
	})
}

// spread is how long a weight took.
type spread struct {
	// served is until the last proxy had taken it, from the first write of a route that has it.
	served time.Duration
	// seen is from the decision until the controller knew that all serve it.
	seen time.Duration
}

// climb releases a version in many steps, each as long as it takes to ask every proxy.
func (s *shop) climb() []spread {
	s.Helper()
	var spec api.StrategySpec
	for weight := int32(5); weight <= 95; weight += 5 {
		spec.Steps = append(spec.Steps, api.Step{Weight: weight, Hold: &metav1.Duration{Duration: time.Second}})
	}
	s.strategy(spec)
	written := s.writes(fmt.Sprintf("v%d", s.versions+1))
	name := s.next()
	callers := s.calling()
	var out []spread
	for i, step := range spec.Steps {
		verified := func(status api.ReleaseStatus) bool { return len(status.Steps) > i && status.Steps[i].VerifiedAt != nil }
		release := s.await(name, verified)
		record := release.Status.Steps[i]
		want := share{Name: "outbound|9080|" + release.Spec.To + "|ratings." + namespace + ".svc.cluster.local", Weight: step.Weight}
		last, err := s.last(callers, want)
		if err != nil {
			s.Fatal(err)
		}
		begin := written(step.Weight)
		if last.Sub(begin) > time.Second {
			s.slow(callers, want, begin)
		}
		out = append(out, spread{served: last.Sub(begin), seen: record.VerifiedAt.Sub(record.WantedAt.Time)})
	}
	s.ends(name, api.ReleasePromoted)
	return out
}

// bare writes weights of a host that nobody governs, and returns how long each takes until the sidecars of all that call have it.
func (s *shop) bare() []time.Duration {
	s.Helper()
	const host = "bare." + namespace + ".svc.cluster.local"
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bare"}}
	service.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 9080}}
	rule := &istionet.DestinationRule{ObjectMeta: service.ObjectMeta}
	rule.Spec.Host = host
	rule.Spec.Subsets = []*networking.Subset{{Name: "a", Labels: map[string]string{"version": "a"}}, {Name: "b", Labels: map[string]string{"version": "b"}}}
	route := &istionet.VirtualService{ObjectMeta: service.ObjectMeta}
	route.Spec.Hosts = []string{host}
	to := func(subset string) *networking.HTTPRouteDestination {
		return &networking.HTTPRouteDestination{Destination: &networking.Destination{Host: host, Subset: subset}}
	}
	route.Spec.Http = []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{to("a"), to("b")}}}
	route.Spec.Http[0].Route[0].Weight = 100
	s.create(service, rule, route)
	sidecars := s.ofPods(client.MatchingLabels{api.LabelComponent: "reviews"})
	var out []time.Duration
	for weight := int32(1); weight <= 60; weight++ {
		route.Spec.Http[0].Route[0].Weight, route.Spec.Http[0].Route[1].Weight = 100-weight, weight
		if err := s.client.Update(s.ctx, route); err != nil {
			s.Fatal(err)
		}
		begin := time.Now()
		var last time.Time
		want := share{Name: "outbound|9080|b|" + host, Weight: weight}
		s.eventually(fmt.Sprintf("a bare weight of %d %%", weight), func() (err error) {
			last, err = s.last(sidecars, want)
			return err
		})
		out = append(out, last.Sub(begin))
	}
	return out
}

// slow tells what istiod and the controller did while a weight took long.
func (s *shop) slow(callers []*proxy, want share, begin time.Time) {
	s.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "weight %d was written at %s\n", want.Weight, begin.UTC().Format("15:04:05.000"))
	for _, p := range callers {
		at, err := p.took(s.ctx, want)
		fmt.Fprintf(&out, "  %s took it after %s %v\n", p.pod, at.Sub(begin), err)
	}
	for _, namespace := range []string{"istio-system", "weir-system"} {
		if err := s.tellLogs(s.ctx, &out, namespace, &metav1.Time{Time: begin.Add(-2 * time.Second)}); err != nil {
			s.Error(err)
		}
	}
	fmt.Fprintln(os.Stderr, out.String()) // of a benchmark only ten lines are shown
}

// calling are the proxies of the pods that call ratings.
func (s *shop) calling() []*proxy {
	s.Helper()
	out := append(s.ofPods(client.MatchingLabels{api.LabelComponent: "reviews"}), s.ofPods(client.MatchingLabels{"istio": "ingressgateway"})...)
	if len(out) != 20 {
		s.Fatalf("%d proxies call, want 20", len(out))
	}
	return out
}

// ofPods are the proxies of the pods with the labels.
func (s *shop) ofPods(labels client.MatchingLabels) []*proxy {
	s.Helper()
	var pods corev1.PodList
	if err := s.client.List(s.ctx, &pods, labels); err != nil {
		s.Fatal(err)
	}
	return slices.DeleteFunc(s.proxies(), func(p *proxy) bool {
		return !slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool { return string(pod.UID) == p.pod })
	})
}

// last is when the last of the sidecars and gateways took the weight.
func (s *shop) last(proxies []*proxy, want share) (time.Time, error) {
	var out time.Time
	for _, p := range proxies {
		at, err := p.took(s.ctx, want)
		if err != nil {
			return time.Time{}, fmt.Errorf("proxy of pod %s: %w", p.pod, err)
		}
		if at.After(out) {
			out = at
		}
	}
	return out, nil
}

// writes watches when routes are written, and tells when one first gave the version the weight.
func (s *shop) writes(version string) func(weight int32) time.Time {
	s.Helper()
	watching, err := client.NewWithWatch(s.config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		s.Fatal(err)
	}
	watcher, err := watching.Watch(s.ctx, &istionet.VirtualServiceList{}, client.InNamespace(namespace))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(watcher.Stop)
	var mu sync.Mutex
	first := map[int32]time.Time{}
	go func() {
		for event := range watcher.ResultChan() {
			now := time.Now()
			route, is := event.Object.(*istionet.VirtualService)
			if !is {
				continue
			}
			mu.Lock()
			for _, weight := range weights(route, version) {
				if first[weight].IsZero() {
					first[weight] = now
				}
			}
			mu.Unlock()
		}
	}()
	return func(weight int32) time.Time {
		mu.Lock()
		defer mu.Unlock()
		if first[weight].IsZero() {
			s.Errorf("no route gave %s %d %%", version, weight)
		}
		return first[weight]
	}
}

// weights that the route gives the version.
func weights(route *istionet.VirtualService, version string) []int32 {
	var out []int32
	for _, r := range route.Spec.Http {
		for _, d := range r.Route {
			if d.Destination.Subset == version && d.Weight > 0 {
				out = append(out, d.Weight)
			}
		}
	}
	return out
}

// bad releases a version of whose answers 5 % are errors, with 200 requests a second, and returns how long it takes from the
// verdict until no proxy sends it any.
func (s *shop) bad() time.Duration {
	s.Helper()
	s.strategy(api.StrategySpec{
		Steps: []api.Step{{Weight: 10}},
		Analysis: &api.Analysis{
			Interval: &metav1.Duration{Duration: time.Second}, SuccessRate: &api.SuccessRate{MinPercent: 99}, MinRequests: 50,
		},
	})
	traffic := s.traffic()
	defer traffic.stop()
	name := s.next("--error-rate", "0.05")
	returning := s.await(name, func(status api.ReleaseStatus) bool { return status.Phase == api.ReleaseReturning }).Status.Since
	left := s.await(name, func(status api.ReleaseStatus) bool { return status.Phase != api.ReleaseReturning }).Status.Since
	s.ends(name, api.ReleaseRolledBack)
	return left.Sub(returning.Time)
}
