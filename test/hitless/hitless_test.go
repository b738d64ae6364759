// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/load"
)

// traffic is three open loops, 300 requests a second in all, half as many again where it takes long: the gateway gets and posts
// ratings, and reviews get them.
type traffic []*load.Runner

// loops are their names.
var loops = []string{"ratings", "ratings by POST", "reviews"}

func million() bool { return os.Getenv("WEIR_HITLESS") == "long" }

func (s *shop) traffic() traffic {
	s.Helper()
	var out traffic
	rate := 300.0
	if million() {
		rate = 450
	}
	for _, o := range []load.Options{
		{URL: "/ratings/0", Rate: rate * 13 / 30},
		{URL: "/ratings/0", Rate: rate / 3, Method: http.MethodPost, Body: []byte(`{"Mia": 4}`)},
		{URL: "/reviews/0", Rate: rate * 7 / 30},
	} {
		o.MaxSamples = 4
		o.MaxInFlight = 4096 // on a machine that stands still for seconds, too, each is sent
		out = append(out, s.endless(o))
	}
	return out
}

// endless starts a loop at a path of the gateway that goes on until it is stopped. Its answers are Bookinfo's, unless it names the
// header that tells their versions.
func (s *shop) endless(o load.Options) *load.Runner {
	s.Helper()
	o.URL, o.Duration, o.Timeout = s.info.GatewayURL+o.URL, time.Hour, patience
	if o.VersionHeader == "" {
		o.VersionHeader, o.ReasonHeader = "x-bookinfo-versions", "x-bookinfo-reason"
	}
	runner, err := load.Start(s.ctx, o)
	if err != nil {
		s.Fatal(err)
	}
	return runner
}

// outcome is how many requests there were, how long the slowest took, and what was lost: failures, and reviews whose call of
// ratings failed, which they answer without stars.
type outcome struct {
	requests, lost int64
	slowest        time.Duration
	samples        []string
}

func (o outcome) String() string {
	return fmt.Sprintf("%d requests, %d lost, the slowest took %s", o.requests, o.lost, o.slowest)
}

// stop ends the loops.
func (t traffic) stop() (out outcome) {
	for i, runner := range t {
		runner.Stop()
		result := runner.Wait()
		out.requests += result.Requests
		out.lost += result.Failed
		out.slowest = max(out.slowest, time.Duration(result.Latency.Max)*time.Millisecond)
		if result.Failed > 0 { // what was not even sent has no sample
			out.samples = append(out.samples, fmt.Sprintf("%s: of %d failures there were %v", loops[i], result.Failed, result.Kinds))
		}
		for _, sample := range result.Samples {
			out.samples = append(out.samples, fmt.Sprintf("%+v", sample))
		}
		if i < 2 {
			continue
		}
		var starred int64
		for version, count := range result.Versions {
			if strings.HasPrefix(version, "ratings=v") {
				starred += count.OK
			}
		}
		if starless := result.OK - starred; starless != 0 {
			out.lost += starless
			out.samples = append(out.samples, fmt.Sprintf("%d reviews without ratings: %v", starless, result.Versions))
		}
	}
	return out
}

// TestHitless goes through every transition, again and again until there were enough requests; then it shows that the
// same loops do see what a careless order loses.
func TestHitless(t *testing.T) {
	least := int64(60_000)
	if million() {
		least = 1_000_000
	}
	s := newShop(t)
	var total int64
	for round, before := 1, int64(-1); total < least && total > before && !t.Failed(); round++ {
		before = total
		for _, transition := range s.round() {
			if total >= least && round > 1 || t.Failed() {
				break
			}
			t.Run(fmt.Sprintf("%s %d", transition.name, round), func(t *testing.T) {
				inner := *s
				inner.TB, inner.ctx = t, t.Context()
				load := inner.traffic()
				begin := time.Now()
				transition.run(&inner)
				s.versions = inner.versions
				outcome := load.stop()
				total += outcome.requests
				t.Logf("in %s %s", time.Since(begin).Round(time.Second), outcome)
				if outcome.lost > 0 {
					inner.tell()
					t.Errorf("%s: %s", outcome, strings.Join(outcome.samples, "\n"))
				}
			})
		}
	}
	t.Logf("%d requests in all", total)
	if !t.Failed() && os.Getenv("WEIR_HITLESS") != "scripts" {
		t.Run("what others made is adopted and given back", s.adoption)
	}
	if !t.Failed() && total > 0 {
		t.Run("a careless order is seen to lose requests", s.careless)
	}
}

