// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"sync"
	"time"
)

// Runner is a load that has been started. Its methods may be called at any time and by several goroutines.
type Runner struct {
	options Options
	clock   clock
	client  *client
	tally   *tally
	stop    context.CancelFunc
	over    chan struct{}
}

// Run sends the load and returns when it is over: when Duration or MaxRequests is reached or ctx is done, and every request
// on its way has been answered or has timed out. The end of ctx is no error. It returns an error, having sent nothing, if
// an option makes no sense.
func Run(ctx context.Context, o Options) (*Result, error) {
	r, err := Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.Wait(), nil
}

// Start begins the load and returns at once. See Run.
func Start(ctx context.Context, o Options) (*Runner, error) { return start(ctx, o, wall{}) }

func start(ctx context.Context, o Options, c clock) (*Runner, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	client, err := newClient(o)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	r := &Runner{options: o, clock: c, client: client, stop: stop, over: make(chan struct{})}
	r.tally = newTally(c.Now(), o)
	go r.run(ctx)
	return r, nil
}

// Snapshot returns what has been counted up to now.
func (r *Runner) Snapshot() Snapshot { return r.tally.snapshot(r.clock.Now()) }

// Done is closed when the load is over.
func (r *Runner) Done() <-chan struct{} { return r.over }

// Stop ends the sending; requests on their way still count. It returns at once, see Wait.
func (r *Runner) Stop() { r.stop() }

// Wait returns the result when the load is over.
func (r *Runner) Wait() *Result {
	<-r.over
	return r.tally.result(r.clock.Now())
}

func (r *Runner) run(ctx context.Context) {
	defer close(r.over)
	defer r.stop()
	defer r.client.close()
	places := make(chan struct{}, r.options.MaxInFlight)
	var flying sync.WaitGroup
	// A request that went out is seen through even when ctx ends, so that stopping makes no failures.
	seeThrough := context.WithoutCancel(ctx)
	plan := schedule{rate: r.options.Rate, duration: r.options.Duration, max: r.options.MaxRequests}
	plan.follow(ctx, r.clock, r.tally.total.Start, func(due time.Time) {
		select {
		case places <- struct{}{}:
		default:
			r.tally.dropped(r.clock.Now())
			return
		}
		r.tally.sent(r.clock.Now())
		flying.Go(func() {
			defer func() { <-places }()
			o := r.client.send(seeThrough, due, r.clock)
			r.tally.answered(r.clock.Now(), o)
		})
	})
	flying.Wait()
	r.tally.finish(r.clock.Now())
}
