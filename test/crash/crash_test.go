// SPDX-License-Identifier: Apache-2.0

//go:build api

// Package crash_test lets the controllers die, be refused, be misinformed and miss things at every write they make in a
// release, on a real API server, and holds what becomes of it against the undisturbed run.
package crash_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/test/world"
)

var (
	config *rest.Config
	direct client.WithWatch
	// full is every plan; otherwise a few of each scenario are chosen evenly.
	full = os.Getenv("WEIR_TEST_FULL") != ""
)

// fewPerScenario is how many plans of each scenario the short form runs.
const fewPerScenario = 12

// atOnce is how many plans run at the same time: they wait more than they work.
const atOnce = "12"

func TestMain(m *testing.M) {
	out := io.Discard
	if os.Getenv("WEIR_TEST_LOG") != "" {
		out = os.Stderr
	}
	log := logr.FromSlogHandler(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(world.Run(m, prepare))
}

func prepare(ctx context.Context, started *rest.Config, c client.WithWatch) error {
	config, direct = started, c
	_, err := world.NewNode(ctx, started)
	return err
}

func TestCanary(t *testing.T)     { every(t, "canary") }
func TestBlueGreen(t *testing.T)  { every(t, "blue-green") }
func TestMirror(t *testing.T)     { every(t, "mirror") }
func TestABTest(t *testing.T)     { every(t, "ab") }
func TestRollback(t *testing.T)   { every(t, "rollback") }
func TestGates(t *testing.T)      { every(t, "gates") }
func TestUnit(t *testing.T)       { every(t, "unit") }
func TestAutoscaled(t *testing.T) { every(t, "autoscaled") }
func TestAbort(t *testing.T)      { every(t, "abort") }
func TestSupersede(t *testing.T)  { every(t, "supersede") }

// every runs the scenario undisturbed, and then with every trouble at every write of that run.
func every(t *testing.T, name string) {
	t.Helper()
	s := scenarios()[name]
	undisturbed, err := plan{scenario: s, trouble: none}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range undisturbed.faults {
		t.Error(fault)
	}
	plans := plans(s, undisturbed)
	t.Logf("%d writes, %d plans", len(undisturbed.trace), len(plans))
	for _, p := range plans {
		t.Run(fmt.Sprintf("%s at %s", p.trouble, p.at), func(t *testing.T) {
			t.Parallel()
			got, err := p.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range got.faults {
				t.Error(fault)
			}
			if !got.struck {
				t.Log("the write was not made this time")
			}
		})
	}
}

var troubles = []trouble{crashBefore, crashAfter, conflict, timeout, stale, missed}

// plans are all of a scenario, or as many as the short form has, with each trouble in turn and the writes spread evenly.
func plans(s scenario, undisturbed outcome) []plan {
	var out []plan
	writes := undisturbed.trace
	if !full {
		for i := range fewPerScenario {
			at := writes[i*len(writes)/fewPerScenario]
			out = append(out, plan{scenario: s, trouble: troubles[i%len(troubles)], at: at, want: &undisturbed})
		}
		return out
	}
	for _, at := range writes {
		for _, trouble := range troubles {
			out = append(out, plan{scenario: s, trouble: trouble, at: at, want: &undisturbed})
		}
	}
	return out
}
