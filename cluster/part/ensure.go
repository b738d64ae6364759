// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options say where the cache is and who wants to hear of the progress.
type Options struct {
	// CacheDir holds the parts. Empty means $WEIR_CACHE, or else the folder weir in the user's cache folder.
	CacheDir string
	// Only limits the set to these parts and what they need. Empty means all. A test of the API server alone asks for
	// "kubernetes" and "charts", and then the set has no images and the machine needs no packages.
	Only []string
	// Progress is called for each event, one at a time, at least every second. Nil means nobody listens.
	Progress func(Event)
}

// Error says which part failed, why, and where its whole log is.
type Error struct {
	Part string
	Log  string
	Err  error
}

func (e *Error) Error() string {
	return fmt.Sprintf("part %s: %v\nThe whole log is in %s. Finished parts are kept: run the same command again to go on.",
		e.Part, e.Err, e.Log)
}

func (e *Error) Unwrap() error { return e.Err }

// Ensure returns the set of all parts, and makes what is missing of it first. That takes a quarter of an hour on two
// cores when nothing is there, and no time when all is. A part that is finished stays finished, whatever happens to
// the others. Only one process at a time works on a cache; others wait for it.
func Ensure(ctx context.Context, options Options) (Set, error) {
	return ensure(ctx, recipes(), options)
}

func ensure(ctx context.Context, all []recipe, options Options) (Set, error) {
	chosen, err := choose(all, options.Only)
	if err != nil {
		return Set{}, err
	}
	dir, err := CacheDir(options.CacheDir)
	if err != nil {
		return Set{}, err
	}
	report := newReporter(options.Progress)
	defer report.close()
	if err := ensureHost(ctx, chosen, report); err != nil {
		return Set{}, err
	}
	plan, err := lay(chosen, dir)
	if err != nil {
		return Set{}, err
	}
	if exists(plan.set.Dir) {
		return plan.set, nil
	}
	unlock, err := lock(ctx, dir, report)
	if err != nil {
		return Set{}, err
	}
	defer unlock()
	if err := plan.complete(ctx, report); err != nil {
		return Set{}, err
	}
	return plan.set, nil
}

// CacheDir returns the absolute folder of the cache: the one given, $WEIR_CACHE, or the user's cache folder, in this
// order.
func CacheDir(given string) (string, error) {
	for _, dir := range []string{given, os.Getenv("WEIR_CACHE")} {
		if dir != "" {
			return filepath.Abs(dir)
		}
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the cache: %w; set WEIR_CACHE to one", err)
	}
	return filepath.Join(dir, "weir"), nil
}

// choose keeps the named recipes and those that they need, in their order. No name means all.
func choose(all []recipe, only []string) ([]recipe, error) {
	if len(only) == 0 {
		return all, nil
	}
	wanted := map[string]bool{}
	for _, name := range only {
		wanted[name] = true
	}
	var chosen []recipe
	for _, one := range slices.Backward(all) {
		if !wanted[one.Name] {
			continue
		}
		chosen = append([]recipe{one}, chosen...)
		for _, need := range one.needs {
			wanted[need] = true
		}
		delete(wanted, one.Name)
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("no such part: %s", strings.Join(sortedKeys(wanted), ", "))
	}
	return chosen, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
