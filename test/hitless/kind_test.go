// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// long is a hold that nobody waits for: the test goes on by itself.
var long = &metav1.Duration{Duration: time.Hour}

// TestEveryKind goes through every kind of step, by every protocol, with real proxies, steered from the command line. All the
// while a crowd makes requests, of which none may be lost.
func TestEveryKind(t *testing.T) {
	s := newCluster(t)
	s.fairgrounds()
	s.reached()
	crowd := s.crowd()
	for _, part := range []struct {
		name string
		run  func(*shop)
	}{
		{"weights by every protocol", (*shop).protocols},
		{"copies, then an A/B test, then users who stay", (*shop).kinds},
		{"gates, windows and an edit on the way", (*shop).gates},
		{"contents of a ConfigMap, and back", (*shop).contents},
		{"two components as one, with autoscalers", (*shop).unit},
	} {
		ok := t.Run(part.name, func(t *testing.T) {
			inner := *s
			inner.TB, inner.ctx = t, t.Context()
			part.run(&inner)
			s.versions = inner.versions
		})
		if !ok {
			break
		}
	}
	s.home(crowd)
}

// protocols shares requests and connections by weight, whatever they speak, and then takes the step back and forth.
func (s *shop) protocols() {
	plan := s.release("plan", "--component", "echo", "--image", "weir.local/echo:2", "--rate", "50", "--brief")
	for _, words := range []string{"10 %", "50 %", "pods", "2"} {
		if !strings.Contains(plan, words) {
			s.Errorf("the plan does not say %q:\n%s", words, plan)
		}
	}
	const weight, times = 30, 300
	s.strategy(api.StrategySpec{Steps: []api.Step{{Weight: weight, Hold: long}}})
	version := s.upgrade()
	s.at("echo-"+version, 1)
	for _, a := range []ask{
		{path: "/", from: "front"}, {path: "/", from: "front", proto: "h2"}, {path: "/", from: "front", proto: "grpc"},
		{path: "/", from: "front", proto: "tcp"}, {path: "/"}, {path: "/", proto: "h2"}, {path: "/", proto: "grpc"},
	} {
		got := s.draw(a, times)
		s.Logf("%+v: %v", a, got)
		// Five standard deviations of a fair draw.
		if n := got[version]; n < 51 || n > 129 || len(got) != 2 {
			s.Errorf("%+v: %d of %d went to the new version, want %d %%: %v", a, n, times, weight, got)
		}
	}
	s.release("pause", "echo")
	s.release("skip", "echo") // a pause comes first
	s.await("echo-"+version, func(status api.ReleaseStatus) bool { return strings.HasPrefix(status.Message, "paused") })
	if status := s.await("echo-"+version, func(api.ReleaseStatus) bool { return true }).Status; status.Step != 1 {
		s.Errorf("a paused release went on to step %d", status.Step)
	}
	s.release("resume", "echo")
	s.ends("echo-"+version, api.ReleasePromoted)
	s.alone(version)
}

// alone fails unless every way leads to the version.
func (s *shop) alone(version string) {
	s.Helper()
	for _, proto := range []string{"", "h2", "grpc", "tcp"} {
		if got := s.draw(ask{path: "/", from: "front", proto: proto}, 20); got[version] != 20 {
			s.Errorf("%q: %v, want %s alone", proto, got, version)
		}
	}
}

// kinds goes through steps of every kind in one release, which is aborted at the end.
func (s *shop) kinds() {
	s.strategy(api.StrategySpec{
		Type: api.StrategyMirror,
		Steps: []api.Step{
			{Mirror: &api.Mirror{Percent: 100, Methods: api.MirrorSafe}, Hold: long},
			{Match: testers(), Hold: long},
			{Weight: 20, Hold: long}, {Weight: 60, Hold: long},
		},
		Sticky: &api.Sticky{Cookie: "fair"},
		Analysis: &api.Analysis{
			Interval: &metav1.Duration{Duration: time.Second}, MinRequests: 20,
			Compare: &api.Compare{MaxErrorIncrease: 5, MaxLatencyIncrease: new(float64(1000))},
		},
	})
	old := fmt.Sprintf("v%d", s.versions)
	version := s.upgrade()
	release := "echo-" + version
	s.at(release, 1)
	s.copies(old, version)
	s.release("skip", "echo")
	s.at(release, 2)
	s.tests(old, version)
	s.release("skip", "echo")
	s.at(release, 3)
	s.stays(version, func() { s.release("skip", "echo"); s.at(release, 4) }, func() {
		s.release("abort", "echo")
		s.await(release, func(status api.ReleaseStatus) bool {
			return status.Phase == api.ReleaseDraining || status.Phase.Finished()
		})
	})
	s.ends(release, api.ReleaseRolledBack)
	s.alone(old)
}

