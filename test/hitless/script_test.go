// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/test/scenario"
)

// scripts are the releases of test/scenario that are told for a cluster as well, each a transition.
func (s *shop) scripts() []transition {
	s.Helper()
	files, err := filepath.Glob("../scenario/*.txt")
	if err != nil {
		s.Fatal(err)
	}
	var out []transition
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			s.Fatal(err)
		}
		script, err := scenario.Parse(string(text))
		if err != nil {
			s.Fatalf("%s:%v", file, err)
		}
		if script.Cluster {
			name := strings.TrimSuffix(filepath.Base(file), ".txt")
			out = append(out, transition{"script " + name, func(s *shop) { s.play(file, script) }})
		}
	}
	if len(out) == 0 {
		s.Fatal("no script is for a cluster")
	}
	return out
}

// course is what releases have done since it is watched, in the words of scripts, by their names.
type course struct {
	mu   sync.Mutex
	did  map[string][]string
	last map[string]api.Release
}

// watch follows every release from now on. A watch tells of each status that was stored.
func (s *shop) watch() *course {
	s.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.info.Kubeconfig)
	if err != nil {
		s.Fatal(err)
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		s.Fatal(err)
	}
	var now api.ReleaseList
	if err := c.List(s.ctx, &now, client.InNamespace(namespace)); err != nil {
		s.Fatal(err)
	}
	out, err := follow(s.ctx, now.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, &api.ReleaseList{}, client.InNamespace(namespace), &client.ListOptions{Raw: &options})
		},
	})
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// follow sees every status that is stored after the version, until the context is done. A busy API server ends watches; one
// that is not taken up again shows releases that stand still.
func follow(ctx context.Context, version string, from cache.WatcherWithContext) (*course, error) {
	stream, err := watchtools.NewRetryWatcherWithContext(ctx, version, from)
	if err != nil {
		return nil, err
	}
	out := &course{did: map[string][]string{}, last: map[string]api.Release{}}
	go func() {
		for event := range stream.ResultChan() {
			if r, ok := event.Object.(*api.Release); ok && event.Type != watch.Deleted {
				out.see(*r)
			}
		}
	}()
	return out, nil
}

// TestAnEndedWatchGoesOn ends the watch by which scripts see what releases do.
func TestAnEndedWatchGoesOn(t *testing.T) {
	streams := make(chan *watch.FakeWatcher, 2)
	at := func(phase api.ReleasePhase, version string) *api.Release {
		r := &api.Release{ObjectMeta: metav1.ObjectMeta{Name: "reviews-v2", ResourceVersion: version}}
		r.Status.Phase = phase
		return r
	}
	c, err := follow(t.Context(), "1", &cache.ListWatch{WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
		stream := watch.NewFake()
		streams <- stream
		return stream, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	first := <-streams
	first.Modify(at(api.ReleaseRetiring, "2"))
	first.Stop()
	select {
	case second := <-streams:
		second.Modify(at(api.ReleaseRolledBack, "3"))
	case <-time.After(10 * time.Second):
		t.Fatal("nobody watches any more")
	}
	deadline := time.Now().Add(10 * time.Second)
	for did, _ := c.of("reviews-v2"); !slices.Equal(did, []string{"retire", "rolled back"}); did, _ = c.of("reviews-v2") {
		if time.Now().After(deadline) {
			t.Fatalf("seen: %v", did)
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // the pause of a wait that has a deadline
	}
}

func (c *course) see(r api.Release) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[r.Name] = r
	did := c.did[r.Name]
	if does := scenario.Does(r.Status, r.Spec.To); does != "" && (len(did) == 0 || did[len(did)-1] != does) {
		c.did[r.Name] = append(did, does)
	}
}

func (c *course) of(name string) ([]string, api.Release) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.did[name]), c.last[name]
}

// fresh is a release to the version that is not among those known; empty when there is none.
func (c *course) fresh(version string, known map[string]bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, r := range c.last {
		if !known[name] && (version == "" || r.Spec.To == version) && !r.Status.Phase.Finished() {
			return name
		}
	}
	return ""
}

