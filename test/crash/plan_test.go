// SPDX-License-Identifier: Apache-2.0

//go:build api

package crash_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/test/world"
)

// plan is one run of a scenario with at most one trouble.
type plan struct {
	scenario scenario
	trouble  trouble
	at       point
	bug      bug
	// want is the undisturbed run; nil for itself.
	want *outcome
}

// outcome is what became of a run.
type outcome struct {
	trace   []point
	end     end
	weights []map[string]int32
	phases  map[string][]api.ReleasePhase
	// struck tells whether the trouble came.
	struck bool
	// faults are in words; empty when all is well.
	faults []string
}

// run plays the plan in a world of its own. The error is about the test itself.
func (p plan) run(ctx context.Context) (outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := world.New(ctx, config, direct)
	if err != nil {
		return outcome{}, err
	}
	past, err := record(ctx, w)
	if err != nil {
		return outcome{}, err
	}
	line := newWire(p.trouble, p.at)
	line.bug = p.bug
	w.Callers.Delay(p.bug.delay)
	stop, err := w.Start(ctx, line.config(config))
	if err != nil {
		return outcome{}, err
	}
	defer func() { stop() }()
	if err := begin(ctx, w, p.scenario); err != nil {
		return outcome{}, err
	}
	from, err := revision(ctx, w)
	if err != nil {
		return outcome{}, err
	}
	line.arm()
	cured := make(chan func())
	go func() { cured <- p.cure(ctx, w, line) }()
	var out outcome
	if err := p.scenario.play(ctx, w); err != nil {
		out.faults = append(out.faults, "it is stuck: "+err.Error())
	}
	out.end = p.settled(ctx, w)
	cancel()
	(<-cured)()
	out.judge(p, w, past, from, line)
	return out, nil
}

func begin(ctx context.Context, w *world.World, s scenario) error {
	if err := w.Shop(ctx, s.strategy); err != nil {
		return err
	}
	if s.autoscaled {
		least := int32(2)
		if err := w.Change(ctx, func(a *api.ApplicationSpec) { a.Components[1].Autoscale = &api.Autoscale{Min: &least, Max: 4} }); err != nil {
			return err
		}
	}
	if s.unit {
		err := w.Change(ctx, func(a *api.ApplicationSpec) {
			a.Components[0].Strategy = a.Components[1].Strategy
			a.Together = []api.Together{{Name: "all", Components: []string{"page", "reviews"}}}
		})
		if err != nil {
			return err
		}
	}
	return w.Ready(ctx)
}

// revision is the API server's, now.
func revision(ctx context.Context, w *world.World) (int64, error) {
	var list istionet.VirtualServiceList
	if err := w.Client.List(ctx, &list, client.InNamespace(w.Namespace)); err != nil {
		return 0, err
	}
	return strconv.ParseInt(list.ResourceVersion, 10, 64)
}

// heldFor is longer than a pass of a controller takes.
const heldFor = 300 * time.Millisecond

// cure does what follows a trouble: a process that died is started anew, and what was held up arrives. It returns what
// ends that process.
func (p plan) cure(ctx context.Context, w *world.World, line *wire) (stop func()) {
	stop = func() {}
	select {
	case <-ctx.Done():
		return stop
	case <-line.struck:
	}
	switch p.trouble {
	case crashBefore, crashAfter:
		fresh := newWire(none, point{})
		fresh.bug = p.bug
		if again, err := w.Start(ctx, fresh.config(config)); err == nil { // if not, the run is found stuck
			stop = again
		}
	case stale:
		nudge(ctx, w)
		select {
		case <-ctx.Done():
		case <-time.After(heldFor):
		}
		line.release()
	default:
	}
	return stop
}

// nudge lets every controller look again at what it knows, by events of pods.
func nudge(ctx context.Context, w *world.World) {
	var pods corev1.PodList
	if w.Client.List(ctx, &pods, client.InNamespace(w.Namespace)) != nil {
		return
	}
	for i := range pods.Items {
		patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"nudged":"yes"}}}`))
		_ = w.Client.Patch(ctx, &pods.Items[i], patch) // a pod that is gone needs none
	}
}

// settled waits until the world is as it was at the end of the undisturbed run, or, for that one, until it is at rest.
func (p plan) settled(ctx context.Context, w *world.World) end {
	const rest = 500 * time.Millisecond
	var last end
	begun := time.Now()
	for since := begun; time.Since(since) < world.Patience && time.Since(begun) < 5*world.Patience; {
		now, err := look(ctx, w)
		if err == nil && !reflect.DeepEqual(last, now) {
			last, since = now, time.Now()
		}
		if time.Since(since) > rest && (p.want == nil || reflect.DeepEqual(p.want.end, last)) {
			return last
		}
		select {
		case <-ctx.Done():
			return last
		case <-time.After(rest / 4):
		}
	}
	return last
}

func (o *outcome) judge(p plan, w *world.World, past *history, from int64, line *wire) {
	o.trace, o.weights, o.phases = line.writes(), past.weights(from), past.phases()
	select {
	case <-line.struck:
		o.struck = true
	default:
	}
	o.faults = append(o.faults, check(past.ordered(), w.Callers.Proofs(), from, p.scenario.strategy.Drain.Duration)...)
	if p.want == nil {
		return
	}
	for what, pair := range map[string][2]any{
		"the end differs": {p.want.end, o.end}, "the weights differ": {p.want.weights, o.weights}, "the phases differ": {p.want.phases, o.phases},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			o.faults = append(o.faults, fmt.Sprintf("%s (-undisturbed +this):\n%s", what, diff))
		}
	}
}

func equal(a, b map[string]int32) bool { return maps.Equal(a, b) }
