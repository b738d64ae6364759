// SPDX-License-Identifier: Apache-2.0

package part

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// tailLines is how much of a failed command's output its error shows.
	tailLines = 15
	// grace is how long a command may take to stop when the work is canceled.
	grace = 10 * time.Second
)

// command is one run of another program, whose output goes to a log line by line.
type command struct {
	dir  string
	env  []string
	args []string
	// line, if set, sees each line of the error output.
	line func(string)
	// out, if set, sees each line of the standard output, which then stays out of the log.
	out func(string)
	log io.Writer
}

// run waits for the program. Its error ends with the last lines that the program said.
func (c command) run(ctx context.Context) error {
	process := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	process.Dir, process.Env, process.WaitDelay = c.dir, c.env, grace
	// A group of its own lets a cancel reach the compilers that the program has started.
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return syscall.Kill(-process.Process.Pid, syscall.SIGTERM) }
	tail := &tail{}
	fmt.Fprintln(c.log, "$", strings.Join(c.args, " "))
	said := c.lines(tail, c.line)
	answered := said
	if c.out != nil {
		answered = newLineWriter(c.out)
	}
	process.Stderr, process.Stdout = said, answered
	err := process.Run()
	said.flush()
	answered.flush()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w%s", c.args[0], err, tail)
	}
	return nil
}

func (c command) lines(tail *tail, also func(string)) *lineWriter {
	return newLineWriter(func(line string) {
		fmt.Fprintln(c.log, line)
		tail.add(line)
		if also != nil {
			also(line)
		}
	})
}

// tail keeps the last lines of an output.
type tail []string

func (t *tail) add(line string) {
	*t = append(*t, line)
	if over := len(*t) - tailLines; over > 0 {
		*t = (*t)[over:]
	}
}

func (t *tail) String() string {
	if len(*t) == 0 {
		return ""
	}
	return "\n\t" + strings.Join(*t, "\n\t")
}

// lineWriter cuts what is written to it into lines.
type lineWriter struct {
	rest []byte
	to   func(string)
}

func newLineWriter(to func(string)) *lineWriter { return &lineWriter{to: to} }

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		advance, line, _ := bufio.ScanLines(w.rest, false)
		if advance == 0 {
			return len(p), nil
		}
		w.to(string(line))
		w.rest = w.rest[advance:]
	}
}

func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.to(string(w.rest))
		w.rest = nil
	}
}

// environ is this process's environment with the given KEY=VALUE pairs in place of its own.
func environ(set ...string) []string {
	env := make([]string, 0, len(set)+16)
	for _, pair := range os.Environ() {
		if key, _, _ := strings.Cut(pair, "="); !overridden(key, set) {
			env = append(env, pair)
		}
	}
	return append(env, set...)
}

func overridden(key string, set []string) bool {
	for _, pair := range set {
		if strings.HasPrefix(pair, key+"=") {
			return true
		}
	}
	return false
}