// player plays a script on the cluster: it does what the user does, and waits for what the release is to do.
type player struct {
	*shop
	course *course
	// versions are the real ones, by those of the script.
	versions map[string]string
	known    map[string]bool
	// release that is played, and how much of its course has been told.
	release string
	told    int
	does    string
}

func (s *shop) play(file string, script scenario.Script) {
	s.Helper()
	s.strategy(script.Strategy)
	p := player{shop: s, course: s.watch(), versions: map[string]string{}, known: map[string]bool{}}
	p.wants("v2")
	p.begins("v2")
	at := time.Duration(0)
	for _, l := range script.Lines {
		where := fmt.Sprintf("%s:%d", file, l.Number)
		p.act(where, l.Seen)
		p.check(where, l, l.At-at)
		at = l.At
	}
	s.strategy(api.StrategySpec{})
}

// act does what the line says that the user does. What it says is seen comes by itself.
func (p *player) act(where string, seen []string) {
	p.Helper()
	command := func(args ...string) {
		p.weir(append([]string{"release", seen[0], p.release, "-n", namespace, "--kubeconfig", p.info.Kubeconfig}, args...)...)
	}
	switch {
	case slices.Contains([]string{"pause", "resume", "promote", "abort", "skip", "retry"}, seen[0]):
		command()
	case seen[0] == "approve":
		command("--gate", seen[1])
	case seen[0] == "wanted":
		p.wants(seen[1])
	case strings.Join(seen, " ") == "nothing begins":
		p.rests(where, 2*time.Second)
		if name := p.course.fresh("", p.known); name != "" {
			p.Errorf("%s: %s has begun", where, name)
		}
	case len(seen) == 2 && seen[1] == "begins":
		p.begins(seen[0])
	case slices.Contains([]string{"pods ready", "pods gone", "callers serve", "time passes"}, strings.Join(seen, " ")):
	default:
		p.Fatalf("%s: %q does not happen on a cluster by itself, and no user does it", where, strings.Join(seen, " "))
	}
}

// wants asks for the version of the script by one that there was not before.
func (p *player) wants(version string) {
	p.Helper()
	p.next()
	p.versions[version] = fmt.Sprintf("v%d", p.shop.versions)
}

// begins waits for the release to the version, and turns to it.
func (p *player) begins(version string) {
	p.Helper()
	p.eventually("a release to "+version, func() error {
		if p.release = p.course.fresh(p.versions[version], p.known); p.release == "" {
			return fmt.Errorf("none to %s has begun", p.versions[version])
		}
		return nil
	})
	p.known[p.release], p.told, p.does = true, 0, ""
}

// check waits until the release does what the line says. When that is nothing new, it must not do anything else as long
// as the line lasts, six seconds at most.
func (p *player) check(where string, l scenario.Line, lasts time.Duration) {
	p.Helper()
	does, besides := l.Outcome()
	if does == "same" || does == p.does {
		p.rests(where, min(lasts, 6*time.Second))
		return
	}
	p.does = does
	p.eventually(where, func() error {
		did, _ := p.course.of(p.release)
		i := slices.Index(did[min(p.told, len(did)):], does)
		if i < 0 {
			return fmt.Errorf("want %s: %s; it did %s", p.release, does, strings.Join(did, ", "))
		}
		p.told += i + 1
		return nil
	})
	_, release := p.course.of(p.release)
	if len(besides) == 2 && besides[0] == "because" && release.Status.Reason != besides[1] {
		p.Errorf("%s: because %s, want %s", where, release.Status.Reason, besides[1])
	}
}

// rests holds that the release does nothing else for some time.
func (p *player) rests(where string, d time.Duration) {
	p.Helper()
	for end := time.Now().Add(d); ; time.Sleep(20 * time.Millisecond) { //nolint:forbidigo // the pause of a wait that has a deadline
		did, _ := p.course.of(p.release)
		if len(did) != p.told {
			p.Errorf("%s: it was to rest, and did %s", where, strings.Join(did, ", "))
			return
		}
		if time.Now().After(end) {
			return
		}
	}
}
