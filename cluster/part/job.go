// SPDX-License-Identifier: Apache-2.0

package part

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

const (
	hostArch = runtime.GOARCH
	// attempts and firstPause bound how a download is tried again: the pause doubles each time.
	attempts   = 5
	firstPause = 2 * time.Second
)

// job is the making of one part.
type job struct {
	// dir takes the result.
	dir string
	// sources is the unpacked cluster/components.
	sources string
	// needs are the folders of the finished parts that this one reads, by their names.
	needs map[string]string
	// log takes the whole output of the programs that are run.
	log    io.Writer
	report *reporter
}

// bin is the path of a program that another part has made.
func (j *job) bin(part, name string) string { return filepath.Join(j.needs[part], "bin", name) }

// retry runs a step that needs the network until it works, a few times at most.
func (j *job) retry(ctx context.Context, step string, try func() error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		j.report.step(step, 0)
		err := try()
		if err == nil || ctx.Err() != nil || attempt == attempts {
			return err
		}
		fmt.Fprintf(j.log, "attempt %d of %d: %v\n", attempt, attempts, err)
		j.report.step(fmt.Sprintf("%s: failed, attempt %d of %d in %s", step, attempt+1, attempts, pause), 0)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
