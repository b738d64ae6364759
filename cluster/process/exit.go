// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ExitError tells of a program that ended or never became ready, with the last lines of its log.
type ExitError struct {
	Name string
	// What happened, and the exit status if the program ended.
	What string
	// Log is the path of the log file, Tail its last lines.
	Log  string
	Tail []string
}

func (e *ExitError) Error() string {
	lines := append([]string{e.Name + " " + e.What}, e.Tail...)
	return strings.Join(append(lines, "(all of it: "+e.Log+")"), "\n    ")
}

const tailLines = 8

func (p *Process) exitError(what string) error {
	if p.gone != nil && !p.Alive() && p.exit != nil {
		what += " with " + p.exit.String()
	}
	path := logFile(p.dir, p.Name)
	return &ExitError{Name: p.Name, What: what, Log: path, Tail: tail(path, tailLines)}
}

// tail returns the last lines of a file, each cut to a length that can be read.
func tail(path string, lines int) []string {
	const window, width = 16 << 10, 300
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > window {
		_, _ = file.Seek(-window, io.SeekEnd)
	}
	content, _ := io.ReadAll(file)
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	for i, line := range all {
		if len(line) > width {
			all[i] = line[:width] + "…"
		}
	}
	return all
}

// tag is equal for specs that start the same program in the same way.
func (s Spec) tag() string {
	content, _ := json.Marshal([][]string{{s.Path}, s.Args, s.Env}) //nolint:errchkjson // words encode
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// birthOf returns when a process started, in clock ticks since boot: field 22 of proc_pid_stat(5). A zombie is dead.
func birthOf(pid int) (string, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The second field is the program's name in parentheses and may hold anything, so count from its end.
	_, rest, _ := strings.Cut(string(content[bytes.LastIndexByte(content, ')'):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return "", fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "", errors.New("the process has ended")
	}
	return fields[19], nil
}

func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}
