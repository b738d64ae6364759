// SPDX-License-Identifier: Apache-2.0

// Package gate asks the gates of a release: it puts the question to servers, and runs Jobs.
package gate

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	api "weir.dev/weir/api/v1alpha1"
	engine "weir.dev/weir/internal/release"
)

// Asker asks gates. It never waits for an answer: a release must be free to go back at any time. What a server answered it
// keeps until the release has it on record; a controller that begins anew asks again, with the same idempotency key.
type Asker struct {
	client client.Client
	clock  clock.PassiveClock
	http   *http.Client
	// life ends questions that are under way.
	life context.Context
	told chan event.GenericEvent

	mu    sync.Mutex
	calls map[client.ObjectKey]*calls
}

// calls are those of one release.
type calls struct {
	of  types.UID
	all map[engine.Ask]*call
}

// New returns an asker that works until the context ends. The client reads Jobs that carry the label of an Application.
func New(ctx context.Context, c client.Client, now clock.PassiveClock) *Asker {
	return &Asker{
		client: c, clock: now, http: newHTTP(), life: ctx,
		told: make(chan event.GenericEvent), calls: map[client.ObjectKey]*calls{},
	}
}

// Told tells of each release one of whose servers has answered.
func (a *Asker) Told() <-chan event.GenericEvent { return a.told }

// Ask asks what the engine wants to have asked, and returns how each gate stands and when to ask again: 0 is when
// something happens. What is not asked any more is forgotten, and its Job suspended: nobody waits for it.
func (a *Asker) Ask(ctx context.Context, release *api.Release, asks []engine.Ask) (answers []engine.GateAnswer, again time.Duration) {
	a.forget(release, asks)
	if a.suspend(ctx, release, asks) != nil {
		again = jobPace
	}
	for _, ask := range asks {
		answer, wait := a.one(ctx, release, ask)
		answer.Ask = ask
		answers = append(answers, answer)
		if wait > 0 && (again == 0 || wait < again) {
			again = wait
		}
	}
	return answers, again
}

func (a *Asker) one(ctx context.Context, release *api.Release, ask engine.Ask) (engine.GateAnswer, time.Duration) {
	switch g := find(release, ask.Name); {
	case g.Webhook != nil:
		return a.hook(release, *g.Webhook, ask)
	case g.Job != nil:
		return a.job(ctx, release, g, ask)
	default:
		return engine.GateAnswer{State: api.GateWaiting}, 0
	}
}

// Forget drops what is known of a release that is gone.
func (a *Asker) Forget(key client.ObjectKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.calls, key)
}

// forget drops the answers that the release has on record, and those of another release that had its name.
func (a *Asker) forget(release *api.Release, asks []engine.Ask) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := client.ObjectKeyFromObject(release)
	known := a.calls[key]
	if known == nil {
		return
	}
	for ask := range known.all {
		if !slices.Contains(asks, ask) {
			delete(known.all, ask)
		}
	}
	if known.of != release.UID || len(known.all) == 0 {
		delete(a.calls, key)
	}
}

// find returns the gate of that name; an empty one when the strategy was edited and has it no more.
func find(release *api.Release, name string) api.Gate {
	for _, g := range release.Spec.Strategy.Gates {
		if g.Name == name {
			return g
		}
	}
	return api.Gate{}
}