// round is what is gone through, again and again: with WEIR_HITLESS=scripts the releases that are told for a cluster alone,
// with adopt nothing but what comes after.
func (s *shop) round() []transition {
	s.Helper()
	switch os.Getenv("WEIR_HITLESS") {
	case "adopt":
		return nil
	case "scripts":
		return s.scripts()
	case "long":
		return append(transitions(), s.scripts()...)
	default:
		return transitions()
	}
}

type transition struct {
	name string
	run  func(*shop)
}

func transitions() []transition {
	weights := api.StrategySpec{}
	second := &metav1.Duration{Duration: time.Second}
	insiders := []api.Match{{Headers: []api.NamedMatch{{Name: "x-insider", StringMatch: api.StringMatch{Exact: "yes"}}}}}
	return []transition{
		{"another application comes and goes", (*shop).neighbor},
		{"edited", (*shop).editMesh},
		{"scoped and guarded", (*shop).narrow},
		{"between versions of somebody else", (*shop).external},
		{"canary", func(s *shop) { s.strategy(weights); s.ends(s.next(), api.ReleasePromoted) }},
		{"superseded", (*shop).supersede},
		{"aborted", (*shop).abort},
		{"controller killed in every phase", (*shop).killController},
		{"slow to start", func(s *shop) { s.ends(s.next("--start-delay", "4s"), api.ReleasePromoted) }},
		{"exits at once when told to", func(s *shop) {
			s.ends(s.next("--exit-on-term"), api.ReleasePromoted)
			s.ends(s.next(), api.ReleasePromoted)
		}},
		{"pods deleted", (*shop).deletePods},
		{"scaled", (*shop).scale},
		{"blue-green", func(s *shop) {
			s.strategy(api.StrategySpec{Type: api.StrategyBlueGreen, Steps: []api.Step{{Hold: second}}, Warm: second})
			s.ends(s.next(), api.ReleasePromoted)
		}},
		{"mirror, then A/B, then weights", func(s *shop) {
			s.strategy(api.StrategySpec{Type: api.StrategyMirror, Steps: []api.Step{
				{Mirror: &api.Mirror{Percent: 50, Methods: api.MirrorSafe}, Hold: second}, {Match: insiders, Hold: second}, {Weight: 30, Hold: second},
			}})
			s.ends(s.next(), api.ReleasePromoted)
		}},
		{"istiod restarted", (*shop).restartIstiod},
		{"proxies that lag", (*shop).lag},
	}
}

func (s *shop) supersede() {
	s.strategy(api.StrategySpec{Steps: []api.Step{{Weight: 50, Hold: &metav1.Duration{Duration: time.Minute}}}})
	first := s.next()
	s.await(first, func(status api.ReleaseStatus) bool { return status.Phase == api.ReleaseObserving })
	s.strategy(api.StrategySpec{})
	second := s.next()
	s.ends(first, api.ReleaseRolledBack)
	s.ends(second, api.ReleasePromoted)
}

func (s *shop) abort() {
	s.strategy(api.StrategySpec{Steps: []api.Step{{Weight: 50, Hold: &metav1.Duration{Duration: time.Minute}}}})
	name := s.next()
	s.await(name, func(status api.ReleaseStatus) bool { return status.Phase == api.ReleaseObserving })
	s.weir("release", "abort", name, "-n", namespace, "--kubeconfig", s.info.Kubeconfig)
	s.ends(name, api.ReleaseRolledBack)
	s.strategy(api.StrategySpec{})
}