// copies holds that the new version is sent what changes nothing, that nobody gets its answers, and that both versions'
// answers are compared.
func (s *shop) copies(old, version string) {
	s.Helper()
	const times = 60
	for _, a := range []ask{{path: "/", from: "front"}, {path: "/", from: "front", method: "POST"}, {path: "/"}, {path: "/", method: "POST"}} {
		if got := s.draw(a, times); got[old] != times {
			s.Errorf("%+v: %v, want %s alone", a, got, old)
		}
	}
	s.eventually("copies", func() error {
		if n := s.seen(version, "GET"); n < 2*times {
			return fmt.Errorf("%d copies of %d and more", n, 2*times)
		}
		return nil
	})
	// gRPC is always a POST; what the crowd asks by it is not copied either.
	if n := s.seen(version, "POST"); n != 0 {
		s.Errorf("%d requests that may change something were copied", n)
	}
	s.eventually("evidence", func() error {
		text := s.release("get", "echo", "--evidence")
		for _, words := range []string{"failures beside " + old, "P95 beside " + old} {
			if !strings.Contains(text, words) {
				return fmt.Errorf("it does not say %q:\n%s", words, text)
			}
		}
		return nil
	})
}

// testers are requests that a user picks by each of their parts.
func testers() []api.Match {
	header := func(name string, m api.StringMatch) []api.NamedMatch {
		return []api.NamedMatch{{Name: name, StringMatch: m}}
	}
	return []api.Match{
		{Headers: header("x-group", api.StringMatch{Exact: "testers"})},
		{Headers: header("x-build", api.StringMatch{Prefix: "beta-"}), Path: &api.StringMatch{Prefix: "/shop"}},
		{Headers: header("x-id", api.StringMatch{Regex: "[0-9]*7"})},
		{Cookies: header("group", api.StringMatch{Exact: "gold"})},
		{Query: header("plan", api.StringMatch{Exact: "pro"})},
		{Path: &api.StringMatch{Exact: "/beta"}},
		{UserAgent: &api.StringMatch{Regex: ".*Firefox/1[0-9]{2}.*"}},
		{Source: "other"},
	}
}

// tried are requests, and whether they match.
var tried = []struct {
	ask
	hit bool
}{
	{ask{path: "/"}, false},
	{ask{path: "/", header: map[string]string{"X-Group": "testers"}}, true},
	{ask{path: "/", header: map[string]string{"X-Group": "testers2"}}, false},
	{ask{path: "/shop/1", header: map[string]string{"X-Build": "beta-3"}}, true},
	{ask{path: "/", header: map[string]string{"X-Build": "beta-3"}}, false},
	{ask{path: "/shop/1"}, false},
	{ask{path: "/", header: map[string]string{"X-Id": "107"}}, true},
	{ask{path: "/", header: map[string]string{"X-Id": "107a"}}, false},
	{ask{path: "/", header: map[string]string{"Cookie": "a=b; group=gold; c=d"}}, true},
	{ask{path: "/", header: map[string]string{"Cookie": "group=golden"}}, false},
	{ask{path: "/", header: map[string]string{"Cookie": "subgroup=gold"}}, false},
	{ask{path: "/?a=b&plan=pro"}, true},
	{ask{path: "/?plan=prof"}, false},
	{ask{path: "/beta"}, true},
	{ask{path: "/beta/1"}, false},
	{ask{path: "/", header: map[string]string{"User-Agent": "Mozilla/5.0 Firefox/128.0"}}, true},
	{ask{path: "/", header: map[string]string{"User-Agent": "Mozilla/5.0 Firefox/99.0"}}, false},
}

