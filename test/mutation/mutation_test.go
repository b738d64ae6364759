// SPDX-License-Identifier: Apache-2.0

//go:build api

// Package mutation_test writes every field of a strategy, and of a release, wrong in every way. Each is refused with a
// message that names the field, or a release goes by it and comes to an end, or says why it waits.
package mutation_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/test/mutant"
	"weir.dev/weir/test/world"
)

var (
	config *rest.Config
	direct client.WithWatch
	node   *world.Node
	said   = &listener{errors: map[string][]string{}}
	// full lets a release go by every strategy that is accepted; otherwise by a few of each base.
	full = os.Getenv("WEIR_TEST_FULL") != ""
)

// fewPerBase is how many accepted strategies of each base the short form tries.
const fewPerBase = 3

// atOnce is how many releases are under way: they wait more than they work.
const atOnce = "12"

func TestMain(m *testing.M) {
	ctrl.SetLogger(said.logger())
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(world.Run(m, prepare))
}

func prepare(ctx context.Context, started *rest.Config, c client.WithWatch) error {
	config, direct = started, c
	var err error
	node, err = world.NewNode(ctx, started)
	return err
}

func TestStrategyFields(t *testing.T) {
	fields := specOf(t, "strategies")
	covered := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(bases)) {
		t.Run(name, func(t *testing.T) {
			all := mutant.Of(parse(t, bases[name]), fields)
			for _, m := range all {
				covered[m.Path] = true
			}
			accepted := admit(t, "Strategy", all)
			t.Logf("%d strategies, %d accepted", len(all), len(accepted))
			t.Run("released", func(t *testing.T) { release(t, some(accepted)) })
		})
	}
	t.Logf("%d fields", len(covered))
}

func TestReleaseFields(t *testing.T) {
	all := mutant.Of(parse(t, commands), specOf(t, "releases"))
	accepted := admit(t, "Release", all)
	t.Logf("%d releases, %d accepted", len(all), len(accepted))
}

// admit asks the API server for each, and returns those that it takes. What it refuses has to be told by its field.
func admit(t *testing.T, kind string, all []mutant.Mutant) []mutant.Mutant {
	t.Helper()
	var accepted []mutant.Mutant
	known := map[string]bool{}
	for _, m := range all {
		text, err := json.Marshal(m.Spec)
		if err != nil {
			t.Fatal(err)
		}
		if known[string(text)] {
			continue
		}
		known[string(text)] = true
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "weir.dev/v1alpha1", "kind": kind, "metadata": map[string]any{
			"generateName": "test-", "namespace": "default",
		}}}
		if err := json.Unmarshal([]byte(fmt.Sprintf(`{"spec":%s}`, text)), &o.Object); err != nil {
			t.Fatal(err)
		}
		err = direct.Create(t.Context(), o, client.DryRunAll, client.FieldValidation("Strict"))
		switch {
		case err == nil:
			accepted = append(accepted, m)
		case !names(err.Error(), m.Path):
			t.Errorf("%s: refused without a word about the field: %v", m, err)
		}
	}
	return accepted
}

// names tells whether the message names the field, what holds it, or what it holds. A rule over the whole strategy names
// the field that does not go with the others.
func names(message, path string) bool {
	for {
		if strings.Contains(message, path) {
			return true
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 || path[:i] == "spec" {
			return strings.Contains(message, strings.TrimPrefix(path, "spec.")) || strings.Contains(message, ": spec.")
		}
		path = path[:i]
	}
}

// some are all in the full form, and a few of them otherwise, spread evenly.
func some(all []mutant.Mutant) []mutant.Mutant {
	if full || len(all) <= fewPerBase {
		return all
	}
	var few []mutant.Mutant
	for i := range fewPerBase {
		few = append(few, all[i*len(all)/fewPerBase])
	}
	return few
}
