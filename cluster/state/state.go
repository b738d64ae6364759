// SPDX-License-Identifier: Apache-2.0

// Package state is the folder in which a cluster keeps everything it has on disk, and the lock on it.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"
)

// DefaultRoot holds the folders of all clusters unless the user names another.
const DefaultRoot = "/var/lib/weir"

// Dir is the folder of one cluster.
type Dir string

// Config is what a cluster remembers from one command to the next.
type Config struct {
	Name           string `json:"name"`
	APIPort        int    `json:"apiPort"`
	GatewayPort    int    `json:"gatewayPort"`
	PrometheusPort int    `json:"prometheusPort"`
	IstiodReplicas int    `json:"istiodReplicas"`
	// Parts is the folder of the binaries, images and charts.
	Parts string `json:"parts"`
	// Complete says that up has succeeded once.
	Complete bool `json:"complete"`
}

// The name becomes part of a network namespace, a cgroup and paths of sockets, which are short.
var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$`)

// Of returns the folder of the cluster of that name below root.
func Of(root, name string) (Dir, error) {
	if !validName.MatchString(name) {
		return "", fmt.Errorf("cluster name %q is not valid: use 1 to 20 of a-z, 0-9 and -, not at the ends", name)
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	const longest = 60 // sockets below it may have 107 bytes: unix(7)
	if len(root) > longest {
		return "", fmt.Errorf("state folder %s is too long: take one of at most %d characters", root, longest)
	}
	return Dir(filepath.Join(root, name)), nil
}

func (d Dir) path(name string) string { return filepath.Join(string(d), name) }

// Kubeconfig is the file for clients on the host.
func (d Dir) Kubeconfig() string { return d.path("kubeconfig") }

// Credentials holds certificates, keys and the kubeconfig files of the cluster's own parts.
func (d Dir) Credentials() string { return d.path("pki") }

// Run holds the log and pid files.
func (d Dir) Run() string { return d.path("run") }

// Node holds what containerd and the kubelet write.
func (d Dir) Node() string { return d.path("node") }

// Plane holds what the control plane writes.
func (d Dir) Plane() string { return d.path("plane") }

// Namespace holds the handle of the mount namespace.
func (d Dir) Namespace() string { return d.path("ns") }

// Exists says whether anything of the cluster is on disk.
func (d Dir) Exists() bool {
	_, err := os.Stat(string(d))
	return err == nil
}

// Load returns the remembered configuration; the error wraps fs.ErrNotExist if there is none.
func (d Dir) Load() (Config, error) {
	var c Config
	content, err := os.ReadFile(d.path("cluster.json"))
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(content, &c); err != nil {
		return c, fmt.Errorf("%s: %w", d.path("cluster.json"), err)
	}
	return c, nil
}

// Save remembers the configuration.
func (d Dir) Save(c Config) error {
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return err
	}
	temporary := d.path("cluster.json.new")
	if err := os.WriteFile(temporary, content, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, d.path("cluster.json"))
}

// Lock keeps other commands from changing the cluster until the returned function is called or the process ends.
func (d Dir) Lock() (unlock func(), err error) {
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return nil, err
	}
	folder, err := os.Open(string(d))
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		folder.Close()
		return nil, fmt.Errorf("another weir command is at work on cluster %s: wait for its end", filepath.Base(string(d)))
	}
	return func() { folder.Close() }, nil
}

// Remove deletes the folder, and the one above if it is empty then.
func (d Dir) Remove() error {
	if err := os.RemoveAll(string(d)); err != nil {
		return err
	}
	_ = os.Remove(filepath.Dir(string(d)))
	return nil
}

// Names lists the clusters below root.
func Names(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && validName.MatchString(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}
