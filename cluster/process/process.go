// SPDX-License-Identifier: Apache-2.0

// Package process runs programs that outlive the command which started them: each with a log file and a pid file, by
// which a later command finds it, watches it and ends it.
package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Spec says how a program is to be run.
type Spec struct {
	// Name is the program's name among its siblings; it names the log and pid files.
	Name string
	// Path is the executable, Args what follows its name, Env all of its environment.
	Path string
	Args []string
	Env  []string
	// Dir is the folder of the log and pid files.
	Dir string
	// Place is entered before the program starts; nil means where the caller is.
	Place Place
}

// Place is where a program runs. Enter is called on a locked thread that starts the program and then ends; it returns
// the descriptor of a version 2 cgroup to start in, or -1.
type Place interface {
	Enter() (cgroupFD int, err error)
}

// Process is a program that was started by this command or an earlier one.
type Process struct {
	Name string
	PID  int
	dir  string
	tag  string
	gone chan struct{} // closed at exit if this command is the parent
	exit *os.ProcessState
}

// record is the content of a pid file. A pid alone may have passed to a stranger since: birth and boot tell them apart.
type record struct {
	PID   int    `json:"pid"`
	Birth string `json:"birth"`
	Boot  string `json:"boot"`
	Tag   string `json:"tag"`
}

// Start starts the program in a session of its own, so that it survives the end of the terminal. Its output goes to
// the end of the log file.
func Start(spec Spec) (*Process, error) {
	if err := os.MkdirAll(spec.Dir, 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logFile(spec.Dir, spec.Name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(spec.Path, spec.Args...)
	command.Env = spec.Env
	command.Dir = "/"
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := launch(command, spec.Place); err != nil {
		return nil, fmt.Errorf("start %s (%s): %w", spec.Name, spec.Path, err)
	}
	p := &Process{Name: spec.Name, PID: command.Process.Pid, dir: spec.Dir, tag: spec.tag(), gone: make(chan struct{})}
	go func() {
		_ = command.Wait()
		p.exit = command.ProcessState
		close(p.gone)
	}()
	return p, p.save()
}

// Run runs a short program to its end in its place and returns what it printed. Ending ctx kills it.
func Run(ctx context.Context, spec Spec) (output string, err error) {
	var printed bytes.Buffer
	command := exec.CommandContext(ctx, spec.Path, spec.Args...)
	command.Env, command.Dir = spec.Env, "/"
	command.Stdout, command.Stderr = &printed, &printed
	command.SysProcAttr = &syscall.SysProcAttr{}
	if err := launch(command, spec.Place); err != nil {
		return "", fmt.Errorf("start %s (%s): %w", spec.Name, spec.Path, err)
	}
	err = command.Wait()
	return printed.String(), err
}

func launch(command *exec.Cmd, place Place) error {
	if place == nil {
		return command.Start()
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its foreign namespaces
		result <- launchIn(command, place)
	}()
	return <-result
}

func launchIn(command *exec.Cmd, place Place) error {
	fd, err := place.Enter()
	if err != nil {
		return err
	}
	if fd >= 0 {
		defer unix.Close(fd)
		command.SysProcAttr.UseCgroupFD, command.SysProcAttr.CgroupFD = true, fd
	}
	return command.Start()
}

func (p *Process) save() error {
	birth, err := birthOf(p.PID)
	if err != nil {
		return nil //nolint:nilerr // dead already: Await tells why
	}
	content, err := json.Marshal(record{PID: p.PID, Birth: birth, Boot: bootID(), Tag: p.tag})
	if err != nil {
		return err
	}
	return os.WriteFile(pidFile(p.dir, p.Name), content, 0o644)
}

// Find returns the program of that name if it still runs, whoever started it.
func Find(dir, name string) (*Process, bool) {
	content, err := os.ReadFile(pidFile(dir, name))
	if err != nil {
		return nil, false
	}
	var r record
	if json.Unmarshal(content, &r) != nil || r.Boot != bootID() {
		return nil, false
	}
	if birth, err := birthOf(r.PID); err != nil || birth != r.Birth {
		return nil, false
	}
	return &Process{Name: name, PID: r.PID, dir: dir, tag: r.Tag}, true
}

// Ensure returns the running program if it was started from an equal spec; else it stops that and starts a new one.
func Ensure(ctx context.Context, spec Spec) (p *Process, started bool, err error) {
	if p, running := Find(spec.Dir, spec.Name); running {
		if p.tag == spec.tag() {
			return p, false, nil
		}
		if err := p.Stop(ctx, 5*time.Second); err != nil {
			return nil, false, err
		}
	}
	p, err = Start(spec)
	return p, true, err
}

// Alive says whether the program still runs.
func (p *Process) Alive() bool {
	if p.gone != nil {
		select {
		case <-p.gone:
			return false
		default:
			return true
		}
	}
	found, running := Find(p.dir, p.Name)
	return running && found.PID == p.PID
}

// killed is how long a killed program may take to be gone, which is up to the system and whatever else it has to do.
const killed = 20 * time.Second

// Stop asks the program to end, and kills it after the grace period.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	for _, signal := range []syscall.Signal{unix.SIGTERM, unix.SIGKILL} {
		if !p.Alive() {
			break
		}
		if err := unix.Kill(p.PID, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("stop %s (pid %d): %w", p.Name, p.PID, err)
		}
		if signal == unix.SIGKILL {
			grace = killed
		}
		limit, cancel := context.WithTimeout(ctx, grace)
		p.awaitEnd(limit)
		cancel()
	}
	if p.Alive() {
		return fmt.Errorf("%s (pid %d) does not end, not even killed", p.Name, p.PID)
	}
	err := os.Remove(pidFile(p.dir, p.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

const pollEvery = 25 * time.Millisecond

func (p *Process) awaitEnd(ctx context.Context) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for p.Alive() {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Await calls probe again and again until it succeeds. It gives up with an *ExitError when the program ends first, and
// with the last failure of probe when ctx does.
func (p *Process) Await(ctx context.Context, probe func(context.Context) error) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		if !p.Alive() {
			return p.exitError("ended at its start")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last answer: %w)", p.exitError("is not ready in time"), err)
		case <-ticker.C:
		}
	}
}

func logFile(dir, name string) string { return filepath.Join(dir, name+".log") }
func pidFile(dir, name string) string { return filepath.Join(dir, name+".pid") }
