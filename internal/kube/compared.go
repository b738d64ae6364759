// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// compared is how many objects a Compared remembers at most: those of some three thousand components.
const compared = 1 << 15

// Compared remembers objects that were found to be as they are wanted, so that they are not looked through again until they
// change or are wanted otherwise. It may be used by several at once; nil remembers nothing.
type Compared struct {
	known *lru.Cache // types.UID → state
}

// state is what was compared: an object as it was, with what was wanted of it.
type state struct {
	version, digest string
}

// NewCompared returns one that remembers nothing yet.
func NewCompared() *Compared { return &Compared{known: lru.New(compared)} }

func (c *Compared) same(live client.Object, digest string) bool {
	if c == nil {
		return false
	}
	known, ok := c.known.Get(live.GetUID())
	return ok && known == stateOf(live, digest)
}

func (c *Compared) remember(live client.Object, digest string) {
	if c != nil && live.GetUID() != "" {
		c.known.Add(live.GetUID(), stateOf(live, digest))
	}
}

func stateOf(live client.Object, digest string) state {
	return state{version: live.GetResourceVersion(), digest: digest}
}
