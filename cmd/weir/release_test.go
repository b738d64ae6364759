// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

func readRelease(t *testing.T) *api.Release {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "release.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var r api.Release
	if err := yaml.UnmarshalStrict(text, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// golden holds text to a file in testdata. Blanks at the end of lines are those of the last column.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test -update writes it anew:\n%s", path, diff)
	}
}

func TestReleaseLooks(t *testing.T) {
	local := time.Local
	time.Local = time.UTC //nolint:gosmopolitan // people read times of their own zone, golden files have one
	t.Cleanup(func() { time.Local = local })
	now := time.Date(2026, 11, 25, 9, 1, 12, 0, time.UTC)
	under, promoted, back := readRelease(t), readRelease(t), readRelease(t)
	promoted.Status.Phase, promoted.Status.Message = api.ReleasePromoted, "v2 serves everything"
	promoted.Status.FinishedAt = &metav1.MicroTime{Time: now}
	promoted.Spec.Approvals = []api.Approval{{Gate: "tested", Step: 1, By: "ann"}}
	back.Status.Phase, back.Status.Reason = api.ReleaseReturning, "Unhealthy"
	back.Status.Steps[1].Verdict = &api.Verdict{Result: api.VerdictFail, Message: "success 95 % is below 99 % (80 requests)", Requests: 80}
	back.Spec.Paused = true
	for name, draw := range map[string]func(*strings.Builder) error{
		"list": func(b *strings.Builder) error { return releaseTable(b, []api.Release{*promoted, *under}, now, true) },
		"get":  func(b *strings.Builder) error { return releaseDetail(b, under, true) },
		"get-new": func(b *strings.Builder) error {
			fresh := readRelease(t)
			fresh.Status = api.ReleaseStatus{}
			return releaseDetail(b, fresh, true)
		},
		"screen": func(b *strings.Builder) error {
			for _, r := range []*api.Release{under, promoted, back} {
				b.WriteString(strings.Join(releaseBlock(r, now), "\n") + "\n\n")
			}
			return nil
		},
		"history": func(b *strings.Builder) error {
			app := &api.Application{Status: api.ApplicationStatus{Components: []api.ComponentStatus{{Name: "reviews", Current: "v2", Desired: "v2"}}}}
			return historyOf(app, "reviews", []api.Release{*promoted, *under}, versions{
				names: []string{"v1", "v2"}, content: map[string]api.Component{
					"v1": {Name: "reviews", Image: "reviews:v1"},
					"v2": {Name: "reviews", Image: "reviews:v2", Volumes: []api.Volume{{ConfigMap: "reviews-21ade9214c"}}},
				},
			}).table(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			if err := draw(&got); err != nil {
				t.Fatal(err)
			}
			golden(t, name, got.String())
		})
	}
}

func TestScreenWithoutTerminal(t *testing.T) {
	var out strings.Builder
	screen := &releaseScreen{out: &out}
	r, now := readRelease(t), time.Date(2026, 11, 25, 9, 1, 12, 0, time.UTC)
	screen.show(r, now)
	screen.show(r, now.Add(time.Second)) // says nothing new
	r.Status.Message = "callers serve v2 with 25 %"
	screen.show(r, now.Add(2*time.Second))
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("%d lines, want one for each change:\n%s", got, &out)
	}
}

func TestApprove(t *testing.T) {
	for name, tt := range map[string]struct {
		gate   string
		change func(*api.Release)
		want   []api.Approval
		refuse string
	}{
		"the one that waits": {want: []api.Approval{{Gate: "tested", Step: 3, By: "ben"}}},
		"by its name":        {gate: "tested", want: []api.Approval{{Gate: "tested", Step: 3, By: "ben"}}},
		"another name":       {gate: "toasted", refuse: `gate "toasted" does not wait for an approval; those that wait: tested`},
		"nothing waits": {
			change: func(r *api.Release) { r.Status.Gates = r.Status.Gates[:1] }, refuse: "no gate waits for an approval",
		},
		"a webhook waits": {
			change: func(r *api.Release) {
				r.Spec.Strategy.Gates[0] = api.Gate{Name: "tested", Webhook: &api.WebhookGate{URL: "http://gate"}}
			},
			refuse: "no gate waits for an approval",
		},
		"two wait": {
			change: func(r *api.Release) {
				r.Spec.Strategy.Gates = append(r.Spec.Strategy.Gates, api.Gate{Name: "legal", Approval: &api.ApprovalGate{}})
				r.Status.Gates = append(r.Status.Gates, api.GateRecord{Name: "legal", State: api.GateWaiting})
			},
			refuse: "several gates wait: tested, legal; name one with --gate",
		},
		"ended": {change: func(r *api.Release) { r.Status.Phase = api.ReleasePromoted }, refuse: "it has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			r := readRelease(t)
			if tt.change != nil {
				tt.change(r)
			}
			_, err := approve(r, tt.gate, api.Approval{By: "ben"})
			if tt.refuse != "" && (err == nil || !strings.Contains(err.Error(), tt.refuse)) {
				t.Errorf("error %v, want %q", err, tt.refuse)
			}
			if tt.refuse == "" && err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, r.Spec.Approvals); diff != "" {
				t.Error("-want +got\n" + diff)
			}
		})
	}
}

func TestServedWords(t *testing.T) {
	for name, tt := range map[string]struct {
		seen api.Verified
		want string
	}{
		"nothing yet":        {api.Verified{}, "0 %"},
		"a share":            {api.Verified{Weight: 10}, "10 %"},
		"who asks":           {api.Verified{Matched: true}, "requests that match"},
		"copies":             {api.Verified{Mirrored: true}, "copies"},
		"who asks, and some": {api.Verified{Matched: true, Weight: 30}, "requests that match, 30 %"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := servedWords(&tt.seen); got != tt.want {
				t.Errorf("servedWords = %q, want %q", got, tt.want)
			}
		})
	}
}