// tests holds that who matches gets the new version and nobody else, in the mesh and from outside, and that explain knows.
func (s *shop) tests(old, version string) {
	s.Helper()
	want := map[bool]string{true: version, false: old}
	for _, from := range []string{"", "front", "other"} {
		for _, try := range tried {
			try.from = from
			who := want[try.hit || from == "other"]
			if got := s.draw(try.ask, 3); got[who] != 3 {
				s.Errorf("%+v: %v, want %s", try.ask, got, who)
			}
			if says := s.explains(try.ask); says != who {
				s.Errorf("%+v: explain says %q, want %s", try.ask, says, who)
			}
		}
	}
	// A call by gRPC has a method of its own and headers like any other.
	if got := s.draw(ask{path: "/", from: "front", proto: "grpc", header: map[string]string{"X-Group": "testers"}}, 3); got[version] != 3 {
		s.Errorf("gRPC with the header: %v, want %s", got, version)
	}
}

// explains is where weir release explain says that the request goes.
func (s *shop) explains(a ask) string {
	s.Helper()
	args := []string{"explain", "echo", "--path", a.path, "-o", "json"}
	if a.from == "" {
		args = append(args, "--outside")
	} else {
		args = append(args, "--from", a.from)
	}
	for name, value := range a.header {
		args = append(args, "--header", name+": "+value)
	}
	var said struct {
		Shares []struct{ Version string }
	}
	if err := json.Unmarshal([]byte(s.release(args...)), &said); err != nil {
		s.Fatal(err)
	}
	versions := map[string]bool{}
	for _, share := range said.Shares {
		versions[share.Version] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(versions)), " or ")
}

// stays holds that users stay with the new version as its weight grows, and come back when it goes.
func (s *shop) stays(version string, grow, back func()) {
	s.Helper()
	const crowd = 120
	cookies, first := make([]string, crowd), make([]string, crowd)
	visit := func(user int) string {
		a := ask{path: "/", header: map[string]string{}}
		if user%2 == 0 {
			a.from = "front"
		}
		if cookies[user] != "" {
			a.header["Cookie"] = cookies[user]
		}
		got, err := s.send(a)
		if err != nil {
			s.Errorf("user %d: %v", user, err)
		}
		if got.cookie != "" {
			cookies[user] = got.cookie
		}
		return got.version
	}
	come := func() (fresh int) {
		for user := range crowd {
			if visit(user) == version {
				fresh++
			}
		}
		return fresh
	}
	for user := range crowd {
		first[user] = visit(user)
		for range 2 {
			if again := visit(user); again != first[user] {
				s.Errorf("user %d got %s and then %s", user, first[user], again)
			}
		}
	}
	few := come()
	grow()
	for user := range crowd {
		if now := visit(user); first[user] == version && now != version {
			s.Errorf("user %d fell back to %s as the weight grew", user, now)
		}
	}
	many := come()
	s.Logf("of %d users the new version had %d at 20 %% and %d at 60 %%", crowd, few, many)
	// Five standard deviations.
	if few < 3 || few > 46 || many < 45 || many > 99 {
		s.Errorf("of %d users the new version had %d at 20 %% and %d at 60 %%", crowd, few, many)
	}
	back()
	if n := come(); n != 0 {
		s.Errorf("%d users are with %s after it went back", n, version)
	}
}

// gates tries the version again, past a Job, a server, a window and a person; on the way the steps to come are changed.
func (s *shop) gates() {
	version := fmt.Sprintf("v%d", s.versions)
	never := api.Weekday(time.Now().UTC().Add(72 * time.Hour).Format("Mon"))
	s.strategy(api.StrategySpec{
		Steps: []api.Step{{Weight: 10}, {Weight: 20, Hold: long}, {Weight: 30, Hold: long}},
		Gates: []api.Gate{
			{Name: "smoke", At: api.GateBeforeStart, Job: &api.JobGate{Image: echoImage, Args: []string{"exit", "0"}}},
			{Name: "desk", At: api.GateBeforeStep, Webhook: &api.WebhookGate{URL: "http://other." + namespace + ".svc.cluster.local:8080/gate"}},
			{Name: "signed", At: api.GateBeforePromotion, Approval: &api.ApprovalGate{}},
		},
		Windows: []api.Window{{Days: []api.Weekday{never}}},
	})
	s.release("retry", "echo")
	release := "echo-" + version + "-2"
	says := func(words string) {
		s.Helper()
		s.await(release, func(status api.ReleaseStatus) bool { return strings.Contains(status.Message, words) })
	}
	says(string(never))
	s.rework(release, func(spec *api.StrategySpec) { spec.Windows = nil })
	says("the desk is at lunch")
	s.at(release, 2)
	s.rework(release, func(spec *api.StrategySpec) { spec.Steps = []api.Step{{Weight: 10}, {Weight: 20}, {Weight: 70}} })
	says("signed")
	if text := s.release("get", "echo"); !strings.Contains(text, "weir release approve "+release+" --gate signed") {
		s.Errorf("get does not say how to approve:\n%s", text)
	}
	s.release("approve", "echo")
	s.ends(release, api.ReleasePromoted)
	var weights []int32
	status := s.await(release, func(api.ReleaseStatus) bool { return true }).Status
	for _, step := range status.Steps {
		weights = append(weights, step.Weight)
	}
	if want := []int32{10, 20, 70, 100}; !slices.Equal(weights, want) {
		s.Errorf("weights %v, want %v", weights, want)
	}
	for _, g := range status.Gates {
		if g.State != api.GateOpen || g.Name == "signed" && g.By == "" {
			s.Errorf("gate %+v", g)
		}
	}
	s.alone(version)
}

