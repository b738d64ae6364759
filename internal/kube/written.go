// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Late is how long after a write the cache may be behind it. What is older then is taken for the truth: an API server that was
// restored from a backup numbers its objects anew.
const Late = 100 * time.Millisecond

// Written remembers the last write of each object until the cache knows of it. What is decided before that would be decided
// twice, and its write refused. It may be used by several at once; the zero value remembers nothing yet.
type Written struct {
	last sync.Map // types.UID → write
}

// write is when an object was written, and as what.
type write struct {
	version string
	at      time.Time
}

// Remember takes down that the object was written: as it is in the answer of the API server, now.
func (w *Written) Remember(obj client.Object, now time.Time) {
	w.last.Store(obj.GetUID(), write{obj.GetResourceVersion(), now})
}

// Behind is true as long as what the cache holds is older than what was written; for no longer than Late.
func (w *Written) Behind(cached client.Object, now time.Time) bool {
	uid := cached.GetUID()
	last, ok := w.at(uid)
	if !ok {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(cached.GetResourceVersion(), last.version)
	if err == nil && order < 0 && now.Sub(last.at) < Late {
		return true
	}
	w.last.CompareAndDelete(uid, last)
	return false
}

func (w *Written) at(uid types.UID) (write, bool) {
	found, ok := w.last.Load(uid)
	if !ok {
		return write{}, false
	}
	last, ok := found.(write)
	return last, ok
}