func (s *shop) killController() {
	name := s.next()
	for _, phase := range []api.ReleasePhase{
		api.ReleasePreparing, api.ReleaseConnecting, api.ReleaseShifting, api.ReleaseObserving, api.ReleaseDraining, api.ReleaseRetiring,
	} {
		s.await(name, func(status api.ReleaseStatus) bool { return status.Phase == phase || rank(status.Phase) > rank(phase) })
		err := s.client.DeleteAllOf(s.ctx, &corev1.Pod{}, client.InNamespace("weir-system"), client.GracePeriodSeconds(0),
			client.MatchingLabels{"app.kubernetes.io/name": "weir"})
		if err != nil {
			s.Fatal(err)
		}
	}
	s.ends(name, api.ReleasePromoted)
}

func rank(phase api.ReleasePhase) int {
	return map[api.ReleasePhase]int{
		api.ReleasePreparing: 1, api.ReleaseConnecting: 2, api.ReleaseShifting: 3, api.ReleaseObserving: 3, api.ReleaseDraining: 5,
		api.ReleaseRetiring: 6, api.ReleasePromoted: 7, api.ReleaseRolledBack: 7,
	}[phase]
}

// deletePods takes the pods away one by one, as draining a node does.
func (s *shop) deletePods() {
	var pods corev1.PodList
	if err := s.client.List(s.ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{api.LabelComponent: "ratings"}); err != nil {
		s.Fatal(err)
	}
	for i := range pods.Items {
		if err := s.client.Delete(s.ctx, &pods.Items[i]); client.IgnoreNotFound(err) != nil {
			s.Fatal(err)
		}
		s.ready(2)
	}
}

func (s *shop) scale() {
	for _, n := range []int32{4, 2} {
		s.edit(func(c *api.Component) { c.Replicas = &n })
		s.ready(n)
	}
}

// ready waits until ratings has as many pods, all of them ready and none ending.
func (s *shop) ready(n int32) {
	s.Helper()
	s.eventually("pods of ratings", func() error {
		var pods corev1.PodList
		if err := s.client.List(s.ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{api.LabelComponent: "ratings"}); err != nil {
			return err
		}
		return allReady(pods.Items, int(n))
	})
}

// allReady wants as many pods, all of them ready and none ending.
func allReady(pods []corev1.Pod, n int) error {
	ready := 0
	for _, pod := range pods {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil {
				ready++
			}
		}
	}
	if ready != n || len(pods) != n {
		return fmt.Errorf("%d of %d pods are ready, want %d", ready, len(pods), n)
	}
	return nil
}

// restartIstiod ends istiod in the middle of a release.
func (s *shop) restartIstiod() {
	s.strategy(api.StrategySpec{})
	name := s.next()
	s.await(name, func(status api.ReleaseStatus) bool { return status.Step > 0 || status.Phase.Finished() })
	err := s.client.DeleteAllOf(s.ctx, &corev1.Pod{}, client.InNamespace("istio-system"), client.MatchingLabels{"app": "istiod"})
	if err != nil {
		s.Fatal(err)
	}
	s.ends(name, api.ReleasePromoted)
}

// lag makes istiod wait two seconds before it tells proxies of a change, and tell one after the other.
func (s *shop) lag() {
	s.istiod("2s", "1")
	s.ends(s.next(), api.ReleasePromoted)
	s.supersede()
	s.istiod("100ms", "25")
}

