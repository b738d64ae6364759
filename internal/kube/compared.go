// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"hash/maphash"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// compared is how many objects a Compared remembers at most: those of some three thousand components.
const compared = 1 << 15

// Compared remembers objects that were found to be as they are wanted, so that they are not looked through again until they
// change or are wanted otherwise. It may be used by several at once; nil remembers nothing.
type Compared struct {
	seed maphash.Seed

	mu    sync.Mutex
	known map[types.UID]uint64 // of an object as it was, with what was wanted of it
}

// NewCompared returns one that remembers nothing yet.
func NewCompared() *Compared {
	return &Compared{seed: maphash.MakeSeed(), known: map[types.UID]uint64{}}
}

func (c *Compared) same(live client.Object, digest string) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.known[live.GetUID()]
	return ok && known == c.state(live, digest)
}

// remember forgets everything when it is too much: what is gone is not told apart, and all of it can be compared again.
func (c *Compared) remember(live client.Object, digest string) {
	if c == nil || live.GetUID() == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= compared {
		clear(c.known)
	}
	c.known[live.GetUID()] = c.state(live, digest)
}

func (c *Compared) state(live client.Object, digest string) uint64 {
	return maphash.String(c.seed, live.GetResourceVersion()+" "+digest)
}
