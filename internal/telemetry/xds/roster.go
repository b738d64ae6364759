// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	// checked is how long the answer is used that a pod without a connection still runs.
	checked = time.Second
	// foreign is how long a proxy that was never seen connected is waited for: it may belong to another control plane.
	foreign = 30 * time.Second
)

// Pods tells which pods run a proxy, whether it is connected to istiod or not. A proxy is named pod.namespace, as istiod
// names it.
type Pods interface {
	// Running are all of them.
	Running(ctx context.Context) ([]string, error)
	// Runs tells whether one still runs.
	Runs(ctx context.Context, namespace, pod string) (bool, error)
}

// roster is all proxies that run. Those that lost their connection are still on it: they send requests by what they
// were told last, and istiod, asked alone, would not name them.
type roster struct {
	pods Pods

	mu      sync.Mutex
	listed  time.Time
	members map[string]*member
}

// member is one proxy.
type member struct {
	// connected is true when it was seen at an istiod.
	connected bool
	// checked is when its pod was last seen to run.
	checked time.Time
}

// absent names the proxies that run and are not in the fleet.
func (r *roster) absent(ctx context.Context, fleet []status, now time.Time) (map[string]bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.list(ctx, now); err != nil {
		return nil, err
	}
	here := map[string]bool{}
	for _, s := range fleet {
		here[s.id] = true
		if r.members[s.id] == nil {
			r.members[s.id] = &member{}
		}
		r.members[s.id].connected = true
	}
	out := map[string]bool{}
	for id, m := range r.members {
		if here[id] {
			continue
		}
		runs, err := r.runs(ctx, id, m, now)
		if err != nil {
			return nil, err
		}
		if runs {
			out[id] = true
		}
	}
	return out, nil
}

// list takes in, once, the proxies that were there before.
func (r *roster) list(ctx context.Context, now time.Time) error {
	if !r.listed.IsZero() {
		return nil
	}
	ids, err := r.pods.Running(ctx)
	if err != nil {
		return fmt.Errorf("list the pods with a proxy: %w", err)
	}
	r.listed, r.members = now, map[string]*member{}
	for _, id := range ids {
		r.members[id] = &member{checked: now}
	}
	return nil
}

// runs tells whether the proxy still runs, and strikes it off otherwise.
func (r *roster) runs(ctx context.Context, id string, m *member, now time.Time) (bool, error) {
	if !m.connected && now.Sub(r.listed) > foreign {
		delete(r.members, id)
		return false, nil
	}
	if now.Sub(m.checked) < checked {
		return true, nil
	}
	dot := strings.LastIndexByte(id, '.')
	runs, err := r.pods.Runs(ctx, id[dot+1:], id[:max(dot, 0)])
	if err != nil {
		return false, fmt.Errorf("look whether pod %s runs: %w", id, err)
	}
	m.checked = now
	if !runs {
		delete(r.members, id)
	}
	return runs, nil
}