func (s *shop) istiod(debounce, throttle string) {
	var istiod appsv1.Deployment
	if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: "istio-system", Name: "istiod"}, &istiod); err != nil {
		s.Fatal(err)
	}
	before := istiod.DeepCopy()
	container := &istiod.Spec.Template.Spec.Containers[0]
	container.Env = slices.DeleteFunc(container.Env, func(env corev1.EnvVar) bool {
		return env.Name == "PILOT_DEBOUNCE_AFTER" || env.Name == "PILOT_PUSH_THROTTLE"
	})
	container.Env = append(container.Env,
		corev1.EnvVar{Name: "PILOT_DEBOUNCE_AFTER", Value: debounce}, corev1.EnvVar{Name: "PILOT_PUSH_THROTTLE", Value: throttle})
	if err := s.client.Patch(s.ctx, &istiod, client.MergeFrom(before)); err != nil {
		s.Fatal(err)
	}
	s.eventually("istiod", func() error {
		if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(&istiod), &istiod); err != nil {
			return err
		}
		if st := istiod.Status; st.ObservedGeneration < istiod.Generation || st.UpdatedReplicas != st.Replicas || st.AvailableReplicas != st.Replicas {
			return fmt.Errorf("rolls out: %+v", st)
		}
		return nil
	})
}

// careless does what a release must not do, all at once: the new version gets everything before it has pods, and the old
// one loses its pods and its subset in the same moment. The controller is stopped, since it would repair that.
func (s *shop) careless(t *testing.T) {
	inner := *s
	inner.TB, inner.ctx = t, t.Context()
	scale := func(n string) {
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":`+n+`}}`))
		var list appsv1.DeploymentList
		if err := s.client.List(t.Context(), &list, client.InNamespace("weir-system")); err != nil || len(list.Items) == 0 {
			t.Fatalf("the controller's deployment: %d, %v", len(list.Items), err)
		}
		for i := range list.Items {
			if err := s.client.Patch(t.Context(), &list.Items[i], patch); err != nil {
				t.Fatal(err)
			}
		}
	}
	scale("0")
	load := inner.traffic()
	inner.eventually("traffic", func() error {
		if n := load[0].Snapshot().OK; n < 100 {
			return fmt.Errorf("%d answers", n)
		}
		return nil
	})
	inner.naive()
	inner.eventually("the careless version alone", func() error {
		var pods corev1.PodList
		if err := s.client.List(t.Context(), &pods, client.InNamespace(namespace), client.MatchingLabels{api.LabelComponent: "ratings"}); err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.Labels["version"] != "careless" {
				return fmt.Errorf("%s is left", pod.Name)
			}
		}
		return nil
	})
	inner.ready(2)
	outcome := load.stop()
	t.Log(outcome)
	if outcome.lost == 0 {
		t.Error("nothing is lost: the loops see nothing")
	}
}

func (s *shop) naive() {
	var list appsv1.DeploymentList
	if err := s.client.List(s.ctx, &list, client.InNamespace(namespace), client.MatchingLabels{api.LabelComponent: "ratings"}); err != nil || len(list.Items) != 1 {
		s.Fatalf("one deployment of ratings: %d, %v", len(list.Items), err)
	}
	old := &list.Items[0]
	fresh := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "ratings-careless", Labels: old.Labels}, Spec: *old.Spec.DeepCopy()}
	for _, labels := range []map[string]string{fresh.Spec.Selector.MatchLabels, fresh.Spec.Template.Labels} {
		labels["version"] = "careless"
	}
	var rule istionet.DestinationRule
	if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: "ratings"}, &rule); err != nil {
		s.Fatal(err)
	}
	rule.Spec.Subsets[0].Labels["version"] = "careless" // the live subset is relabeled
	for _, do := range []func() error{
		func() error { return s.client.Update(s.ctx, &rule) },
		func() error { return s.client.Create(s.ctx, fresh) },
		func() error {
			return s.client.Delete(s.ctx, old, client.PropagationPolicy(metav1.DeletePropagationForeground))
		},
	} {
		if err := do(); err != nil {
			s.Fatal(err)
		}
	}
}