// rework edits the release's own strategy, as kubectl edit does.
func (s *shop) rework(name string, change func(*api.StrategySpec)) {
	s.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var r api.Release
		if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: name}, &r); err != nil {
			return err
		}
		change(&r.Spec.Strategy)
		return s.client.Update(s.ctx, &r)
	})
	if err != nil {
		s.Fatal(err)
	}
}

// contents changes a setting that echo reads, and takes it back.
func (s *shop) contents() {
	s.strategy(api.StrategySpec{})
	known := map[string]bool{}
	for _, r := range s.releases() {
		known[r.Name] = true
	}
	fresh := func() (name string) {
		s.Helper()
		s.eventually("another release", func() error {
			for _, r := range s.releases() {
				if !known[r.Name] {
					name, known[r.Name] = r.Name, true
					return nil
				}
			}
			return fmt.Errorf("none but %v", known)
		})
		return name
	}
	greets := func(want string) {
		s.Helper()
		got, err := s.send(ask{path: "/", from: "front"})
		if err != nil || !strings.Contains(got.text, "greeting="+want+"\n") {
			s.Errorf("want %s, %v: %s", want, err, got.text)
		}
	}
	greets("hello")
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: echoSettings}, Data: map[string]string{"GREETING": "moin"}}
	if err := s.client.Update(s.ctx, settings); err != nil {
		s.Fatal(err)
	}
	s.ends(fresh(), api.ReleasePromoted)
	greets("moin")
	s.release("undo", "echo")
	s.ends(fresh(), api.ReleasePromoted)
	greets("hello")
}

func (s *shop) releases() []api.Release {
	s.Helper()
	var list api.ReleaseList
	if err := s.client.List(s.ctx, &list, client.InNamespace(namespace)); err != nil {
		s.Fatal(err)
	}
	return list.Items
}

// unit changes two components in one edit, which move together, each with an autoscaler that wants more pods than there were.
func (s *shop) unit() {
	s.strategy(api.StrategySpec{})
	s.versions++
	version := fmt.Sprintf("v%d", s.versions)
	s.change(func(spec *api.ApplicationSpec) {
		spec.Together = []api.Together{{Name: "stalls", Components: []string{"echo", "front"}}}
		for i := range 2 {
			c := &spec.Components[i]
			brand(c, version)
			c.Autoscale = &api.Autoscale{Min: new(int32(2)), Max: 3, CPU: new(int32(80))}
			c.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m")}}
		}
	})
	for _, name := range []string{"echo-" + version, "front-" + version} {
		r := s.await(name, func(status api.ReleaseStatus) bool { return status.Step > 0 })
		if r.Spec.Unit == nil || len(r.Spec.Unit.Releases) != 2 {
			s.Errorf("%s is no part of a unit: %+v", name, r.Spec.Unit)
		}
		for _, w := range r.Status.Wanted {
			if w.Version == version && w.Replicas < 2 {
				s.Errorf("%s gets requests with %d pods, and its autoscaler wants two", name, w.Replicas)
			}
		}
	}
	for _, name := range []string{"echo-" + version, "front-" + version} {
		s.ends(name, api.ReleasePromoted)
	}
	s.alone(version)
	s.settled()
}
