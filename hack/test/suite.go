// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"weir.dev/weir/cluster/part"
)

// module is the product's own; what is nested in it as a module has no tests of its own.
const module = "weir.dev/weir"

// suite is one kind of tests.
type suite struct {
	name string
	// tag is the build tag that its test files carry; empty means the files without one.
	tag string
	// within is the folder whose tests are run, in full; empty means all of the module.
	within string
	// apart is the folder of a module of its own, all of whose tests are run; empty means the product's.
	apart string
	// needs are the parts of the local cluster that must be there; nil means none, empty means all.
	needs []string
	// fuzz is the target that is fuzzed, for fuzzing; empty means that tests are run.
	fuzz string
	// timeout of each package.
	timeout time.Duration
}

// fuzzing is how long a target is fuzzed.
const fuzzing = 5 * time.Minute

var suites = map[string]suite{
	"unit": {name: "unit", timeout: 5 * time.Minute},
	"api":  {name: "api", tag: "api", needs: []string{"kubernetes", "charts"}, timeout: 10 * time.Minute},
	// What the tests of api run in a short form.
	"crash":    {name: "crash", tag: "api", within: "test/crash", needs: []string{"kubernetes", "charts"}, timeout: time.Hour},
	"mutation": {name: "mutation", tag: "api", within: "test/mutation", needs: []string{"kubernetes", "charts"}, timeout: 40 * time.Minute},
	// What the unit tests run in a short form.
	"explore": {name: "explore", tag: "explore", within: "internal/release", timeout: time.Hour},
	// Istio's libraries are not to reach the product.
	"istio": {name: "istio", apart: "test/prefix/istio", timeout: 10 * time.Minute},
	// What the tests of istio run with fixed seeds.
	"fuzz":      {name: "fuzz", apart: "test/prefix/istio", fuzz: "FuzzTranslation", timeout: 2 * fuzzing},
	"e2e":       {name: "e2e", tag: "e2e", needs: []string{}, timeout: 30 * time.Minute},
	"admission": {name: "admission", tag: "api", within: "test/webhook", needs: []string{"kubernetes", "charts"}, timeout: 25 * time.Minute},
	// The long form takes about an hour.
	"hitless": {name: "hitless", tag: "hitless", needs: []string{}, timeout: 2 * time.Hour},
}

// run runs the suite. The error is about what kept it from running; failed tests are in the tally.
func (s suite) run(ctx context.Context) (tally, error) {
	fmt.Printf("%s tests\n", s.name)
	chosen, err := s.choose(ctx)
	if err != nil {
		return tally{}, err
	}
	if s.needs != nil {
		if _, err := part.Ensure(ctx, part.Options{Only: s.needs, Progress: progress(os.Stdout)}); err != nil {
			return tally{}, err
		}
	}
	before := testRoots()
	counts, err := s.goTest(ctx, chosen)
	return counts, errors.Join(err, removeLeftovers(context.WithoutCancel(ctx), before))
}

func (s suite) goTest(ctx context.Context, chosen selection) (tally, error) {
	log, err := createLog(s.name)
	if err != nil {
		return tally{}, err
	}
	defer log.Close()
	command := exec.CommandContext(ctx, "go", s.arguments(chosen)...)
	command.Dir = s.apart
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// The tests themselves are told to stop, so that they put away what they started.
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
	command.WaitDelay = time.Minute
	command.Stderr = os.Stderr
	if s.within != "" {
		command.Env = append(os.Environ(), "WEIR_TEST_FULL=1")
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return tally{}, err
	}
	defer reader.Close()
	command.Stdout = writer
	if err := command.Start(); err != nil {
		return tally{}, errors.Join(err, writer.Close())
	}
	writer.Close()
	listener := newListener(os.Stdout, module, s.tag+s.apart != "")
	listener.logs = s.name == "explore" || s.apart != ""
	readErr := follow(listener, io.TeeReader(reader, log))
	return s.conclude(listener, command.Wait(), readErr, log.Name())
}

func (s suite) arguments(chosen selection) []string {
	arguments := []string{"test", "-json", "-timeout", s.timeout.String()}
	if s.fuzz != "" {
		arguments = append(arguments, "-run", "^$", "-fuzz", "^"+s.fuzz+"$", "-fuzztime", fuzzing.String())
	}
	if s.tag != "" {
		// They share one machine and one cluster, and what they look at is not in Go's cache of results.
		arguments = append(arguments, "-tags", s.tag, "-count", "1", "-p", "1", "-run", chosen.pattern())
	}
	return append(arguments, chosen.packages...)
}

// conclude finds what the events did not tell: that no test ran, or that Go failed without a failed test.
func (s suite) conclude(l *listener, waitErr, readErr error, log string) (tally, error) {
	counts := l.counts
	switch {
	case readErr != nil:
		return counts, fmt.Errorf("read the results: %w", readErr)
	case waitErr != nil && counts.failed == 0:
		return counts, fmt.Errorf("go test: %w; its whole output is in %s", waitErr, log)
	case counts.passed+counts.failed == 0:
		return counts, errors.New("no test ran")
	}
	if counts.failed > 0 {
		fmt.Printf("  the whole output is in %s\n", log)
	}
	return counts, nil
}

// progress prints what is being built, often enough that nobody thinks it hangs.
func progress(out io.Writer) func(part.Event) {
	const every = 5 * time.Second
	said := time.Duration(-1)
	return func(e part.Event) {
		if said >= 0 && e.Elapsed-said < every {
			return
		}
		said = e.Elapsed
		fmt.Fprintf(out, "  … %s\n", e)
	}
}

// createLog opens the file that keeps everything the suite says.
func createLog(name string) (*os.File, error) {
	if err := os.MkdirAll("bin", 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join("bin", "test-"+name+".json"))
}

const mentionEvery = 15 * time.Second

// follow listens, and says every now and then what is still running.
func follow(l *listener, stream io.Reader) error {
	done := make(chan struct{})
	defer close(done)
	go func() {
		ticker := time.NewTicker(mentionEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-ticker.C:
				l.mention(now)
			}
		}
	}()
	return l.listen(stream)
}
